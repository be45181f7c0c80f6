"""Terms in Python: what they see, what they change, and what is wrong with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soleus.config import load_config
from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.gymnasium import make_vec
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

TERMS = """
import numpy as np

def knees(scene):
    return scene.positions[:, [4, 7]]

def pace(scene, wanted=1.25):
    return -np.abs(scene.root_velocity[:, 0] - wanted)

def too_low(scene, height=0.0):
    return scene.root[:, 2] < height

def _helper(x):
    return x
"""
USED = {
    "task.observation.knees": {},
    "task.reward.terms.pace": {"weight": 0.5, "wanted": 1.0},
    "task.termination.too_low": {"height": 0.2},
}
HUMANS = 5


def loaded(folder: Path, text: str = TERMS, preset: str = "walk2d", **overrides: Any) -> Any:
    (folder / "terms.py").write_text(text)
    given = {"task.python": str(folder / "terms.py"), **(USED if text is TERMS else {}), **overrides}
    return load_config(preset, given)


def rolled(simulation: Simulation, steps: int = 12) -> Buffers:
    buffers = Buffers(simulation, steps, samples=False)
    buffers["actions"][:] = np.random.default_rng(0).uniform(-1, 1, buffers["actions"].shape)
    simulation.reset(3, buffers["observations"][0])
    buffers.run(simulation, with_policy=False)
    return buffers


def test_terms_see_the_body_as_it_is(tmp_path: Path) -> None:
    """Whatever its nerves are like."""
    noise = {"observation": 0.1, "observation_delay": "40ms"}
    configs = loaded(tmp_path), loaded(tmp_path, **{"task.noise": noise})
    exact, noisy = (rolled(Simulation(load_scenario(config), HUMANS, 2, 0)) for config in configs)
    width = exact["observations"].shape[-1] - 2
    np.testing.assert_array_equal(exact["observations"][..., width:], noisy["observations"][..., width:])
    np.testing.assert_array_equal(exact["rewards"], noisy["rewards"])
    assert (exact["observations"][..., :width] != noisy["observations"][..., :width]).mean() > 0.9


def test_terms_come_beside_those_of_the_core(tmp_path: Path) -> None:
    plain = Simulation(load_scenario(load_config("walk2d")), HUMANS, 2, 0)
    made = Simulation(load_scenario(loaded(tmp_path)), HUMANS, 2, 0)
    without, with_terms = rolled(plain), rolled(made)
    width = plain.core.observation_size
    assert made.core.observation_size == width + 2
    np.testing.assert_array_equal(without["observations"], with_terms["observations"][..., :width])
    np.testing.assert_array_equal(without["terminated"], with_terms["terminated"])
    assert with_terms.done.any()
    assert np.isfinite(with_terms["observations"]).all()
    # The reward is the core's and half the pace of each step; its sum is that of the episodes too.
    pace = with_terms["term_sums"][:, -1]
    extra = (with_terms["rewards"].astype(float) - without["rewards"]).sum(0)
    assert extra == pytest.approx(0.5 * pace, abs=1e-5)
    assert (pace < 0).all()
    assert list(made.scenario.config.task.reward.terms)[-1] == "pace"
    assert set(with_terms.term_means(made)) == set(made.scenario.config.task.reward.terms)


def test_what_is_seen_is_of_the_state(tmp_path: Path) -> None:
    """Of the step just made, and after the beginning of an episode."""
    made = Simulation(load_scenario(loaded(tmp_path)), HUMANS, 1, 0)
    buffers = rolled(made, 1)
    knees = made.qpos()[:, [4, 7]]
    np.testing.assert_allclose(buffers["observations"][1][:, -2:], knees, rtol=1e-6)
    for _ in range(30):
        buffers["observations"][0] = buffers["observations"][1]
        buffers["actions"][:] = 1.0
        buffers.run(made, with_policy=False)
        np.testing.assert_allclose(buffers["observations"][1][:, -2:], made.qpos()[:, [4, 7]], rtol=1e-6)
        if buffers.done.any():
            over = buffers.done[0]
            assert np.isfinite(buffers["final_observations"][0][over]).all()
            return
    pytest.fail("no episode ended")


def test_a_termination_ends_episodes(tmp_path: Path) -> None:
    made = Simulation(load_scenario(loaded(tmp_path, **{"task.termination.too_low": {"height": 5.0}})), HUMANS, 1, 0)
    assert rolled(made, 2)["terminated"].all()


def test_threads_do_not_matter_and_environments_have_them(tmp_path: Path) -> None:
    scenario = load_scenario(loaded(tmp_path))
    one, two = (rolled(Simulation(scenario, HUMANS, threads, 0)) for threads in (1, 2))
    np.testing.assert_array_equal(one["observations"], two["observations"])
    np.testing.assert_array_equal(one["rewards"], two["rewards"])
    envs = make_vec("walk2d", 3, overrides={"task.python": str(tmp_path / "terms.py"), **USED})
    seen, _ = envs.reset(seed=1)
    assert seen.shape == (3, one["observations"].shape[-1])
    envs.close()


def test_everything_there_is_to_see(tmp_path: Path) -> None:
    text = """
import numpy as np

def all_of_it(scene):
    parts = [scene.qpos, scene.qvel, scene.positions, scene.activations, scene.foot_forces, scene.root,
             scene.root_velocity, scene.com, scene.com_velocity, scene.head, scene.bodies.reshape(scene.count, -1),
             scene.reference, scene.phase[:, None], scene.time[:, None], scene.actions,
             np.stack(list(scene.conditions.values()), axis=1)]
    return np.hstack(parts)
"""
    config = loaded(tmp_path, text, **{"task.observation.all_of_it": {}, "conditions.speed": [1.0, 1.4]})
    made = Simulation(load_scenario(config), HUMANS, 1, 0)
    buffers = rolled(made, 2)
    assert np.isfinite(buffers["observations"]).all()
    m = made.scenario.human.model
    np.testing.assert_allclose(buffers["observations"][2][:, -1], made.conditions()[:, 0], rtol=1e-6)
    assert made.core.sight_sizes()["bodies"] == 3 * m.nbody


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("def a(scene): return 1\n", {"task.observation.a": {}}, r"a: expected numbers of shape \(5,\) or"),
        ("def a(scene): return scene.qpos[:, 0] / 0 * 0\n", {"task.observation.a": {}}, "a: expected finite numbers"),
        ("def a(scene): return scene.qqpos\n", {"task.observation.a": {}}, "a: AttributeError: expected one of qpos"),
        ("def a(scene): raise ValueError('no')\n", {"task.observation.a": {}}, "a: ValueError: no"),
        ("def a(scene, x): return x\n", {}, "a: expected a number as the default of 'x'"),
        ("x = 1\n", {}, "expected functions of `scene`"),
        ("import nothing_at_all\n", {}, "expected a file that runs, but ModuleNotFoundError"),
        ("def pose(scene): return scene.phase\n", {}, "expected names that no reward term has, got 'pose'"),
        ("def a(scene): return scene.phase\n", {"task.observation.b": {}}, "unknown term 'b'"),
        ("def a(scene): return scene.phase\n", {"task.reward.terms.a": {"weight": 1, "y": 2}}, "unknown parameter 'y'"),
        (
            "def a(scene): return scene.phase\n",
            {"task.reward.terms.a": {"weight": 1}, "task.reward.combine": "product"},
            "expected task.reward.combine: sum",
        ),
        (
            "def a(scene): return scene.phase\n",
            {"task.reward.terms.a": {"weight": -1}, "task.reward.costs": "held"},
            r"expected task.reward.costs: always beside costs in Python \(a\), got held",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*encountered in divide:RuntimeWarning")
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, text: str, overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        rolled(Simulation(load_scenario(loaded(tmp_path, text, **overrides)), HUMANS, 1, 0))


def test_the_terms_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
    configuration = page.split("```yaml\n# upright.yaml")[1].split("```")[0]
    (tmp_path / "terms.py").write_text(page.split("```py\n")[1].split("```")[0])
    (tmp_path / "upright.yaml").write_text(f"# {configuration}")
    made = Simulation(load_scenario(load_config(tmp_path / "upright.yaml")), HUMANS, 1, 0)
    assert made.outer is not None
    assert (made.outer.observations, made.outer.rewards) == (2, 1)
    assert (rolled(made)["term_sums"][:, -1] > 0).all()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"task\.python"):
        load_scenario(load_config("walk2d", {"task.python": str(tmp_path / "none.py")}))
