"""A human that diverged leaves what led to it in the run's folder, and comes to the same end when it is replayed."""

import contextlib
import io
import itertools
from pathlib import Path

import numpy as np
import pytest

from soleus.bench.parts import random_state
from soleus.cli import main
from soleus.collect.native import NativeCollector
from soleus.config import dump_config, load_config
from soleus.errors import UserError
from soleus.exchange.weights import policy_tensors
from soleus.run import checkpoint
from soleus.run.dumps import read_dump, write_dump
from soleus.show.view.replay import ReplayAct

VICTIM = 2


@pytest.fixture(scope="module", params=["walk2d", "walk-myolegs-network"])
def divergence(request):
    """(configuration, what diverged, the states before)"""
    config = load_config(request.param, {"train.num_envs": 4, "train.rollout_steps": 8})
    collector = NativeCollector(config, 1)
    made = collector.simulation
    collector.load_policy(random_state(policy_tensors(made.policy_spec), 0))
    if made.muscle_spec:
        collector.load_muscle(random_state(made.muscle_spec.tensors(), 1))
    collector.collect()
    states = made.save()
    states[VICTIM, 1 + made.scenario.human.model.nq + 5] = 2e4  # of a velocity: it takes some steps
    made.restore(states)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        batch = collector.collect()
    assert "human 2 diverged" in said.getvalue()
    return config, batch.diverged, states


@pytest.fixture
def diverged(divergence, tmp_path):
    """(run folder, what diverged, the states before)"""
    config, humans, states = divergence
    (tmp_path / "config.yaml").write_text(dump_config(config))
    return tmp_path, humans, states


def test_it_comes_to_the_same_end(diverged):
    run, (one,), states = diverged
    assert one.human == VICTIM
    np.testing.assert_array_equal(one.state, states[VICTIM])
    path = write_dump(run, 512, one)
    assert path == run / "dumps" / "step-512-human-2.pt"
    act = ReplayAct(path)
    assert act.diverged
    seen = list(itertools.islice(act.frames(), len(act.rows) + 1))
    np.testing.assert_array_equal(seen[0].qpos, seen[-1].qpos, "it restarts at its end")
    np.testing.assert_array_equal(seen[0].qpos, states[VICTIM, 1 : 1 + act.human.model.nq])


def test_a_run_keeps_twenty(diverged):
    run, (one,), _ = diverged
    assert [write_dump(run, step, one) is not None for step in range(22)] == [True] * 20 + [False] * 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "expected a checkpoint, but there is none"),
        (lambda path: path.write_bytes(b"nothing"), "truncated or no checkpoint"),
        (lambda path: checkpoint.write(path, {"human": 0}), "expected a dump of a human that diverged"),
        (lambda path: (path.parent.parent / "config.yaml").unlink(), "with config.yaml beside that folder"),
    ],
)
def test_what_is_no_dump(diverged, spoil, said, capsys):
    run, (one,), _ = diverged
    path = write_dump(run, 1, one)
    spoil(path)
    assert main(["view", "--dump", str(path), "--seconds", "1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_dump_of_another_configuration(diverged):
    run, (one,), _ = diverged
    path = write_dump(run, 1, one)
    other = load_config("walk2d", {"control.mode": "torque", "motion": "walk"})
    (run / "config.yaml").write_text(dump_config(other))
    if one.muscle is None:
        pytest.skip("a state of the same model has the same size")
    with pytest.raises(UserError, match="expected a dump of this run's"):
        ReplayAct(Path(path))
    assert read_dump(path).human == VICTIM
