"""Models by name, or from a user's MJCF file."""

import difflib
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import mujoco

from soleus.errors import UserError
from soleus.models import myosim
from soleus.models.build import build_human
from soleus.models.human import Human

_OWN = ("walk2d",)


def names() -> tuple[str, ...]:
    """The built-in models."""
    return _OWN + myosim.NAMES


def load(name_or_path: str | Path, sim_hz: float = 480) -> Human:
    """A human by its built-in name, or from an .xml file: MJCF that faces +x at qpos0, feet named as feet.

    sim_hz: simulation steps a second. Raises UserError: unknown name, no such file, not valid MJCF, no human.
    """
    if not sim_hz > 0:
        raise UserError(f"sim_hz must be positive, got {sim_hz}")
    name = str(name_or_path)
    if name in myosim.NAMES:
        return _build(name, lambda: myosim.load_spec(name), sim_hz, myosim.YAW)
    if name in _OWN:
        text = files("soleus.models").joinpath(f"{name}.xml").read_text()
        return _build(name, lambda: mujoco.MjSpec.from_string(text), sim_hz)
    if not name.endswith(".xml"):
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
        raise UserError(
            f"unknown model '{name}': expected one of {', '.join(names())} or an .xml file; nearest is '{near}'"
        )
    path = Path(name)
    if not path.is_file():
        raise UserError(f"model file '{path}' does not exist")
    return _build(path.stem, lambda: _user_spec(path), sim_hz, discard_visual=False)


def _user_spec(path: Path) -> Any:
    try:
        return mujoco.MjSpec.from_file(str(path))
    except (ValueError, mujoco.FatalError) as error:
        raise UserError(f"model file '{path}' is not valid MJCF: {_one_line(error)}") from error


def _build(
    name: str, make_spec: Callable[[], Any], sim_hz: float, yaw: float = 0.0, discard_visual: bool = True
) -> Human:
    """Compile for simulation, without the meshes that only pictures need; they come back for `render_model`."""

    def compile_spec(discard: bool) -> mujoco.MjModel:
        spec = make_spec()
        spec.option.timestep = 1.0 / sim_hz
        if discard:
            spec.compiler.discardvisual = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # about attached specs, which are how myo-sim composes
                return spec.compile()
        except (ValueError, mujoco.FatalError) as error:
            raise UserError(f"model '{name}' does not compile: {_one_line(error)}") from error

    return build_human(name, compile_spec(discard_visual), lambda: compile_spec(False), yaw)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
