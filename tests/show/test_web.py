"""The viewer in a browser: it plays, the slider changes the checkpoint, the picture shows the body."""

import io
import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ports import free_ports
from small_run import small_run
from soleus import models
from soleus.cli import main
from soleus.run import checkpoint
from soleus.show.view.shapes import drawn_geoms, triangles

pytest.importorskip("viser", reason="viser is not here")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not here")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VIEW = [sys.executable, "-c", "import sys; from soleus.cli import main; sys.exit(main())", "view"]
WITHOUT_GPU = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


@pytest.fixture(scope="module")
def page():
    """The page of a run's viewer, in a browser."""
    if not CHROMIUM:
        pytest.skip("no browser: apt install chromium")
    port = free_ports()
    arguments = [*VIEW, str(small_run()), "--web", "--port", str(port), "--seconds", "300"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as server, playwright.sync_playwright() as driver:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=WITHOUT_GPU)
        made = browser.new_page(viewport={"width": 900, "height": 700})
        made.goto(f"http://127.0.0.1:{port}")
        made.wait_for_selector("#soleus", timeout=90_000)
        yield made
        browser.close()
        server.terminate()


def value(page, name: str) -> str:
    found = re.search(rf"^{name}\s+(.*)$", page.inner_text("#soleus"), re.MULTILINE)
    assert found, page.inner_text("#soleus")
    return found[1]


def seconds(page) -> float:
    return float(value(page, "time").split()[0])


def eventually(true, patience: float = 40.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_it_plays_and_pauses(page):
    start = seconds(page)
    eventually(lambda: seconds(page) > start + 0.5)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for(timeout=40_000)
    eventually(lambda: value(page, "playing") == "paused")
    stopped = seconds(page)
    time.sleep(1.5)
    assert seconds(page) == stopped
    page.get_by_role("button", name="Play").click()
    eventually(lambda: seconds(page) > stopped)


def test_the_slider_changes_the_checkpoint(page):
    moments = checkpoint.moments(small_run())
    assert value(page, "checkpoint") == "8,192 steps"
    box = page.get_by_role("textbox").last  # the number beside the last slider
    box.fill("0")
    box.press("Enter")
    eventually(lambda: value(page, "checkpoint") == f"{moments[0]:,} steps")
    # One that a training has thinned out meanwhile is a notice, and the body goes on.
    gone = small_run() / "checkpoints" / f"step-{moments[1]}.pt"
    content = gone.read_bytes()
    gone.unlink()
    try:
        box.fill("1")
        box.press("Enter")
        eventually(lambda: "expected steps of which a checkpoint is kept" in page.inner_text("#soleus"))
        start = seconds(page)
        eventually(lambda: seconds(page) > start)
    finally:
        gone.write_bytes(content)


def test_a_screenshot_shows_the_body(page):
    def bones() -> int:
        image = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
        scene = image[:, :560]
        return int(((scene[..., 0] - scene[..., 2] > 6) & (scene.min(2) > 60)).sum())  # of a warm white

    eventually(lambda: bones() > 800)


def test_geoms_become_triangles():
    for name in ("walk2d", "myolegs"):
        model = models.load(name).render_model()
        for geom in drawn_geoms(model):
            made = triangles(model, geom)
            assert made is not None
            vertices, faces = made
            assert faces.max() < len(vertices)
            reach = np.linalg.norm(vertices, axis=1).max()
            assert reach == pytest.approx(model.geom_rbound[geom], rel=0.35)


def test_a_port_in_use_is_one_line(capsys):
    run = small_run()
    capsys.readouterr()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["view", str(run), "--web", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"--port: expected one that is free, got {port}" in error
