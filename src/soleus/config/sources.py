"""Where a model and a motion come from: a name or one file, or files that say more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, NonNegativeInt, Tag, model_validator

from soleus.config.fields import Mark, NonNegative, Positive, Section

KINDS = frozenset({"mass", "mjcf", "bvh", "table"})
"""Keys that say what kind of file a model or a motion is."""


MODEL_ENDINGS = (".xml", ".mjb")


def is_model_file(name: str) -> bool:
    """Whether a name is that of a model's file rather than of a built-in model."""
    return name.lower().endswith(MODEL_ENDINGS)


class MassFiles(Section):
    """A model in the format of MASS (Lee et al. 2019)."""

    skeleton: Annotated[str, Mark.FILE]
    muscles: Annotated[str | None, Mark.FILE] = None
    damping: NonNegative = 0.0
    """[N m s/rad] of every joint but the root's; the format has none, the program it comes from 0.4."""


class ModelFiles(Section):
    """A model from files: of MASS, or MJCF (or what MuJoCo compiled it to, MJB) with a table of muscles beside it."""

    mass: MassFiles | None = None
    mjcf: Annotated[str | None, Mark.FILE] = None
    muscles: Annotated[str | None, Mark.FILE] = None
    """CSV, as `soleus import` writes it."""
    root: str | None = None
    """The person's pelvis, where more than one body of the MJCF could be it."""
    blend_force: Literal["first_body", "by_weight"] = "first_body"
    """Where a muscle's force at a blended waypoint acts: on its first body, as in MASS, or on both by weight, which is
    the gradient of the path's length and keeps energy."""

    @model_validator(mode="after")
    def _one(self) -> "ModelFiles":
        if (self.mass is None) == (self.mjcf is None):
            raise ValueError(f"expected mass or mjcf, got {'neither' if self.mass is None else 'both'}")
        if self.mass and self.muscles:
            raise ValueError("muscles: expected those of mass under mass.muscles")
        if self.mass and self.root:
            raise ValueError(
                "root: expected one beside mjcf alone (a skeleton of MASS has one root), got it beside mass"
            )
        return self

    def __str__(self) -> str:
        """Return the name of the skeleton's file, without its ending."""
        return Path(self.mass.skeleton if self.mass else str(self.mjcf)).stem


Axis = Literal["x", "y", "z", "-x", "-y", "-z"]
Unit = Literal["degree", "radian"]


class BvhMotion(Section):
    """One cycle of a motion, from a BVH file; its last frame is the first of the next cycle."""

    bvh: Annotated[str, Mark.FILE]
    scale: Positive = 0.01
    """[m] of the file's unit of length."""
    root_scale: Positive | None = None
    """[m] of the unit of the root's positions; null: scale, which is then that of OFFSETs and positions."""
    unit: Unit = "degree"
    """Of rotations."""
    up: Axis | None = None
    """The file's axis up; null: what the model says of its motion files, by default y."""
    forward: Axis | None = None
    """Where the person in the file faces; null: as the model's motion files do, turned up with the axis."""
    first: Annotated[NonNegativeInt | None, Field(alias="from")] = None
    """First frame that counts, from 0, and `to` the last: a T-pose in front may be left out."""
    to: NonNegativeInt | None = None
    hz: Positive = 60.0
    """Frames a second to resample to."""
    names: dict[str, str] = Field(default_factory=dict)
    """Joint of the file that each body follows, over what the model says."""

    def __str__(self) -> str:
        """Return the name of the file, without its ending."""
        return Path(self.bvh).stem


class TableMotion(Section):
    """One cycle of a motion, from a CSV table of poses; its last row is the first of the next cycle."""

    table: Annotated[str, Mark.FILE]
    scale: Positive = 1.0
    """[m] of the table's unit of length."""
    unit: Unit = "radian"
    """Of the angles of hinges."""
    up: Axis = "z"
    """The axis up of the world that the root's place and quaternion are in."""
    first: Annotated[NonNegativeInt | None, Field(alias="from")] = None
    """First row that counts, from 0, and `to` the last."""
    to: NonNegativeInt | None = None

    def __str__(self) -> str:
        """Return the name of the file, without its ending."""
        return Path(self.table).stem


def _form(value: Any) -> str:
    if isinstance(value, TableMotion) or (isinstance(value, Mapping) and "table" in value):
        return "[table]"
    return "[files]" if isinstance(value, Mapping | Section) else "[name]"


def spelled_out(value: Any) -> Any:
    """Return a model or a motion that is a file alone as a mapping, to which other keys may be added; else the same."""
    ending = Path(value).suffix.lower() if isinstance(value, str) else ""
    kind = {**dict.fromkeys(MODEL_ENDINGS, "mjcf"), ".bvh": "bvh", ".csv": "table"}.get(ending)
    return {kind: value} if kind else value


def is_clip_or_table(source: Any) -> bool:
    """Whether a motion is of a file that has units and axes, which keys say."""
    return isinstance(source, BvhMotion | TableMotion) or isinstance(spelled_out(source), Mapping)


ModelSource = Annotated[Annotated[str, Tag("[name]")] | Annotated[ModelFiles, Tag("[files]")], Discriminator(_form)]
MotionSource = Annotated[
    Annotated[str, Tag("[name]")] | Annotated[BvhMotion, Tag("[files]")] | Annotated[TableMotion, Tag("[table]")],
    Discriminator(_form),
]
