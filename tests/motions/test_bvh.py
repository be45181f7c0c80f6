"""BVH files against rotations written out, and each mistake with its line."""

from pathlib import Path

import numpy as np
import pytest

from soleus.errors import UserError
from soleus.motions.bvh import read_bvh
from soleus.motions.rotations import from_matrices, log

MASS = Path(__file__).parents[2].parent / "shared" / "mass"
TWO = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Knee
  {
    OFFSET 0 -4.5e1 0
    CHANNELS 3 Xrotation Yrotation Zrotation
    End Site
    {
      OFFSET 0 -40 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
10 20 30 90 0 0 0 0 0
11 21 31 30 20 10 30 20 10
"""
C, S = {a: np.cos(np.deg2rad(a)) for a in (10, 20, 30)}, {a: np.sin(np.deg2rad(a)) for a in (10, 20, 30)}


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "a.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def about(axis: str, degrees: int) -> np.ndarray:
    c, s = C[degrees], S[degrees]
    return np.array(
        {
            "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
            "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        }[axis]
    )


def test_two_joints(tmp_path):
    clip = read_bvh(write(tmp_path, TWO))
    assert clip.joints == ("Hips", "Left Knee")
    assert clip.parents == (-1, 0)
    assert clip.offsets.tolist() == [[1, 2, 3], [0, -45, 0]]
    assert clip.frame_time == 0.0333333
    assert clip.positions.tolist() == [[10, 20, 30], [11, 21, 31]]
    # A quarter about z: x becomes y, y becomes -x.
    np.testing.assert_allclose(clip.rotations[0, 0], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-15)
    np.testing.assert_allclose(clip.rotations[0, 1], np.eye(3), atol=1e-15)
    # Channels apply from the left: Z 30, X 20, Y 10; and X 30, Y 20, Z 10.
    zxy = about("z", 30) @ about("x", 20) @ about("y", 10)
    xyz = about("x", 30) @ about("y", 20) @ about("z", 10)
    np.testing.assert_allclose(clip.rotations[1], [zxy, xyz], atol=1e-15)
    # One entry of each, multiplied out by hand.
    assert clip.rotations[1, 0, 0, 0] == pytest.approx(C[30] * C[10] - S[30] * S[20] * S[10], abs=1e-15)
    assert clip.rotations[1, 1, 2, 2] == pytest.approx(C[30] * C[20], abs=1e-15)


def test_any_channels_in_any_order_and_case(tmp_path):
    text = TWO.replace(
        "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation", "4 yrotation ZPOSITION xposition Xrotation"
    )
    text = text.replace("CHANNELS 3 Xrotation Yrotation Zrotation", "CHANNELS 2 Yposition zROTATION")
    text = text.replace("10 20 30 90 0 0 0 0 0", "30 5 6 20 99 10").replace("11 21 31 30 20 10 30 20 10", "0 0 0 0 0 0")
    clip = read_bvh(write(tmp_path, text))
    np.testing.assert_allclose(clip.rotations[0], [about("y", 30) @ about("x", 20), about("z", 10)], atol=1e-15)
    assert clip.positions.tolist() == [[6, 0, 5], [0, 0, 0]]


def test_joints_without_channels_and_braces_anywhere(tmp_path):
    text = TWO.replace("JOINT Left Knee\n  {", "JOINT Left Knee {").replace(
        "    CHANNELS 3 Xrotation Yrotation Zrotation\n", "    CHANNELS 0\n"
    )
    text = text.replace("90 0 0 0 0 0", "90 0 0").replace("30 20 10 30 20 10", "30 20 10").replace("\n", "\r\n")
    clip = read_bvh(write(tmp_path, b"\xef\xbb\xbf" + text.replace("MOTION", "motion").encode()))
    np.testing.assert_array_equal(clip.rotations[:, 1], np.tile(np.eye(3), (2, 1, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "<xml>", r"line 1: expected HIERARCHY, got '<xml>'"),
        ("ROOT Hips", "JOINT Hips", r"line 2: expected ROOT, got 'JOINT'"),
        ("ROOT Hips\n{", "ROOT\n{", r"line 2: expected the name of a joint, got '{'"),
        ("JOINT Left Knee\n  {", "JOINT Left Knee", r"line 7: expected \{, got 'OFFSET'"),
        ("  }\n}\n", "  }\n", r"line 15: expected OFFSET, CHANNELS, JOINT, .* brace of 'Hips', got 'MOTION'"),
        ("OFFSET 1 2 3", "OFSET 1 2 3", r"line 4: expected OFFSET, CHANNELS, JOINT, .* of 'Hips', got 'OFSET'"),
        ("OFFSET 1 2 3", "OFFSET 1 2", r"line 5: expected three finite numbers .* of 'Hips', got 'CHANNELS'"),
        ("OFFSET 1 2 3", "OFFSET 1 2 inf", r"line 4: expected three finite numbers .* of 'Hips', got 'inf'"),
        ("3 Xrotation Yrotation", "3 Wrotation Yrotation", r"line 9: expected a channel of .* Zrotation, got 'Wrot"),
        ("3 Xrotation Yrotation", "3 Yrotation", r"line 9: expected 3 channels of 'Left Knee', .* got '2'"),
        ("3 Xrotation Yrotation", "2 Xrotation Yrotation", r"line 9: expected 2 channels .* got '3'"),
        ("3 Xrotation", "7 Xrotation", r"line 9: expected a number of CHANNELS from 0 to 6 for .*, got '7'"),
        ("JOINT Left Knee", "JOINT Hips", r"line 6: expected another name for each joint, got 'Hips'"),
        ("End Site", "End Point", r"line 10: expected Site, got 'Point'"),
        ("}\nMOTION", "}\nROOT B", r"line 16: expected MOTION, got 'ROOT'"),
        ("Frames: 2", "Frames: two", r"line 17: expected 'Frames:' and a whole number, got 'Frames: two'"),
        ("Frames: 2", "Frames: 0", r"line 17: expected at least 1 frame, got '0'"),
        ("Frames: 2", "Frames: 3", r"line 20: expected 3 frames, as 'Frames:' says, got '2'"),
        ("10 20 30 90", "1 2 3 4 5 6 7 8 9\n10 20 30 90", r"line 21: expected 2 frames, as .* got '3'"),
        ("0.0333333", "0", r"line 18: expected 'Frame Time:' and a positive number of seconds, got 'Frame Time: 0'"),
        ("0.0333333", "nan", r"line 18: expected 'Frame Time:' and a positive number"),
        ("Frame Time", "Time", r"line 18: expected 'Frame Time:' and .*, got 'Time: 0.0333333'"),
        ("90 0 0 0 0 0", "90 0 0 0 0", r"line 19: too few channels: expected 9 numbers, got 8"),
        ("90 0 0 0 0 0", "90 0 0 0 0 0 0", r"line 19: too many channels: expected 9 numbers, got 10"),
        ("90 0 0 0 0 0", "90 0 0 0 0 o", r"line 19: expected finite numbers, got 'o'"),
        ("90 0 0 0 0 0", "90 0 0 0 0 nan", r"line 19: expected finite numbers, got 'nan'"),
        ("30 20 10\n", "30 20 1e999\n", r"line 20: expected finite numbers, got '1e999'"),
        (TWO[TWO.index("MOTION") :], "", r"line 15: expected MOTION, got the end of the file"),
        (TWO[TWO.index("Frames") :], "", r"line 16: expected 'Frames:' and .*, got the end of the file"),
        (TWO, "", r"line 1: expected HIERARCHY, got the end of the file"),
        (TWO, "soft\0ware", r"line 1: expected text that begins with HIERARCHY, got binary data"),
    ],
)
def test_mistakes(tmp_path, old, new, message):
    assert old in TWO
    with pytest.raises(UserError, match=r"^BVH file '.*a\.bvh' " + message) as caught:
        read_bvh(write(tmp_path, TWO.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"none\.bvh' cannot be read: No such file"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(UserError, match=r"cannot be read: Is a directory"):
        read_bvh(tmp_path)
    with pytest.raises(UserError, match=r"line 1: expected HIERARCHY, got '\\xff\\xfe"):
        read_bvh(write(tmp_path, b"\xff\xfe\x01 oh"))


@pytest.mark.parametrize(("name", "frames", "turned"), [("walk", 132, 20), ("run", 66, 35)])
def test_captured_strides(name, frames, turned):
    if not MASS.is_dir():
        pytest.skip(f"{MASS} is not there: captured strides are not read")
    clip = read_bvh(MASS / f"{name}.bvh")
    assert len(clip.joints) == len(set(clip.joints)) > 20
    assert clip.frames == frames
    assert clip.frame_time == pytest.approx(1 / 120, abs=1e-6)
    np.testing.assert_allclose(
        clip.rotations @ np.swapaxes(clip.rotations, -1, -2),
        np.tile(np.eye(3), (*clip.rotations.shape[:2], 1, 1)),
        atol=1e-12,
    )
    # A stride: the last pose is about the first.
    gaps = np.swapaxes(clip.rotations[0], -1, -2) @ clip.rotations[-1]
    assert np.rad2deg(np.linalg.norm(log(from_matrices(gaps)), axis=-1)).max() < turned
