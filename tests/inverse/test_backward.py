"""From a gait back to its conditions, of a policy that is a formula."""

import numpy as np
import pytest

from made_policy import MadePlayer, made_forward, made_player
from soleus.errors import UserError
from soleus.inverse.backward import Found, find_conditions
from soleus.inverse.given import Given
from soleus.inverse.report import as_json, as_text, at_of
from soleus.inverse.strides import Gait

TRUE = {"speed": 1.3, "strength.soleus": 0.55}


def given(values: dict[str, float], left_out: tuple[str, ...] = (), offset: float = 0.0) -> Given:
    """The gait under conditions, which nobody has learnt from. offset: [rad] of the hips."""
    player, forward = made_player(), made_forward()
    conditions = player.scenario.conditions
    assert conditions is not None
    gait = player.gaits(conditions.at(values)[None], 77, 1)[0]
    assert gait is not None
    rows = gait.rows.copy()
    for side in "rl":
        rows[:, player.at(f"hip_flexion_{side}")][:, 0] += offset
    compared = [k for k, one in enumerate(forward.columns) if one.kind != "force" and one.joint not in left_out]
    return Given("made.mot", Gait(rows), tuple(compared), left_out, ())


@pytest.fixture(scope="module")
def refined() -> Found:
    said: list[str] = []
    found = find_conditions(made_forward(), given(TRUE), made_player(), {}, generations=2, say=said.append)
    assert [line.split(":")[0] for line in said] == ["generation 1 of 2", "generation 2 of 2"]
    assert "64 of 64 people walked" in said[0]
    return found


def test_it_finds_what_made_a_gait(refined: Found) -> None:
    for name, value in TRUE.items():
        one = refined.conditions[name]
        assert one.found == pytest.approx(value, abs=0.03), name
        assert one.low - 0.02 <= value <= one.high + 0.02
        assert one.told
    assert refined.degrees["found"] < 0.5 < 1.5 < refined.degrees["defaults"]  # type: ignore[operator]
    assert refined.usual == pytest.approx(0.5, abs=0.1)


def test_it_says_what_the_gait_does_not_tell(refined: Found) -> None:
    assert refined.untold == ["strength.vasti"]
    vasti = refined.conditions["strength.vasti"]
    assert vasti.high - vasti.low > 0.3
    text = as_text(made_forward(), given(TRUE), refined, "runs/made", True)
    assert "The gait does not tell strength.vasti" in text
    assert f"soleus report runs/made --at {at_of(refined)}" in text
    content = as_json(made_forward(), given(TRUE), refined)
    assert content["untold"] == ["strength.vasti"]
    assert content["conditions"]["speed"]["told"] is True


def test_the_network_alone_is_nearly_as_good() -> None:
    found = find_conditions(made_forward(), given(TRUE), None, {})
    for name, value in TRUE.items():
        assert found.conditions[name].found == pytest.approx(value, abs=0.12), name
    assert found.fell == 0
    text = as_text(made_forward(), given(TRUE), found, "forward.pt", False)
    assert text.splitlines()[-1].startswith("--at speed=1.")


def test_what_is_known_is_held() -> None:
    found = find_conditions(made_forward(), given(TRUE), None, {"strength.soleus": 0.5})
    soleus = found.conditions["strength.soleus"]
    assert (soleus.found, soleus.low, soleus.high, soleus.held) == (0.5, 0.5, 0.5, True)
    with pytest.raises(UserError, match=r"strength.soleus: expected a value within 0.3 and 1, got 2"):
        find_conditions(made_forward(), given(TRUE), None, {"strength.soleus": 2.0})


def test_parts_that_a_file_lacks_are_left_out() -> None:
    """Without ankles nothing tells of soleus."""
    found = find_conditions(made_forward(), given(TRUE, ("ankle_angle_r", "ankle_angle_l")), None, {})
    assert found.conditions["speed"].told
    assert "strength.soleus" in found.untold
    assert "ankle_angle_r" not in (found.errors["found"] or {})


def test_a_gait_that_nobody_has() -> None:
    """Hips 20 degrees off: the answers spread as far as they are off, and it is said."""
    near, far = (find_conditions(made_forward(), given(TRUE, offset=offset), None, {}) for offset in (0.0, 0.35))
    assert far.degrees["found"] > 5 > 1 > near.degrees["found"]  # type: ignore[operator]
    assert far.conditions["speed"].high - far.conditions["speed"].low > 0.1
    text = as_text(made_forward(), given(TRUE, offset=0.35), far, "forward.pt", False)
    assert "degrees off, where strides of one person are" in text


def test_the_same_seed_finds_the_same() -> None:
    one, same, other = (find_conditions(made_forward(), given(TRUE), None, {}, seed=seed) for seed in (1, 1, 2))
    assert same.conditions == one.conditions != other.conditions


def test_nobody_walks_under_the_candidates() -> None:
    class Falling(MadePlayer):
        falls_below = 2.0

    player = Falling(*(getattr(made_player(), name) for name in ("trained", "scenario", "columns", "cycles")))
    said: list[str] = []
    found = find_conditions(made_forward(), given(TRUE), player, {}, generations=1, say=said.append)
    assert said == ["generation 1 of 1: 0 of 64 people walked, nobody walked"]
    assert found.degrees == {"defaults": None, "network": None, "found": None}
    assert found.fell == 64
    assert "fell: the policy did" in as_text(made_forward(), given(TRUE), found, "runs/made", True)
    assert np.isfinite([one.found for one in found.conditions.values()]).all()
