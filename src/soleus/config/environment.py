"""Environments that are not ours: the section `env`."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from soleus.config.fields import Count, Few, Fixed, Mark, Section


class EnvironmentConfig(Section):
    """Environments that are not ours."""

    id: Annotated[
        str, Fixed("the policy has learnt in this one; a new run may begin with its weights: train.start_from")
    ]
    """SCHEME:ID, where SCHEME is gymnasium, envpool or procgen: gymnasium:CartPole-v1, procgen:coinrun."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments that the environment is made with, such as distribution_mode, num_levels, start_level of
    procgen."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Options laid over env.options in the environments of an evaluation."""
    numbered: dict[str, Any] = Field(default_factory=dict)
    """Options that differ from one environment to the next. To a whole number, the environment's own number is added;
    in a text, it takes the place of {number}. The environments of a run have the numbers 0, 1, ...; those of its
    evaluation follow from train.num_envs on."""
    evaluation_envs: Few = 32
    """Environments that an evaluation steps side by side, at most."""
    wrappers: tuple[dict[str, dict[str, Any]], ...] = ()
    """Gymnasium wrappers, innermost first, each by its name or as {module:Class: {keyword: value}}."""
    frame_stack: Annotated[Few, Fixed("the policy has learnt from observations of so many"), Mark.INTERFACE] = 1
    """Frames that an observation holds, the latest last; they are stacked as channels of an image, or as parts of a
    vector."""
    time_limit: Literal["truncates", "terminates"] = "truncates"
    """What a time limit means. truncates: the last state keeps its value, as if the episode went on; terminates: the
    episode is lost, as in Procgen."""
    deterministic_evaluation: bool = True
    """In an evaluation the policy takes the likeliest action; false: it samples."""
    max_evaluation_steps: Count = 10_000
    """Steps after which an episode of an evaluation is cut short; it counts as one that a time limit ended."""

    @field_validator("numbered")
    @classmethod
    def _numbers(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, one in value.items():
            if type(one) is not int and not (isinstance(one, str) and "{number}" in one):
                raise ValueError(f"{name}: expected a whole number or a text with {{number}} in it, got {one!r}")
        return value

    @model_validator(mode="after")
    def _apart(self) -> "EnvironmentConfig":
        for name in self.numbered:
            if name in self.options or name in self.evaluation:
                raise ValueError(f"numbered.{name}: expected an option that neither options nor evaluation has too")
        return self

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"id": value}
        if isinstance(value, dict) and isinstance(value.get("wrappers"), list):
            listed = [{one: {}} if isinstance(one, str) else one for one in value["wrappers"]]
            value = {**value, "wrappers": tuple(listed)}
        return value

    @property
    def scheme(self) -> str:
        """What comes before the first colon of the id."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """What comes after it."""
        return self.id.partition(":")[2]
