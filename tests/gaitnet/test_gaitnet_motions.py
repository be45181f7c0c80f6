"""What is wrong with motions in HDF5 and NPZ, in one line."""

import h5py
import numpy as np
import pytest

from gaitnet_files import changed, coordinates, write, write_h5
from soleus import UserError, import_gaitnet


def _said(folder, path):
    with pytest.raises(UserError) as error:
        import_gaitnet(path, data=folder / "data", out=folder / "out")
    assert "\n" not in str(error.value)
    assert not (folder / "out").exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"motions": np.zeros((61, 30))}, "expected motions of 32 columns, the coordinates of person.xml, got 30"),
        ({"motions": np.zeros(61)}, "expected numbers of 2 dimensions in motions, got float32 of shape (61,)"),
        ({"time": np.arange(60.0)}, "expected 61 numbers in time, got 60"),
        ({"time": np.zeros(61)}, "expected times that rise from row to row, got 0, then 0"),
        ({"phase": np.full(61, 2.0)}, "expected phases from 0 to 1, got 2 to 2"),
        ({"phase": np.full(61, np.nan)}, "expected finite numbers in phase, got another in row 0"),
    ],
)
def test_arrays_that_do_not_fit(arrays, said, tmp_path):
    path = write(tmp_path)
    file = tmp_path / "data" / "motion" / "stride.h5"
    given, _ = coordinates()
    own = {"motion": arrays.get("motions", given), **{key: value for key, value in arrays.items() if key != "motions"}}
    motion = own.pop("motion")
    write_h5(file, given, **own)
    if "motions" in arrays:
        with h5py.File(file, "a") as opened:
            del opened["motions"]
            opened["motions"] = motion.astype(np.float32)
    assert said in _said(tmp_path, path)


def test_files_that_are_none(tmp_path):
    path = write(tmp_path)
    file = tmp_path / "data" / "motion" / "stride.h5"
    file.write_text("motion")
    assert f"motion file '{file}': expected an HDF5 file, but" in _said(tmp_path, path)
    with h5py.File(file, "w") as opened:
        opened["original/motions"] = np.zeros((3, 32))
        opened["time"] = np.zeros(3)
    assert "expected the array motions, got time" in _said(tmp_path, path)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"motions": np.zeros((1, 60 * 67))}, "expected the array params, got motions"),
        ({"motions": np.zeros((1, 60 * 66)), "params": np.ones((1, 3))}, "expected rows of more than 30 frames of"),
        ({"motions": np.zeros((1, 60 * 59)), "params": np.ones((1, 3))}, "expected a walk with a stride, got 0 m/s"),
        ({"motions": np.array([["a"]]), "params": np.ones((1, 3))}, "expected numbers of 2 dimensions in motions"),
    ],
)
def test_features_that_do_not_fit(arrays, said, tmp_path):
    path = write(tmp_path, changed(("motion.type", "npz"), ("motion.file", "stride.npz")))
    np.savez(tmp_path / "stride.npz", **arrays)
    assert said in _said(tmp_path, path)


def test_an_npz_file_that_is_none(tmp_path):
    path = write(tmp_path, changed(("motion.type", "npz"), ("motion.file", "stride.npz")))
    (tmp_path / "stride.npz").write_text("motion")
    assert "expected arrays of NumPy's, but" in _said(tmp_path, path)
