"""Models by name, or from a user's MJCF file."""

import difflib
import re
import warnings
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from soleus.config.sources import OSIM_ENDING, ModelFiles, is_model_file
from soleus.errors import UserError
from soleus.models import mass, myosim
from soleus.models.adapting import adapted
from soleus.models.build import build_human
from soleus.models.free_root import with_free_root
from soleus.models.gyration import warn_of_gyration
from soleus.models.hill_table import ENDING, HillTable, read_hill
from soleus.models.human import Human
from soleus.models.muscle_table import MuscleTable, read_table
from soleus.models.numbers import check_numbers
from soleus.models.speech import one_line, quiet_libraries

_OWN = ("walk2d",)
_ENDINGS = {
    ".mjcf": ": MuJoCo takes it for MJCF as .xml",
    OSIM_ENDING: ": soleus import opensim writes MJCF of it",
    ".urdf": ": MuJoCo's compile program writes MJCF of it (compile person.urdf person.xml)",
}
_INCLUDE = r"""<include\s+file\s*=\s*["']([^"']+)["']"""


def names() -> tuple[str, ...]:
    """The built-in models."""
    return _OWN + myosim.NAMES


def load(source: str | Path | ModelFiles, sim_hz: float = 480) -> Human:
    """A human by its built-in name, or from files: MJCF, feet named as feet; or those of MASS.

    sim_hz: simulation steps a second. Raises UserError: unknown name, no such file, not valid, no human.
    """
    if not sim_hz > 0:
        raise UserError(f"sim_hz must be positive, got {sim_hz}")
    if isinstance(source, ModelFiles):
        return _from_files(source, sim_hz)
    name = str(source)
    if name in names():
        return _build(name, partial(_built_in, name), sim_hz, _yaw_of(name))
    ending = Path(name).suffix
    if ending and (not is_model_file(name) or ending.lower() == OSIM_ENDING):
        raise UserError(
            f"model file '{name}': expected a name that ends in .xml (MJCF) or .mjb, got {ending}"
            f"{_ENDINGS.get(ending.lower(), '')}"
        )
    if not is_model_file(name):
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
        raise UserError(
            f"unknown model '{name}': expected one of {', '.join(names())} or an .xml or .mjb file; nearest is '{near}'"
        )
    return _from_files(ModelFiles(mjcf=name), sim_hz)


def of_text(name: str, text: str, table: MuscleTable | None = None, sim_hz: float = 480) -> Human:
    """Return a human of MJCF text, with muscles that are polylines beside it. Raises UserError as load."""
    return _build(name, lambda: mujoco.MjSpec.from_string(text), sim_hz, table=table)


def _built_in(name: str) -> Any:
    """A mujoco.MjSpec of a built-in model."""
    if name in myosim.NAMES:
        return myosim.load_spec(name)
    return mujoco.MjSpec.from_string(files("soleus.models").joinpath(f"{name}.xml").read_text())


def _yaw_of(name: str) -> float:
    return myosim.YAW if name in myosim.NAMES else 0.0


def _from_files(files: ModelFiles, sim_hz: float) -> Human:
    if files.osim is not None:
        return load(files.osim)
    spread = files.blend_force == "by_weight"
    yaw = None if files.yaw is None else float(np.deg2rad(files.yaw))
    skeleton, path = None, Path(str(files.mjcf))
    table: MuscleTable | HillTable | None = None
    if files.mass is not None:
        path = Path(files.mass.skeleton)
        skeleton = mass.read_skeleton(path)
        table = mass.read_muscles(Path(files.mass.muscles), skeleton) if files.mass.muscles else None
    elif files.muscles:
        named = Path(files.muscles)
        table = read_hill(named) if named.suffix.lower() == ENDING else read_table(named)
    try:
        if skeleton is not None:
            assert files.mass is not None
            text = mass.skeleton_mjcf(skeleton, files.mass.damping)
            return _build(str(files), lambda: mujoco.MjSpec.from_string(text), sim_hz, table=table, spread=spread)
        if path.suffix.lower() == ".mjb":
            if files.changes:
                key = files.changes[0]
                raise UserError(f"model.{key}: expected it beside a file .xml, got it beside one that is compiled")
            make = partial(_binary, path, sim_hz)
            return build_human(str(files), make(), make, yaw, table, spread, files.root)
        own = str(files.mjcf) in names()
        make_spec = partial(_built_in, str(files.mjcf)) if own else partial(_user_spec, path)
        faces = _yaw_of(str(files.mjcf)) if own and yaw is None else yaw
        return _build(
            str(files), lambda: adapted(make_spec(), files), sim_hz, faces, discard_visual=own or table is not None,
            table=table, spread=spread, pelvis=files.root,
        )  # fmt: skip
    except UserError as error:
        said = str(error)
        raise UserError(said if str(path) in said else f"{path}: {said}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"model file '{path}': expected names in UTF-8, but {error}") from None


def _binary(path: Path, sim_hz: float) -> mujoco.MjModel:
    """Return a model that MuJoCo compiled and saved."""
    if not path.is_file():
        raise UserError(f"model file '{path}' does not exist")
    try:
        model = mujoco.MjModel.from_binary_path(str(path))
    except (ValueError, mujoco.FatalError) as error:
        raise UserError(
            f"model file '{path}': expected an MJB file of MuJoCo {mujoco.__version__}, but {one_line(error)}"
        ) from None
    model.opt.timestep = 1.0 / sim_hz
    check_numbers(path.stem, model)
    warn_of_gyration(path.stem, model)
    return model


def _user_spec(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"model file '{path}' does not exist")
    try:
        with warnings.catch_warnings(), quiet_libraries():
            warnings.simplefilter("ignore", UserWarning)
            return with_free_root(mujoco.MjSpec.from_file(str(path)) if path.suffix == ".xml" else _spec_of(path))
    except (ValueError, mujoco.FatalError) as error:
        if mass.is_skeleton(path):
            raise UserError(
                f"model file '{path}': a skeleton of MASS is given by model: {{mass: {{skeleton: {path}}}}}"
            ) from None
        raise UserError(f"model file '{path}' is not valid MJCF: {' '.join(str(error).split())}") from error


def _spec_of(path: Path) -> Any:
    """Read MJCF under a name that MuJoCo would not take for MJCF: its ending is in capitals."""
    text = path.read_text(encoding="utf-8", errors="replace")
    included, rest = dict[str, bytes](), re.findall(_INCLUDE, text)
    while rest:
        name = rest.pop()
        if name not in included and (path.parent / name).is_file():
            included[name] = (path.parent / name).read_bytes()
            rest += re.findall(_INCLUDE, included[name].decode("utf-8", errors="replace"))
    spec = mujoco.MjSpec.from_string(text, include=included)
    spec.modelfiledir = str(path.parent.resolve())
    return spec


def _build(
    name: str,
    make_spec: Callable[[], Any],
    sim_hz: float,
    yaw: float | None = 0.0,
    discard_visual: bool = True,
    table: MuscleTable | HillTable | None = None,
    spread: bool = False,
    pelvis: str | None = None,
) -> Human:
    """Compile for simulation, without the meshes that only pictures need; they come back for `render_model`."""

    def compile_spec(discard: bool, drawn: bool = False) -> mujoco.MjModel:
        try:
            spec = make_spec()
            if drawn:
                _add_sky(spec)
                _lay_floor(spec)
                _light(spec)
            spec.option.timestep = 1.0 / sim_hz
            if discard:
                spec.compiler.discardvisual = True
            with warnings.catch_warnings(), quiet_libraries():
                warnings.simplefilter("ignore", UserWarning)  # about attached specs, which are how myo-sim composes
                model = spec.compile()
            check_numbers(name, model)
            warn_of_gyration(name, model)
            return model
        except (ValueError, mujoco.FatalError) as error:
            raise UserError(f"model '{name}' does not compile: {one_line(error)}") from error

    return build_human(
        name, compile_spec(discard_visual), lambda: compile_spec(False, drawn=True), yaw, table, spread, pelvis
    )


def _lay_floor(spec: Any) -> None:
    """Give planes of the ground light squares of half a metre, by which one sees how far a person gets."""
    spec.add_texture(
        name="soleus_floor",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.93, 0.93, 0.91],
        rgb2=[0.83, 0.84, 0.83],
        width=256,
        height=256,
    )
    floor = spec.add_material(name="soleus_floor", texuniform=True, texrepeat=[1.0, 1.0], reflectance=0.0)
    floor.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "soleus_floor"
    for geom in spec.worldbody.geoms:
        if geom.type == mujoco.mjtGeom.mjGEOM_PLANE:
            geom.material, geom.rgba = "soleus_floor", [1.0, 1.0, 1.0, 1.0]


def _light(spec: Any) -> None:
    """Light every model alike, by a sun in place of lamps of its own."""
    for lamp in spec.lights:
        lamp.active = False
    spec.worldbody.add_light(
        name="soleus_sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=[-0.3, 0.4, -1.0],
        diffuse=[0.45, 0.45, 0.45],
        ambient=[0.1, 0.1, 0.1],
        specular=[0.1, 0.1, 0.1],
        castshadow=False,
    )


def _add_sky(spec: Any) -> None:
    """Give a model that has no sky one: behind it everything would be black."""
    if any(texture.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX for texture in spec.textures):
        return
    spec.add_texture(
        name="soleus_sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.95, 0.97, 1.0],
        rgb2=[0.72, 0.80, 0.90],
        width=64,
        height=384,
    )
