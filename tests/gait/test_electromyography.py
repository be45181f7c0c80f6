import numpy as np
import pytest

from soleus.gait import Report
from soleus.gait.electromyography import GROUPS, acting, bursts, group_of, overlap

NAMES = {
    "gluteus_maximus": "glmax1_r glmax3_l glut_max2_r glut_max_l R_Gluteus_Maximus L_Gluteus_Maximus4",
    "gluteus_medius": "glmed1_r glut_med3_l R_Gluteus_Medius2",
    "hamstrings": "semimem_r semiten_l bflh_r bifemlh_l hamstrings_r R_Bicep_Femoris_Longus L_Semimembranosus1",
    "rectus_femoris": "recfem_r rect_fem_l R_Rectus_Femoris1",
    "vasti": "vasmed_r vas_int_l vaslat_r vasti_l R_Vastus_Medialis2",
    "gastrocnemius": "gasmed_r lat_gas_l med_gas_r gastroc_l R_Gastrocnemius_Lateral_Head",
    "soleus": "soleus_r R_Soleus1 L_Soleus",
    "tibialis_anterior": "tibant_r tib_ant_l R_Tibialis_Anterior",
}


@pytest.mark.parametrize("key", NAMES)
def test_muscles_are_known_by_the_names_of_the_fields_models(key: str) -> None:
    for name in NAMES[key].split():
        group = group_of(name)
        assert group is not None, name
        assert group.key == key, name


@pytest.mark.parametrize(
    "name",
    ["bfsh_r", "bifemsh_l", "R_Bicep_Femoris_Short1", "R_Rectus_Abdominis1", "tibpost_r", "R_Tibialis_Posterior",
     "glmin1_r", "R_Gluteus_Minimus", "psoas_r", "hip_flexors_r", "addmagDist_r", "R_Bicep_Brachii_Long_Head"],
)  # fmt: skip
def test_others_are_in_no_group(name: str) -> None:
    assert group_of(name) is None


def test_people_act_while_their_envelopes_are_high() -> None:
    """Times and envelopes are of different sources, and tell the same."""
    for group in GROUPS:
        envelope = group.envelope
        assert envelope.shape == (101,)
        assert envelope[0] == pytest.approx(envelope[-1], abs=0.15)
        assert 0.9 < envelope.max() <= 1
        assert envelope.min() >= 0
        assert envelope[group.acting].mean() > 2 * envelope[~group.acting].mean() - 0.2, group.key
    peaks = {group.key: int(group.envelope.argmax()) for group in GROUPS}
    assert peaks["soleus"] == 43
    assert peaks["gastrocnemius"] == 35
    assert peaks["hamstrings"] == 88


def test_an_envelope_of_times_is_a_raised_cosine() -> None:
    soleus = next(group for group in GROUPS if group.key == "soleus")
    assert soleus.envelope[[0, 3, 23, 43, 52, 80]] == pytest.approx([0, 0, 0.5, 1, 0, 0], abs=1e-12)
    medius = next(group for group in GROUPS if group.key == "gluteus_medius")
    assert medius.envelope[12] == pytest.approx(1)
    assert medius.envelope[0] == medius.envelope[100] > 0


def test_what_acts_is_above_a_quarter() -> None:
    curve = np.full(101, 0.1)
    curve[20:41] = 0.5
    curve[30:33] = 0.1  # a moment's rest
    curve[70:73] = 0.5  # a moment's burst
    acts = acting(curve)
    assert bursts(acts) == [(20, 40)]
    assert bursts(acting(np.roll(curve[:-1], -30)[np.r_[0:100, 0]])) == [(90, 10)]
    assert bursts(acting(np.full(101, 0.3))) == []


def test_overlap_is_the_shared_part() -> None:
    one, other = np.zeros(101, np.bool_), np.zeros(101, np.bool_)
    one[10:30] = other[20:40] = True
    assert overlap(one, other) == pytest.approx(10 / 30)
    assert overlap(one, one) == 1
    assert overlap(np.zeros(101, np.bool_), np.zeros(101, np.bool_)) == 0


def test_a_report_has_the_groups_of_its_model(planar: Report, spatial: Report) -> None:
    assert list(spatial.timing) == [group.key for group in GROUPS]
    assert list(planar.timing) == [group.key for group in GROUPS if group.key != "gluteus_medius"]
    assert spatial.timing["vasti"].muscles == tuple(
        f"vas{part}_{side}" for side in "rl" for part in ("int", "lat", "med")
    )
    assert spatial.timing["vasti"].unit == "excitation"
    content = spatial.as_json()["timing"]["soleus"]
    assert content["people"]["acts"] == [[3, 52]]
    assert len(content["people"]["envelope"]) == 101
    assert content["acts"]["right"]
