"""One figure of all yardsticks, which can be computed by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from soleus.gait import Report, analyse
from soleus.gait.curves import Rows
from soleus.gait.kinetic_norms import force_bands, torque_bands
from soleus.gait.likeness import forces, loads, muscles
from soleus.gait.likeness.sources import SOURCES
from soleus.gait.likeness.total import total
from soleus.gait.likeness.yardstick import TOPICS, Kind, Yardstick, alike, near
from soleus.models import Human
from walker import walked


def by_key(yardsticks: list[Yardstick]) -> dict[str, Yardstick]:
    return {one.key: one for one in yardsticks}


def test_topics_weigh_the_same() -> None:
    """Forces of 1 and 0 are a half, an angle of 0.8 is itself, and their mean is the figure; width is left out."""
    found = total(
        [
            near(Kind("a", "forces", "A", "", "SCONE"), 1, 1, 1),
            near(Kind("b", "forces", "B", "", "SCONE"), 9, 1, 1),
            alike(Kind("c", "angles", "C", "", "gait tables"), 0.8),
            near(Kind("d", "gait", "Step width", "m", "textbooks"), None, 0.1, 0.03),
        ]
    )
    assert found.topics == {"angles": 0.8, "forces": 0.5}
    assert found.figure == pytest.approx(0.65)
    assert found.missing == ("Step width",)
    assert [one.key for one in found.yardsticks] == ["c", "a", "b"]


def test_a_report_adds_up(planar: Report, spatial: Report) -> None:
    for report in (planar, spatial):
        likeness = report.likeness
        assert likeness is not None
        content = json.loads(json.dumps(likeness.as_json(), allow_nan=False))
        for topic in TOPICS:
            own = [y["score"] for y in content["yardsticks"].values() if y["topic"] == topic]
            assert content["topics"][topic] == pytest.approx(np.mean(own))
        assert content["figure"] == pytest.approx(np.mean(list(content["topics"].values())))
        assert all(0 <= y["score"] <= 1 for y in content["yardsticks"].values())
        assert set(content["sources"]) == {y["source"] for y in content["yardsticks"].values()} <= set(SOURCES)
    power = "Ankle power: correlation"  # the joints of these traces have no speeds
    assert planar.likeness is not None
    assert planar.likeness.missing == (
        "Pelvic list: correlation", "Hip adduction: correlation", power, "Gluteus medius: correlation",
        "Gluteus medius: overlap", "Step width",
    )  # fmt: skip
    assert spatial.likeness is not None
    assert spatial.likeness.missing == (power,)


def test_who_walks_by_the_tables_has_their_angles(planar: Report) -> None:
    assert planar.likeness is not None
    assert planar.likeness.topics["angles"] > 0.98


def test_people_without_muscles_are_judged_by_the_rest(walk2d: Human) -> None:
    trace = walked(walk2d, strides=6).trace
    torques = replace(trace, activation=np.zeros_like(trace.activation), metabolic=np.zeros(len(trace.qpos)))
    likeness = analyse([torques]).likeness
    assert likeness is not None
    assert list(likeness.topics) == ["angles", "forces", "torques", "gait"]
    assert "Metabolic cost of transport" in likeness.missing


def test_who_runs_is_not_judged(walk2d: Human) -> None:
    trace = walked(walk2d, strides=6).trace
    force = trace.ground_force.copy()
    for side in (0, 1):  # the second half of each stance is off the ground
        stands = np.flatnonzero(np.diff((force[:, side, 2] > 0).astype(int)))
        for on, off in zip(stands[::2], stands[1::2], strict=False):
            force[(on + off) // 2 : off + 1, side] = 0
    report = analyse([replace(trace, ground_force=force)])
    assert report.gait == "run"
    assert report.likeness is None
    assert report.forces["vertical"].band is None
    assert report.as_json()["likeness"] is None


def norm_rows(by: float = 1.0) -> dict[str, Rows]:
    bands = force_bands()
    return {name: Rows(name, "body weights", {"right": by * bands[name].mean[None]}) for name in bands}


def test_the_normal_forces_score_one() -> None:
    found = forces.yardsticks(norm_rows(), force_bands(), 1.09, 1.09)
    assert {one.key: one.score for one in found} == {one.key: pytest.approx(1) for one in found}
    known = by_key(found)
    assert (known["first_peak"].value, known["trough"].value, known["second_peak"].value) == (1.05, 0.8, 1.14)
    assert known["loading_rate"].value == pytest.approx(1.05 / (0.14 * 1.09))
    assert (known["braking"].value, known["propulsion"].value) == (pytest.approx(-0.2), pytest.approx(0.2))


def test_a_knock_on_landing_is_outside() -> None:
    rows = norm_rows()
    rows["vertical"].sides["right"][0, 4] = 2.0
    known = by_key(forces.yardsticks(rows, force_bands(), 1.09, 1.09))
    assert known["impact"].value == 2
    assert known["impact"].score == 0
    assert known["impact"].outside
    assert known["loading_rate"].value == pytest.approx(2 / (0.04 * 1.09))
    assert known["trough"].score == 1


def test_the_normal_torques_score_themselves() -> None:
    bands = torque_bands()
    rows = {name: Rows(name, "N m/kg", {"left": np.vstack([band.mean, band.mean])}) for name, band in bands.items()}
    known = by_key(loads.yardsticks(rows, bands))
    assert [known[f"{name}_r"].score for name in bands] == [pytest.approx(1)] * 4
    assert (known["ankle_peak"].value, known["ankle_peak"].score) == (pytest.approx(1.23), 1)
    assert known["push_off"].value == pytest.approx(2.8)
    assert known["push_off"].score == 1
    none = by_key(loads.yardsticks({}, bands))
    assert {one.score for one in none.values()} == {None}


def test_muscles_that_act_as_peoples_do(spatial: Report) -> None:
    from soleus.gait.curves import Curve, Side
    from soleus.gait.electromyography import GROUPS

    curves = {
        group.key: Curve(group.label, "activation", {"right": Side(0.1 + 0.4 * group.envelope, np.zeros(101))})
        for group in GROUPS
    }
    known = by_key(muscles.yardsticks(curves))
    assert [known[f"{group.key}_r"].score for group in GROUPS] == [pytest.approx(1)] * 8
    overlaps = {group.key: known[f"{group.key}_overlap"].score for group in GROUPS}
    assert all(score is not None and score > 0.4 for score in overlaps.values()), overlaps
