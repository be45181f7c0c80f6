"""EnvPool's environments, Procgen among them."""

import sys

import numpy as np
import pytest

from groups import steps
from soleus.config import EnvironmentConfig
from soleus.environments import make_group
from soleus.environments.pool import GAMES, held_out, procgen
from soleus.errors import UserError

pytest.importorskip("envpool", reason="EnvPool is not installed: pip install 'soleus[environments]'")


def has_qt() -> bool:
    try:
        make_group(EnvironmentConfig(id="procgen:coinrun"), 1).close()
    except UserError:
        return False
    return True


needs_qt = pytest.mark.skipif(not has_qt(), reason="Procgen needs Qt 5's runtime: apt install libqt5gui5")


@pytest.mark.parametrize(
    ("name", "size"), [("FrozenLake-v1", 16), ("Taxi-v3", 500), ("WalkerWalk-v1", 24), ("LunarLander-v2", 8)]
)
def test_observations_of_every_kind_are_flattened(name: str, size: int) -> None:
    """Choices one-hot; bounds of real numbers, which EnvPool does not always mean, are not held against it."""
    group = make_group(EnvironmentConfig(id=f"envpool:{name}"), 3)
    assert group.observation.shape == (size,)
    taken = steps(group, 30)
    assert all(np.isfinite(row.observations).all() for row in taken)
    if size in (16, 500):
        assert all((row.observations.sum(1) == 1).all() for row in taken)
        assert len({row.observations[0].argmax() for row in taken}) > 1


def test_numbers_of_the_last_info_come_from_the_arrays() -> None:
    group = make_group(EnvironmentConfig(id="envpool:CartPole-v1"), 4)
    ended = [episode for row in steps(group, 100) for episode in row.ended.values()]
    assert ended
    assert all(one.info["elapsed_step"] > 1 and "env_id" not in one.info for one in ended)


def test_cartpole_ends_and_starts_anew_in_the_same_step() -> None:
    group = make_group(EnvironmentConfig(id="envpool:CartPole-v1"), 4)
    taken = steps(group, 200)
    assert all(row.valid.all() for row in taken[1:])
    for row in taken[1:]:
        for i in np.flatnonzero(row.terminated):
            assert abs(row.final_observations[i, 2]) > 0.2 or abs(row.final_observations[i, 0]) > 2.4
            assert np.abs(row.observations[i]).max() < 0.06, "the first observation of an episode is near zero"
    assert sum(row.terminated.sum() for row in taken[1:]) > 8
    group.close()


def test_seeds_go_by_the_number_of_the_environment() -> None:
    config = EnvironmentConfig(id="envpool:CartPole-v1")
    whole = steps(make_group(config, 4), 1)[0].observations
    parts = [steps(make_group(config, 2, first=first), 1)[0].observations for first in (0, 2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_unknown_names_and_options_are_one_line() -> None:
    with pytest.raises(UserError, match=r"env.id: EnvPool has no 'CartPole-v7' \(did you mean 'CartPole-v"):
        make_group(EnvironmentConfig(id="envpool:CartPole-v7"), 1)
    with pytest.raises(UserError, match=r"env.options: expected options of CartPole-v1, but ") as raised:
        make_group(EnvironmentConfig(id="envpool:CartPole-v1", options={"speed": 3}), 1)
    assert str(raised.value).endswith("unexpected keyword argument 'speed'")
    with pytest.raises(UserError, match=r"but one has a value of another type in {'reward_threshold': 'x', .*}$"):
        make_group(EnvironmentConfig(id="envpool:CartPole-v1", options={"reward_threshold": "x"}), 1)


@needs_qt
def test_coinrun_shows_images_of_its_levels() -> None:
    config = EnvironmentConfig(id="procgen:coinrun", options={"distribution_mode": "easy", "num_levels": 1})
    taken = steps(make_group(config, 3), 2)
    assert taken[0].observations.shape == (3, 64, 64, 3)
    np.testing.assert_array_equal(taken[0].observations[0], taken[0].observations[1])  # there is but one level
    assert taken[0].observations.std() > 10


@needs_qt
def test_evaluation_is_on_levels_held_out() -> None:
    options = {"distribution_mode": "easy", "num_levels": 1, "start_level": 5}
    config = EnvironmentConfig(id="procgen:coinrun", options=options)
    trained = steps(make_group(config, 2), 1)[0].observations
    unseen = steps(make_group(config, 16, evaluation=True), 1)[0].observations
    assert len({image.tobytes() for image in unseen}) > 8
    assert trained[0].tobytes() not in {image.tobytes() for image in unseen}


def test_held_out_levels_follow_those_trained_on() -> None:
    assert held_out({"num_levels": 200, "start_level": 100}) == {"num_levels": 1_000_000, "start_level": 300}
    assert held_out({}) == {}, "who trains on all levels is evaluated on all"


@pytest.mark.parametrize("game", GAMES)
def test_every_game_has_its_name(game: str) -> None:
    envpool = pytest.importorskip("envpool")
    for mode in ("easy", "hard"):
        name, options = procgen(EnvironmentConfig(id=f"procgen:{game}"), {"distribution_mode": mode})
        assert name in envpool.list_all_envs()
        assert options == {"channel_first": False}


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(UserError, match=r"env.id: expected the package envpool \(pip install"):
        make_group(EnvironmentConfig(id="procgen:coinrun"), 1)


def test_missing_qt_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import envpool

    def make(*arguments: object, **options: object) -> None:
        raise ImportError("libQt5Gui.so.5: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(envpool, "make", make)
    monkeypatch.setitem(sys.modules, "envpool.procgen", None)
    with pytest.raises(UserError, match=r"env.id: expected Qt 5's runtime for Procgen \(apt install libqt5gui5"):
        make_group(EnvironmentConfig(id="procgen:coinrun"), 1)
