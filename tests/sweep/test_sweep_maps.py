"""Maps show the means of the rows at each point."""

from pathlib import Path

import numpy as np
import pytest

from soleus.errors import UserError
from soleus.sweep.maps import SHOWN, check_picture, draw_maps, grid_means, varied, write_maps
from soleus.sweep.rows import Table


@pytest.fixture
def table() -> Table:
    """Two rows at each of six points, of which nobody walks at the last."""
    cadence, stride = (one.ravel() for one in np.meshgrid([0.8, 1.0, 1.2], [0.9, 1.1], indexing="ij"))
    point = np.repeat(np.arange(6), 2)
    cost = 3.0 + point + np.tile([-0.5, 0.5], 6)
    cost[-2:] = np.nan
    return {
        "point": point,
        "condition.cadence": cadence[point],
        "condition.stride": stride[point],
        "condition.slope": np.zeros(12),
        "success": point < 5,
        **{name: cost for name in SHOWN if name != "success"},
    }


def test_a_map_over_two_conditions(table: Table) -> None:
    assert varied(table) == ["cadence", "stride"]
    figure = draw_maps(table)
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(panels) == len(SHOWN)
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("cadence", "stride")
    assert panels[0].get_title(loc="left") == "Metabolic cost of transport [J/kg/m]"
    for axes, name in zip(panels, SHOWN, strict=True):
        (mesh,) = axes.collections
        assert mesh.get_gid() == name
        shown = np.ma.filled(mesh.get_array(), np.nan)
        wanted = np.array([[1, 1, 1], [1, 1, 0]]) if name == "success" else np.array([[3, 5, 7], [4, 6, np.nan]])
        np.testing.assert_allclose(shown, wanted)


def test_a_line_over_one_condition(table: Table) -> None:
    one = {name: values[table["condition.stride"] == 0.9] for name, values in table.items()}
    (axes,) = draw_maps(one, ("cost_of_transport",)).axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xdata(), [0.8, 1.0, 1.2])
    np.testing.assert_allclose(line.get_ydata(), [3, 5, 7])
    (_,), means, spreads = grid_means([one["condition.cadence"]], one["cost_of_transport"])  # type: ignore[list-item]
    np.testing.assert_allclose(means, [3, 5, 7])
    np.testing.assert_allclose(spreads, 0.5)


def test_a_picture(table: Table, tmp_path: Path) -> None:
    write_maps(tmp_path / "maps.png", table)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn(table: Table, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--value: expected a column of numbers, got 'sped' \(did you mean 'speed'"):
        draw_maps(table, ("sped",))
    with pytest.raises(UserError, match=r"^--plot: expected a sweep over one condition or two, got one over 0$"):
        draw_maps({name: values[:1] for name, values in table.items()})
    with pytest.raises(UserError, match=r"got one over 3$"):
        draw_maps({**table, "condition.slope": np.arange(12.0)})
    with pytest.raises(UserError, match=r"^--plot: expected a file ending in \.png, got a\.pdf$"):
        check_picture(Path("a.pdf"))
    with pytest.raises(UserError, match=r"^--plot: expected a file in an existing folder, got the folder"):
        check_picture(tmp_path / "none" / "a.png")
