"""MuJoCo's window, on a screen without a screen."""

import itertools
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import ImageGrab

from small_run import muscles_seen, small_run

pytestmark = pytest.mark.skipif(not shutil.which("Xvfb"), reason="no Xvfb: apt install xvfb libgl1-mesa-dri")
VIEW = [sys.executable, "-c", "import sys; from soleus.cli import main; sys.exit(main())", "view"]


@pytest.fixture(scope="module")
def screen():
    """The number of a screen of 900 x 700 [pixels]."""
    read, write = os.pipe()
    # A server resets itself when its last client goes, and refuses the next one meanwhile, unless it is told not to.
    arguments = ["Xvfb", "-displayfd", str(write), "-screen", "0", "900x700x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(arguments, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}"
        server.terminate()


def look(screen: str, *arguments: str) -> tuple[list[np.ndarray], str, int]:
    """Pictures of the screen while something is viewed, what was said, and the exit code."""
    environment = {**os.environ, "DISPLAY": screen, "LIBGL_ALWAYS_SOFTWARE": "1"}
    pictures = []
    with subprocess.Popen(
        [*VIEW, *arguments, "--seconds", "5"], env=environment, text=True, stdout=-1, stderr=-1
    ) as one:
        deadline = time.monotonic() + 60
        while one.poll() is None and time.monotonic() < deadline:
            picture = np.asarray(ImageGrab.grab(xdisplay=screen).convert("RGB"))
            if muscles_seen(picture).sum() > 60:
                pictures.append(picture)
            time.sleep(0.4)
        said, error = one.communicate(timeout=300)
    return pictures, said + error, one.returncode


def assert_a_person_is_seen(picture: np.ndarray) -> None:
    """The muscles of a person's legs are in the middle of the window, between the boxes, below the trunk."""
    rows, columns = np.nonzero(muscles_seen(picture[:466, 240:450]))
    assert len(rows) > 100
    assert abs(columns.mean() + 240 - 300) < 60
    assert 200 < rows.mean() < 400


def lines_told(picture: np.ndarray) -> int:
    """Lines with a white value, in the box of the upper left corner, which is darker than the sky beside it."""
    box, sky = (np.median(picture[rows, columns]) for rows, columns in (np.s_[10:255, 8:232], np.s_[10:60, 240:440]))
    if box >= 0.7 * sky:
        return 0
    written = (picture[6:258, 137:232].min(2) > 230).any(1)
    return int((np.diff(written.astype(int), prepend=0) == 1).sum())


def test_a_policy_is_seen_at_work(screen):
    pictures, said, code = look(screen, str(small_run()))
    assert code == 0, said
    assert float(said.split()[0]) > 0.1, "it says how much of real time it kept"
    assert len(pictures) > 3
    differ = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(pictures)]
    assert max(differ) > 0.1, "it moves"
    for picture in pictures[len(pictures) // 2 :]:  # the first may be from before the camera has its place
        assert_a_person_is_seen(picture)
    # The screen may be grabbed while the window is being drawn: the box is whole in most pictures, not in each.
    found = [lines_told(picture) for picture in pictures]
    assert found.count(11) > len(found) // 2, (
        "time, speed, phase, reward and its 5 terms, whether it plays, which muscles"
    )
    assert lines_told(np.zeros_like(pictures[-1])) == 0


def test_a_model_is_seen_with_its_motion(screen):
    pictures, said, code = look(screen, "walk2d", "--motion", "walk", "--speed", "0.5")
    assert code == 0, said
    assert len(pictures) > 3
    assert_a_person_is_seen(pictures[-1])
