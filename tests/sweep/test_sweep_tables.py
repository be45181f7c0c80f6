"""Tables come back from every kind of file as they were."""

import sys
from pathlib import Path

import numpy as np
import pytest

from soleus.errors import UserError
from soleus.sweep.rows import Table
from soleus.sweep.tables import ENDINGS, check_table, read_table, write_table


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(0)
    return {
        "point": np.array([0, 0, 1]),
        "condition.speed": np.array([1.0, 1.0, 1.1]),
        "side": np.array(["right", "left", ""]),
        "episode": np.array([0, 0, -1]),
        "success": np.array([True, True, False]),
        "step_width": np.array([0.1, np.nan, np.nan]),
        "knee_flexion": np.vstack([rng.standard_normal((2, 101)), np.full((1, 101), np.nan)]),
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_all_of_it_comes_back(ending: str, table: Table, tmp_path: Path) -> None:
    if ending in (".parquet", ".h5"):
        pytest.importorskip({".parquet": "pyarrow", ".h5": "h5py"}[ending])
    path = tmp_path / f"grid{ending}"
    check_table(path)
    write_table(path, table)
    found = read_table(path)
    assert set(found) == set(table)
    for name, values in table.items():
        assert found[name].dtype.kind == values.dtype.kind, name
        np.testing.assert_array_equal(found[name], values)


def test_a_csv_file_has_a_column_for_each_point_of_a_curve(table: Table, tmp_path: Path) -> None:
    write_table(tmp_path / "grid.csv", table)
    header = (tmp_path / "grid.csv").read_text().splitlines()[0].split(",")
    assert header[-2:] == ["knee_flexion_099", "knee_flexion_100"]
    assert len(header) == 6 + 101


@pytest.mark.parametrize(("ending", "package"), [(".parquet", "pyarrow"), (".h5", "h5py")])
def test_a_package_that_is_missing(ending: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = f"expected {package} for a {ending} file, got none: pip install 'soleus\\[tables\\]'"
    with pytest.raises(UserError, match=said):
        check_table(tmp_path / f"grid{ending}")


def test_files_that_are_none(table: Table, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--out: expected a file ending in \.npz, \.csv, \.parquet, \.h5, got a"):
        check_table(Path("a.txt"))
    with pytest.raises(UserError, match=r"^--out: expected a file in an existing folder, got the folder"):
        check_table(tmp_path / "none" / "a.npz")
    with pytest.raises(UserError, match=r"expected the table of a sweep, got nothing there"):
        read_table(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"expected the table of a sweep, got "):
        read_table(tmp_path / "a.npz")
    write_table(tmp_path / "b.csv", {"speed": np.ones(2)})
    with pytest.raises(UserError, match=r"got one without the columns point and success"):
        read_table(tmp_path / "b.csv")
