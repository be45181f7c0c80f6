"""Environments that are not ours: the section `env`."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from soleus.config.fields import Count, Few, Fixed, Mark, Section


class EnvironmentConfig(Section):
    """Environments that are not ours: SCHEME:ID, with SCHEME gymnasium, envpool or procgen."""

    id: Annotated[
        str, Fixed("the policy has learnt in this one; a new run may begin with its weights: train.start_from")
    ]
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the environment's maker; for procgen distribution_mode, num_levels, start_level, ..."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Options laid over these for evaluation."""
    numbered: dict[str, Any] = Field(default_factory=dict)
    """Options that differ from one environment to the next: a whole number, to which the environment's own number is
    added (0, 1, ... among all of the run; from train.num_envs on in evaluation), or a text with {number} in it."""
    evaluation_envs: Few = 32
    """Environments that evaluation steps side by side, at most."""
    wrappers: tuple[dict[str, dict[str, Any]], ...] = ()
    """Gymnasium wrappers, innermost first, each {module:Class: {keyword: value}}."""
    frame_stack: Annotated[Few, Fixed("the policy has learnt from observations of so many"), Mark.INTERFACE] = 1
    """Frames that an observation holds, the latest last: channels of an image, blocks of a vector."""
    time_limit: Literal["truncates", "terminates"] = "truncates"
    """Whether an episode that a time limit ends goes on in the value of its last state, or is lost as in Procgen."""
    deterministic_evaluation: bool = True
    """Evaluate the likeliest action rather than a sampled one."""
    max_evaluation_steps: Count = 10_000
    """Of an episode, which counts as it stands then: as one that a time limit ended."""

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
