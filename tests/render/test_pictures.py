"""What pictures show: muscles in the colours of their activations, the ghost, from all sides."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from pictures import assert_shows_the_muscles, projected
from small_run import muscles_seen, needs_gl, warmth
from soleus import models, motions
from soleus.errors import UserError
from soleus.render import gl
from soleus.render.camera import Camera
from soleus.render.painter import Painter
from soleus.render.stage import COLOURS, Stage, colour, thickness

SIZE = (160, 240)


def camera_of(stage, shot="side"):
    camera = Camera(stage.human, stage.model, shot)
    camera.follow(stage.data)
    return camera


def picture(stage, shot="side"):
    with Painter(stage, *SIZE) as painter:
        return painter.paint(stage, camera_of(stage, shot))


@needs_gl
@pytest.mark.parametrize(
    "spoil",
    [np.zeros_like, lambda image: np.roll(image, 12, axis=1), np.flipud],
    ids=["empty", "shifted", "upside_down"],
)
def test_a_picture_without_the_muscles_in_their_places_is_told(spoil):
    """The comparison that the tests below rest on can fail."""
    stage = Stage(models.load("walk2d"))
    stage.pose(stage.human.qpos_rest, np.ones(18))
    image = picture(stage)
    assert_shows_the_muscles(image, stage, camera_of(stage))
    with pytest.raises(AssertionError):
        assert_shows_the_muscles(spoil(image), stage, camera_of(stage))


def test_colours_run_from_blue_by_green_and_amber_to_red():
    for activation, expected in COLOURS.items():
        np.testing.assert_allclose(colour(activation)[:3], expected, atol=1e-6)
    np.testing.assert_allclose(colour(0.75)[:3], np.mean([COLOURS[0.5], COLOURS[1.0]], axis=0), atol=1e-6)
    spread = [np.ptp(colour(a)[:3]) for a in np.linspace(0, 1, 101)]
    assert min(spread) > 0.35, "none is grey"
    np.testing.assert_array_equal(colour(7.0), colour(1.0))


@needs_gl
@pytest.mark.parametrize("name", ["walk2d", "myolegs"])
def test_muscles_redden_with_activation(name):
    stage = Stage(models.load(name))
    seen = []
    for activation in (0.0, 0.3, 1.0):
        stage.pose(stage.human.qpos_rest, np.full(len(stage.human.muscle_names), activation))
        image = picture(stage)
        assert_shows_the_muscles(image, stage, camera_of(stage))
        seen.append(warmth(image))
    assert seen[0] < -40 < 40 < seen[2]
    assert seen == sorted(seen)


@pytest.mark.parametrize("name", ["walk2d", "myolegs"])
def test_cross_sections_are_in_proportion_to_forces(name):
    human = models.load(name)
    forces = human.model.actuator_gainprm[human.muscle_actuator, 2]
    radii = thickness(human)
    thick = radii > radii.min()
    np.testing.assert_allclose((radii[thick] / radii.max()) ** 2, forces[thick] / forces.max(), rtol=1e-9)
    assert radii.max() == radii[forces.argmax()] == 0.012


@needs_gl
def test_a_force_is_an_arrow_from_where_it_acts():
    stage = Stage(models.load("walk2d"), np.arange(0))
    place, weight = np.array([0.5, 0.0, 0.4]), stage.human.mass * 9.81
    forces = np.array([[place, [0.0, 0.0, weight]], [[np.nan] * 3, [0.0, 0.0, 0.0]]])
    images = []
    for given in (None, forces):
        stage.pose(stage.human.qpos_rest, forces=given)
        images.append(picture(stage).astype(int))
    rows, columns = np.nonzero(np.abs(images[1] - images[0]).sum(2) > 40)
    ends = projected(camera_of(stage), stage.model, place + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]), SIZE)
    assert (rows.max(), rows.min()) == (pytest.approx(ends[0, 0], abs=3), pytest.approx(ends[1, 0], abs=3))
    assert np.median(columns) == pytest.approx(ends[:, 1].mean(), abs=3)


@needs_gl
def test_a_single_muscle_is_seen_alone():
    human = models.load("walk2d")
    counts = []
    for chosen in (np.arange(18), np.array([3]), np.arange(0)):
        stage = Stage(human, chosen)
        counts.append(int(muscles_seen(picture(stage)).sum()))
    assert counts[0] > counts[1] > counts[2] == 0


@needs_gl
@pytest.mark.parametrize("shot", ["side", "front", "follow"])
def test_the_whole_human_is_in_frame_wherever_it_is(shot):
    human = models.load("walk2d")
    walk = motions.load("walk", human)
    stage = Stage(human)
    for qpos in walk.qpos[::32]:
        far = qpos.copy()
        far[0] += 40.0  # the camera goes along
        stage.pose(far, np.ones(18))
        image = picture(stage, shot)
        assert_shows_the_muscles(image, stage, camera_of(stage, shot))
        rows, columns = np.nonzero(muscles_seen(image))
        assert 100 < rows.max() < 235, "feet in the lower half, not cut off"
        assert columns.min() > 5
        assert columns.max() < 154


@needs_gl
def test_the_ghost_stands_where_the_motion_is():
    human = models.load("walk2d")
    stage, away = Stage(human, np.arange(0)), human.qpos_rest.copy()
    away[0] += 0.5
    images = []
    for reference in (None, away):
        stage.pose(human.qpos_rest, reference=reference)
        images.append(picture(stage).astype(int))
    changed = np.abs(images[1] - images[0]).sum(2) > 20
    places = stage.data.xpos[1:] + np.array([0.5, 0.0, 0.0])  # of the ghost's bodies
    rows, columns = projected(camera_of(stage), stage.model, places, SIZE).T
    assert changed.sum() > 300
    assert np.median(np.nonzero(changed)[1]) == pytest.approx(columns.mean(), abs=6)
    near = binary_dilation(changed, iterations=3)[rows.round().astype(int), columns.round().astype(int)]
    assert near.mean() > 0.8, "its bodies are seen where they are"


def test_no_opengl_is_one_line(monkeypatch):
    monkeypatch.setattr(gl, "works", lambda name: False)
    gl.backend.cache_clear()
    with pytest.raises(UserError, match="apt install libosmesa6 or libegl1"):
        gl.backend()
    monkeypatch.setenv("MUJOCO_GL", "egl")
    with pytest.raises(UserError, match=r"apt install libegl1$"):
        gl.backend()
    gl.backend.cache_clear()


@needs_gl
def test_a_backend_is_chosen_by_itself(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    assert gl.works(gl.backend())
