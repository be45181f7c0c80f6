"""Several motions in one policy: what a configuration may say, and how they are drawn, observed and evaluated."""

from pathlib import Path

import numpy as np
import pytest

from soleus.api import evaluate
from soleus.cli import main
from soleus.collect.clips import ClipSampler
from soleus.config import load_config
from soleus.errors import UserError
from soleus.motions import Clips
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

AMBLE = Path(__file__).parent / "amble.yaml"


def scenario(**overrides):
    given = {"motion.clips": ["walk", str(AMBLE)], **{key.replace("__", "."): v for key, v in overrides.items()}}
    return load_scenario(load_config("test-walk2d-small", given))


def test_a_list_may_have_names_files_and_weights(tmp_path):
    (tmp_path / "amble.yaml").write_text(AMBLE.read_text())
    (tmp_path / "two.yaml").write_text(
        "base: test-walk2d-small\nmotion: {clips: [walk, amble.yaml, {file: amble.yaml, weight: 3}]}\n"
    )
    config = load_config(tmp_path / "two.yaml")
    assert [clip.file for clip in config.motion.clips] == ["walk", *[str(tmp_path / "amble.yaml")] * 2]
    clips = load_scenario(config).clips
    assert clips.names == ("walk", "amble", "amble-2")
    np.testing.assert_array_equal(clips.weights, [1, 1, 3])


def test_a_folder_is_all_motions_in_it(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("b.yaml", "a.yaml"):
        (folder / name).write_text(AMBLE.read_text())
    (folder / "notes.txt").write_text("not a motion")
    config = load_config("test-walk2d-small", {"motion.clips": str(folder)})
    assert [Path(clip.file).name for clip in config.motion.clips] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        ([], r"motion\.clips: expected 1 or more of them, got"),
        ("nowhere", r"motion\.clips: expected a list of motions or a folder of them, got 'nowhere'"),
        ([{"file": "walk", "weight": 0}], r"motion\.clips\.0\.weight: expected greater than 0, got 0"),
        (["walk", "wlak"], r"motion\.clips\.1: unknown motion 'wlak'.* nearest is 'walk'"),
    ],
)
def test_mistakes_are_one_line(clips, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as error:
        load_scenario(load_config("test-walk2d-small", {"motion.clips": clips}))
    assert "\n" not in str(error.value)


def first_clips(simulation, humans, steps=70):
    """The clip of each episode that ended."""
    buffers = Buffers(simulation, steps, samples=False)
    simulation.reset(1, buffers["observations"][0])
    buffers["actions"][:] = 0
    buffers.run(simulation, with_policy=False)
    return buffers["episodes"][buffers.done][:, EPISODE_COLUMNS.index("clip")].astype(int)


def test_episodes_draw_their_clips_by_weight():
    simulation = Simulation(scenario(), 64, 2, seed=1)
    simulation.core.set_clip_weights(np.array([0.0, 1.0]))
    assert set(first_clips(simulation, 64)) == {1}
    simulation.core.set_clip_weights(np.array([3.0, 1.0]))
    drawn = first_clips(simulation, 64)
    assert 0.6 < np.mean(drawn == 0) < 0.9
    simulation.core.set_clips([0] * 32 + [1] * 32)
    assert set(first_clips(simulation, 64)) == {0, 1}


@pytest.mark.parametrize(
    ("weights", "said"),
    [([1.0], "of each of 2 clips, got 1"), ([1.0, -1.0], "of 0 or more, got -1"), ([0.0, 0.0], "not all 0")],
)
def test_bad_weights_are_refused_and_the_old_ones_stay(weights, said):
    simulation = Simulation(scenario(), 4, 1, seed=1)
    simulation.core.set_clip_weights(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=said):
        simulation.core.set_clip_weights(np.array(weights))
    assert set(first_clips(simulation, 4)) == {1}


def test_a_state_of_other_clips_is_refused():
    two, one = (Simulation(s, 2, 1, seed=1) for s in (scenario(), scenario(motion__clips=["walk"])))
    two.core.set_clip_weights(np.array([0.0, 1.0]))
    first_clips(two, 2, steps=1)
    with pytest.raises(UserError, match="expected a state that follows one of 1 clips, got clip 1"):
        one.restore(two.save())


def counted(sampler, clips, failed):
    arrays = {
        "terminated": np.array([failed], np.uint8),
        "truncated": 1 - np.array([failed], np.uint8),
        "episodes": np.zeros((1, len(clips), len(EPISODE_COLUMNS)), np.float32),
    }
    arrays["episodes"][0, :, EPISODE_COLUMNS.index("clip")] = clips
    sampler.count(arrays, np.ones((1, len(clips)), bool))
    return sampler


def test_clips_that_fail_are_drawn_more_often():
    """Hand-computed: of 8 episodes of each clip all of the second failed, 2 of the first: (2 + 1) / 10 and 9 / 10."""
    motions = load_scenario(load_config("test-walk2d-small")).clips.motions * 2
    sampler = ClipSampler(Clips(motions, np.array([1.0, 1.0]), floor=0.2))
    np.testing.assert_allclose(sampler.weights, [0.5, 0.5])
    counted(sampler, [0] * 8 + [1] * 8, [1, 1] + [0] * 6 + [1] * 8)
    raised = np.array([0.2 + 0.8 * 0.3 / 0.6, 0.2 + 0.8 * 0.9 / 0.6])
    np.testing.assert_allclose(sampler.weights, raised / raised.sum())
    again = ClipSampler(Clips(motions, np.array([1.0, 1.0]), floor=0.2))
    again.load_state(sampler.state())
    np.testing.assert_array_equal(again.weights, sampler.weights)
    assert ClipSampler(Clips(motions, np.array([1.0, 3.0]))).weights.tolist() == [0.25, 0.75]


def test_the_policy_may_see_where_the_motion_leads():
    """`targets` at 0 s ahead is the pose's error; the root gets as far as the motion's speed takes it."""
    seen = {"task.observation": {"targets": {"first": 0.0, "last": 0.4}, "reference_error": {}}}
    loaded = scenario(**{key.replace(".", "__"): value for key, value in seen.items()})
    simulation = Simulation(loaded, 4, 1, seed=3)
    observations = np.zeros((4, simulation.core.observation_size), np.float32)
    simulation.reset(3, observations)
    na = len(loaded.human.actuated)
    targets = observations[:, -na - 3 * (na + 2) : -na].reshape(4, 3, na + 2)
    np.testing.assert_allclose(targets[:, 0, :na], observations[:, -na:], atol=1e-6)
    np.testing.assert_allclose(targets[:, 0, na:], 0, atol=1e-6)
    speeds = [motion.speed for motion in loaded.clips.motions]
    gone = targets[:, 2, na] / 0.4
    assert all(min(abs(speed / one - 1) for speed in speeds) < 0.25 for one in gone)


def test_training_keeps_resumes_and_evaluates_by_clip(tmp_path, capsys):
    (tmp_path / "two.yaml").write_text(f"base: test-walk2d-small\nmotion: {{clips: [walk, {AMBLE}]}}\n")
    run = tmp_path / "run"
    main(["train", str(tmp_path / "two.yaml"), "--steps", "4096", "--run-dir", str(run)])
    said = capsys.readouterr().out
    assert "walk: " in said
    assert "amble: " in said
    assert (run / "inputs" / "motion.clips.1.file" / "amble.yaml").is_file()
    main(["train", "--resume", str(run), "--steps", "6144"])
    found = evaluate(run, 3)
    assert found["episodes"] == 6
    assert {"clip/walk/share_full", "clip/amble/mean_length_s"} <= found.keys()
