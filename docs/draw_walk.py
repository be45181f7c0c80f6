"""Draws a trained walk as a row of bodies with their muscles: python docs/draw_walk.py RUN OUT.png.

Bones are lines between joints; muscles run along their paths, from blue at rest to red.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import mujoco
import numpy as np

from soleus import checkpoint
from soleus.config import load_config
from soleus.simulation import Buffers, Simulation, load_body

SECONDS = 2.4
BETWEEN = 1 / 3  # [s] between two bodies
FULL_RED = 0.6  # activation from which a muscle is all red


def walk(run: Path) -> tuple[Simulation, list[np.ndarray]]:
    """Let the run's best policy walk; return the simulation and MuJoCo's integration state at every step."""
    content = checkpoint.read(checkpoint.locate(run, "best.pt"))
    config = load_config(run / "config.yaml")
    simulation = Simulation(load_body(config), 1, 1, 0)
    simulation.load_policy(checkpoint.as_arrays(content["policy"]))
    if content["muscle"]:
        simulation.load_muscle(checkpoint.as_arrays(content["muscle"]))
    simulation.core.set_deterministic(True)
    buffers = Buffers(simulation, 1, samples=False)
    simulation.core.reset(0, buffers["observations"][0])
    size = mujoco.mj_stateSize(simulation.body.human.model, mujoco.mjtState.mjSTATE_INTEGRATION)
    states = []
    for _ in range(round((1 + SECONDS) * config.control.policy_hz)):
        buffers.run(simulation, with_policy=True)
        buffers["observations"][0] = buffers["observations"][1]
        states.append(simulation.save()[0, :size])
    return simulation, states[config.control.policy_hz :]  # the first second settles


def draw_body(axes: plt.Axes, model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Draw bones and muscles of one pose, seen from the right; the left leg's muscles lie behind."""
    for body in range(1, model.nbody):
        parent = model.body_parentid[body]
        if parent > 0 and model.body_mass[body] > 0.02:
            line = np.stack([data.xpos[parent], data.xpos[body]])
            width = 6 if model.body(body).name == "head" else 2.5
            axes.plot(line[:, 0], line[:, 2], color="0.45", lw=width, solid_capstyle="round", zorder=1)
    for body in range(model.nbody):
        if model.body(body).name == "head":
            axes.add_patch(plt.Circle((data.xpos[body][0], data.xpos[body][2] + 0.03), 0.08, color="0.45", zorder=1))
    colours = plt.get_cmap("coolwarm")
    for actuator in range(model.nu):
        tendon = model.actuator_trnid[actuator, 0]
        start, count = data.ten_wrapadr[tendon], data.ten_wrapnum[tendon]
        path = data.wrap_xpos.reshape(-1, 3)[start : start + count]
        activation = float(data.act[model.actuator_actadr[actuator]])
        left = model.actuator(actuator).name.endswith("_l")
        axes.plot(
            path[:, 0],
            path[:, 2],
            color=colours(activation / FULL_RED),
            lw=0.6 + 2.5 * activation,
            alpha=0.35 if left else 0.95,
            zorder=(0 if left else 2) + activation,
        )


def main() -> None:
    """Draw the run named on the command line."""
    run, out = Path(sys.argv[1]), Path(sys.argv[2])
    simulation, states = walk(run)
    model = simulation.body.human.model
    data = mujoco.MjData(model)
    every = round(BETWEEN * simulation.body.config.control.policy_hz)
    figure, axes = plt.subplots(figsize=(14, 5.2))
    for state in states[::every]:
        mujoco.mj_setState(model, data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_forward(model, data)
        draw_body(axes, model, data)
    axes.axhline(0, color="0.6", lw=1)
    axes.set_aspect("equal")
    axes.set_ylim(-0.06, 1.75)
    axes.set_xlabel("forward [m]")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_yticks([])
    shades = plt.cm.ScalarMappable(plt.Normalize(0, FULL_RED), "coolwarm")
    scale = figure.colorbar(shades, ax=axes, fraction=0.012, pad=0.01)
    scale.set_label("muscle activation")
    figure.savefig(out, dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
