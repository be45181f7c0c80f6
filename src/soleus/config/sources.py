"""Where a model and a motion come from: a name or one file, or files that say more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from soleus.config.fields import Fraction, Mark, NonNegative, Positive, Seconds, Section

KINDS = frozenset({"mass", "mjcf", "osim", "bvh", "table", "cycle", "clips"})
"""Keys that say what kind of file a model or a motion is."""


MODEL_ENDINGS = (".xml", ".mjb")
OSIM_ENDING = ".osim"
"""Of OpenSim's models."""
STORAGE_ENDINGS = (".mot", ".sto")
"""Of OpenSim's files."""
MARKER_ENDINGS = (".trc", ".c3d")
"""Of files of markers, which become motions as a model of OpenSim's is imported."""
TABLE_ENDINGS = (".csv", *STORAGE_ENDINGS, ".npz")


def is_model_file(name: str) -> bool:
    """Whether a name is that of a model's file rather than of a built-in model."""
    return name.lower().endswith((*MODEL_ENDINGS, OSIM_ENDING))


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class MassFiles(Section):
    """A model in the format of MASS (Lee et al. 2019)."""

    skeleton: Annotated[str, Mark.FILE]
    """XML file of the skeleton."""
    muscles: Annotated[str | None, Mark.FILE] = None
    """XML file of the muscles."""
    damping: NonNegative = 0.0
    """[N m s/rad] Damping of every joint but the root's. The format has no damping; the program that it comes from sets
    0.4."""


class ContactSphere(Section):
    """A sphere that touches the ground; what is not given stays as the file has it."""

    body: str | None = None
    """Body that a new sphere is of."""
    pos: Annotated[tuple[float, float, float] | None, BeforeValidator(_as_tuple)] = None
    """[m] Its centre in the body's frame."""
    radius: Positive | None = None
    """[m]"""


class ModelFiles(Section):
    """A model from files: those of MASS, an OpenSim model, or an MJCF file, beside which there may be a file of
    muscles."""

    mass: MassFiles | None = None
    """The files of a model of MASS."""
    mjcf: Annotated[str | None, Mark.FILE] = None
    """MJCF file (.xml), or the MJB file (.mjb) that MuJoCo compiled it to; or the name of a built-in model."""
    osim: Annotated[str | None, Mark.FILE] = None
    """OpenSim model (.osim), imported as `soleus import opensim` does. What it became is kept in the user's cache
    folder, and a run has a copy of it."""
    muscles: Annotated[str | None, Mark.FILE] = None
    """Muscles beside the MJCF file, as `soleus import` writes them: a CSV table of polylines, or an NPZ file of
    Hill-type muscles whose lengths are polynomials."""
    root: str | None = None
    """Name of the body that is the person's pelvis, where several bodies of the MJCF could be."""
    yaw: Annotated[float, Field(ge=-360, le=360)] | None = None
    """[degree] Where the person of the MJCF faces at qpos0, from +x towards +y; null: where toes point and away from
    where knees bend."""
    joints: dict[str, str] = Field(default_factory=dict)
    """Joint of the MJCF file by the name that it gets here, where the file has another, as in hip_flexion_r: RHipFlex;
    "-RHipFlex" where it counts the other way round. Gains, mirror images and motions go by these names."""
    bodies: dict[str, str] = Field(default_factory=dict)
    """Body of the MJCF file by the name that it gets here, as in calcn_r: RightFoot. Feet, head and hands go by these
    names."""
    lock: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    """Joints of the MJCF file, or patterns of their names such as mcp*, that stay as at qpos0, with those that follow
    them; muscles that move nothing else are left out."""
    without: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    """Muscles of the MJCF file, or patterns of their names, that are left out."""
    contacts: Literal["all", "feet"] = "all"
    """What of the person in the MJCF file touches anything. all: what the file says; feet: the feet alone, and only
    what is none of the person, as the ground."""
    spheres: dict[str, ContactSphere | None] = Field(default_factory=dict)
    """Contact spheres by name, or by a pattern of names of the MJCF file. heel_r: {pos: [0.01, 0, 0], radius: 0.03}
    moves and sizes one; a name that the file does not have, with body, pos and radius, adds one; null takes one
    away."""
    contact_time: Annotated[float, Field(ge=0.005, le=0.2)] | None = None
    """[s] Time constant of contacts in the MJCF file (the first number of MuJoCo's solref), in place of what the file
    says: the longer, the softer the ground and the soles are."""
    gyration: Annotated[float, Field(ge=0.01, le=10)] | None = None
    """[m] The longest radius of gyration that bodies of the MJCF file may have: inertia beyond it, which no part of a
    person has, is scaled down. 1 is enough for segments without mass that were given 1 kg m^2."""
    blend_force: Literal["first_body", "by_weight"] = "first_body"
    """Where the force of a muscle acts at a waypoint that is blended between two bodies. first_body: on the first of
    them, as in MASS; by_weight: on both, by the weights of the blend, which keeps energy."""

    @model_validator(mode="after")
    def _one(self) -> "ModelFiles":
        given = [key for key in ("mass", "mjcf", "osim") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"expected mass, mjcf or osim, got {' and '.join(given) or 'none of them'}")
        if self.mass and self.muscles:
            raise ValueError("muscles: expected those of mass under mass.muscles")
        if self.osim and self.muscles:
            raise ValueError(
                "muscles: expected it beside mjcf alone (an OpenSim model has its own), got it beside osim"
            )
        if self.mass and self.root:
            raise ValueError(
                "root: expected one beside mjcf alone (a skeleton of MASS has one root), got it beside mass"
            )
        changes = next(iter(self.changes), None)
        if self.mass and changes:
            raise ValueError(f"{changes}: expected it beside mjcf alone, got it beside mass")
        if self.mass and self.yaw is not None:
            raise ValueError(f"yaw: expected one beside mjcf alone (a skeleton of MASS faces +x), got {self.yaw:g}")
        return self

    @property
    def changes(self) -> tuple[str, ...]:
        """Keys that change an MJCF file as it is loaded."""
        given = [key for key in ("joints", "bodies", "lock", "without", "spheres") if getattr(self, key)]
        given += ["contacts"] if self.contacts != "all" else []
        given += ["contact_time"] if self.contact_time is not None else []
        given += ["gyration"] if self.gyration is not None else []
        return tuple(given)

    def __str__(self) -> str:
        """Return the name of the skeleton's file, without its ending."""
        return Path(self.mass.skeleton if self.mass else self.osim or str(self.mjcf)).stem


Axis = Literal["x", "y", "z", "-x", "-y", "-z"]
Unit = Literal["degree", "radian"]


class Changed(Section):
    """What may be changed of a motion."""

    speed: Positive | None = None
    """[m/s] Speed that a cyclic motion is brought to. A recording keeps its strides and is played faster or slower; of
    a gait cycle strides and cadence change alike."""
    cadence: Positive | None = None
    """[steps/min] Cadence that a cyclic motion is brought to, one lap of which is two steps. A recording keeps its
    strides."""
    mirror: bool = False
    """Left and right are exchanged."""


class CycleMotion(Changed):
    """A gait cycle: tables of joint angles over one stride."""

    cycle: Annotated[str, Mark.FILE]
    """A built-in gait cycle, or a YAML file like them."""

    def __str__(self) -> str:
        """Return its name."""
        return Path(self.cycle).stem


class BvhMotion(Changed):
    """One cycle of a motion, from a BVH file; its last frame is the first of the next cycle."""

    bvh: Annotated[str, Mark.FILE]
    """BVH file."""
    scale: Positive | None = None
    """[m] The BVH file's unit of length in metres; null: 0.01, or, of a clip that is put on another body by the names
    of its limbs, what makes its legs as long as the body's."""
    root_scale: Positive | None = None
    """[m] The unit of the root's positions in metres, where it is not that of the OFFSETs; null: it is."""
    unit: Unit = "degree"
    """Unit of the BVH file's rotations."""
    up: Axis | None = None
    """Axis of the BVH file that points up; null: the one that the model gives for its motion files, or else y."""
    forward: Axis | None = None
    """Axis of the BVH file along which the person faces; null: the one that the model gives, turned together with
    up."""
    first: Annotated[Seconds | None, Field(alias="from")] = None
    """[s] Where the part begins that is used, in the file's own time, whose first frame is at 0; so a T-pose at the
    start can be left out."""
    to: Seconds | None = None
    """[s] Where the part ends that is used."""
    hz: Positive = 60.0
    """Frames a second that the motion is resampled to."""
    filter: Positive | None = None
    """[Hz] Faster movements are filtered out of the clip; null: none are."""
    lap: Literal["given", "once"] = "given"
    """given: the last frame is the first of the next cycle; once: the clip is played once, and an episode ends with
    it."""
    names: dict[str, str] = Field(default_factory=dict)
    """Joint of the BVH file that a body follows, by the body's name, instead of the one that the model gives."""

    def __str__(self) -> str:
        """Return the name of the file, without its ending."""
        return Path(self.bvh).stem


class TableMotion(Changed):
    """One cycle of a motion, from a table of poses: a CSV file, a storage file of OpenSim's, or arrays of NumPy's."""

    table: Annotated[str, Mark.FILE]
    """Table of poses: .csv; .mot or .sto of OpenSim; .npz with the arrays qpos and time or hz."""
    scale: Positive = 1.0
    """[m] The table's unit of length in metres."""
    unit: Unit | None = None
    """Unit of the table's joint angles; null: the one that the header of a .mot or .sto file says, or else radian."""
    up: Axis | None = None
    """Axis that points up in the world in which the table gives the root's place and quaternion; null: y for a .mot or
    .sto file, or else z."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Column of a .mot or .sto file that a joint of the model follows, by the joint's name, where it has another name
    than the joint; "-NAME" where it counts the other way round."""
    lap: Literal["given", "close", "find", "once"] | None = None
    """given: the last row is the first of the next cycle exactly; close: nearly, and the gap is blended over it;
    find: there may be more than one cycle, and the one that repeats itself best is taken and closed; once: the
    recording is played once, and an episode ends with it; null: given for a .csv file, or else find."""
    first: Annotated[Seconds | None, Field(alias="from")] = None
    """[s] Where the part begins that is used, in the file's own time."""
    to: Seconds | None = None
    """[s] Where the part ends that is used."""
    filter: Positive | None = None
    """[Hz] Faster movements are filtered out of the recording, 6 being usual of walking; null: none are."""

    @model_validator(mode="after")
    def _of_storage(self) -> "TableMotion":
        if Path(self.table).suffix.lower() not in STORAGE_ENDINGS:
            if self.columns:
                raise ValueError("columns: expected them beside a .mot or .sto file, got them beside another table")
        elif self.up not in (None, "y"):
            raise ValueError(f"up: expected y, which points up in files of OpenSim, got {self.up}")
        return self

    def __str__(self) -> str:
        """Return the name of the file, without its ending."""
        return Path(self.table).stem


def _form(value: Any) -> str:
    if isinstance(value, TableMotion) or (isinstance(value, Mapping) and "table" in value):
        return "[table]"
    if isinstance(value, ClipsMotion) or (isinstance(value, Mapping) and "clips" in value):
        return "[clips]"
    if isinstance(value, CycleMotion) or (isinstance(value, Mapping) and "cycle" in value):
        return "[cycle]"
    return "[files]" if isinstance(value, Mapping | Section) else "[name]"


OneMotion = Annotated[
    Annotated[str, Tag("[name]")]
    | Annotated[BvhMotion, Tag("[files]")]
    | Annotated[TableMotion, Tag("[table]")]
    | Annotated[CycleMotion, Tag("[cycle]")],
    Discriminator(_form),
]


class Clip(Section):
    """One of several motions."""

    file: Annotated[OneMotion, Mark.FILE]
    """A motion: a name, a file, or a mapping as `motion` itself takes it."""
    weight: Positive = 1.0
    """How often an episode follows it beside those of weight 1, where sampling does not change that."""

    @model_validator(mode="before")
    @classmethod
    def _of_a_motion(cls, value: Any) -> Any:
        """A motion alone is a clip of weight 1."""
        alone = isinstance(value, str) or (isinstance(value, Mapping) and not value.keys() & {"file", "weight"})
        return {"file": value} if alone else value


class ClipsMotion(Section):
    """Several motions in one policy: each episode follows one of them, from a phase of it."""

    clips: Annotated[tuple[Clip, ...], Field(min_length=1), BeforeValidator(_as_tuple)]
    """The motions; or a folder, all files of motions in which are taken."""
    sampling: Literal["failure", "weight"] = "failure"
    """failure: clips whose episodes end before their time are drawn more often, by how often they lately did;
    weight: as often as their weights say."""
    floor: Fraction = 0.2
    """Share of the episodes that are drawn by weight alone whatever fails, so that no clip is forgotten."""

    def __str__(self) -> str:
        """Return how many clips there are."""
        return f"{len(self.clips)} clips"


def spelled_out(value: Any) -> Any:
    """Return a model or a motion that is a file alone as a mapping, to which other keys may be added; else the same."""
    ending = Path(value).suffix.lower() if isinstance(value, str) else ""
    kinds = {**dict.fromkeys(MODEL_ENDINGS, "mjcf"), OSIM_ENDING: "osim", ".bvh": "bvh"}
    kind = {**kinds, **dict.fromkeys(TABLE_ENDINGS, "table")}.get(ending)
    return {kind: value} if kind else value


def is_clip_or_table(source: Any) -> bool:
    """Whether a motion is of a file that has units and axes, which keys say."""
    return isinstance(source, BvhMotion | TableMotion) or isinstance(spelled_out(source), Mapping)


def clips_in(folder: Path) -> list[str]:
    """Return the files of motions in a folder, by name."""
    endings = (*TABLE_ENDINGS, ".bvh", ".yaml", ".yml")
    return sorted(str(file) for file in folder.iterdir() if file.is_file() and file.suffix.lower() in endings)


ModelSource = Annotated[Annotated[str, Tag("[name]")] | Annotated[ModelFiles, Tag("[files]")], Discriminator(_form)]
MotionSource = Annotated[
    Annotated[str, Tag("[name]")]
    | Annotated[BvhMotion, Tag("[files]")]
    | Annotated[TableMotion, Tag("[table]")]
    | Annotated[CycleMotion, Tag("[cycle]")]
    | Annotated[ClipsMotion, Tag("[clips]")],
    Discriminator(_form),
]
