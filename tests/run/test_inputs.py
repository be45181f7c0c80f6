"""A run folder carries what the run was given: it is moved, its originals change or go, and it stays the same run."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from person_files import CONFIG, write_person
from soleus import models
from soleus.cli import main
from soleus.config import load_config
from soleus.errors import UserError
from soleus.run import inputs
from soleus.show.frames import PolicyAct
from soleus.show.view.subject import act_of

FLAGS = ("--num-envs", "4", "--num-threads", "1", "--train.rollout-steps", "16", "--train.eval-episodes", "1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on a model of MJCF that includes a file, has a mesh and a texture in folders beside it."""
    top = tmp_path_factory.mktemp("mine")
    write_person(top / "models")
    (top / "person.yaml").write_text(CONFIG)
    arguments = ["train", str(top / "person.yaml"), "--steps", "128", "--run-dir", str(top / "run"), *FLAGS]
    assert main(arguments) == 0
    return top


@pytest.fixture
def there(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "there")
    return tmp_path / "there"


def _evaluate(capsys: pytest.CaptureFixture[str], run: Path, *flags: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = main(["evaluate", str(run), "--episodes", "2", "--num-threads", "1", "--json", *flags])
    said = capsys.readouterr()
    return code, json.loads(said.out) if code == 0 else None, said.err


def test_a_run_that_was_copied_needs_nothing_else(trained: Path, there: Path, capsys: Any, monkeypatch: Any) -> None:
    expected = _evaluate(capsys, trained / "run")
    lone = there.parent / "elsewhere"
    shutil.copytree(there / "run", lone / "run")
    (trained / "models").rename(trained / "gone")
    try:
        monkeypatch.chdir(lone)
        assert _evaluate(capsys, Path("run")) == expected
        assert expected[0] == 0
        assert expected[2] == ""
        assert main(["train", "--resume", "run", "--steps", "256"]) == 0
        assert main(["record", "run", "--out", "film.gif", "--seconds", "0.2", "--size", "64x64"]) == 0
        again = load_config("run/config.yaml")
        assert "/elsewhere/run/inputs/model" in str(again.model)  # type: ignore[union-attr]
        assert "model: inputs/model/body/person.xml" in Path("run/config.yaml").read_text(), "by a path within the run"
    finally:
        (trained / "gone").rename(trained / "models")


def test_copies_lie_to_one_another_as_the_originals_did(trained: Path) -> None:
    index = inputs.read_index(trained / "run")
    assert index is not None
    assert sorted(inputs.copies(index)) == [
        "inputs/model/body/parts/limbs.xml",
        "inputs/model/body/person.xml",
        "inputs/model/meshes/wedge.obj",
    ]
    for name in inputs.copies(index):
        assert (trained / "run" / name).is_file()
    own, copy = (models.load(str(path)) for path in (
        trained / "models/body/person.xml", trained / "run/inputs/model/body/person.xml")
    )  # fmt: skip
    assert models.differences(own, copy) == []
    np.testing.assert_array_equal(own.model.body_inertia, copy.model.body_inertia)


def test_absolute_paths_in_a_model_lead_to_the_copies(tmp_path: Path) -> None:
    write_person(tmp_path / "models")
    main_file = tmp_path / "models/body/person.xml"
    main_file.write_text(main_file.read_text().replace('meshdir="../meshes"', f'meshdir="{tmp_path}/models/meshes"'))
    config = load_config(_yaml(tmp_path))
    (tmp_path / "run").mkdir()
    kept = inputs.Inputs(config, tmp_path / "run")
    kept.copy()
    shutil.rmtree(tmp_path / "models")
    models.load(kept.config.model)  # type: ignore[union-attr]


def _yaml(folder: Path) -> Path:
    (folder / "person.yaml").write_text(CONFIG)
    return folder / "person.yaml"


def test_an_original_that_changed_is_told_and_the_copy_is_used(there: Path, capsys: Any) -> None:
    write_person(there / "models")  # what the index of a copied folder tells of is still that of the first one
    index = there / "run" / inputs.INDEX
    index.write_text(index.read_text().replace(str(_origin(index)), str(there / "models")))
    code, before, said = _evaluate(capsys, there / "run")
    assert (code, said) == (0, "")
    limbs = there / "models/body/parts/limbs.xml"
    limbs.write_text(limbs.read_text().replace('mass="7"', 'mass="8"'))
    code, after, said = _evaluate(capsys, there / "run")
    assert after == before
    assert f"warning: {limbs} has changed since the run was trained with it as its model" in said
    for command in (
        ["train", "--resume", str(there / "run"), "--steps", "256"],
        ["record", str(there / "run"), "--out", str(there / "x.gif"), "--seconds", "0.1", "--size", "64x64"],
    ):
        assert main(command) == 0
        assert "has changed since the run was trained with it" in capsys.readouterr().err


def _origin(index: Path) -> Path:
    files = json.loads(index.read_text())["files"]["model"]
    return Path(files["inputs/model/body/person.xml"]["from"]).parents[1]


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_copy_that_is_not_the_run_s_is_an_error(there: Path, capsys: Any, how: str) -> None:
    copy = there / "run/inputs/model/body/parts/limbs.xml"
    if how == "gone":
        copy.unlink()
    else:
        copy.write_text(copy.read_text().replace('mass="7"', 'mass="8"'))
    for command in ("evaluate", "record", "report"):
        assert main([command, str(there / "run")]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "limbs.xml: expected the model that the run was trained with, got " in error
    assert main(["train", "--resume", str(there / "run"), "--steps", "256"]) == 2


def test_the_policy_is_put_on_another_body(trained: Path, there: Path, capsys: Any) -> None:
    limbs = there / "models/body/parts/limbs.xml"
    limbs.write_text(limbs.read_text().replace('mass="7"', 'mass="8.5"'))
    code, other, said = _evaluate(capsys, trained / "run", "--model", str(there / "models/body/person.xml"))
    assert code == 0
    assert "mass 65" in said
    assert "(was 62" in said
    assert other != _evaluate(capsys, trained / "run")[1]
    code, _, said = _evaluate(capsys, trained / "run", "--model", "walk2d")
    assert code == 2
    expected = (
        r"error: --model: expected a body with the \d+ observations and \d+ actions that the policy has learnt with"
    )
    assert re.match(expected + r", got \d+ and \d+ of walk2d; .*without the coordinates? ", said.splitlines()[-1])


def test_view_puts_the_policy_on_another_body_too(trained: Path, there: Path, capsys: Any) -> None:
    run, other = str(trained / "run"), str(there / "models/body/person.xml")
    act, shown = act_of(run, None, "best", None, 0, other)
    assert isinstance(act, PolicyAct)
    assert shown is not None
    assert shown.model == other
    assert str(shown.human().model) == other
    assert main(["view", other, "--model", "walk2d"]) == 2
    assert f"--model: expected a run beside it, whose policy another body gets, got {other}" in capsys.readouterr().err
    assert main(["view", run, "--model", "walk2d"]) == 2
    assert "--model: expected a body with the " in capsys.readouterr().err


def test_an_index_that_is_none(there: Path, capsys: Any) -> None:
    index = there / "run" / inputs.INDEX
    good = index.read_text()
    for bad in ("", "[]", "{}", good.replace("inputs/model/body", "inputs/../../x"), good[:50]):
        index.write_text(bad)
        assert _evaluate(capsys, there / "run")[0] == 2
        with pytest.raises(UserError, match=r"index.json: expected the index of a run's inputs, got another file"):
            inputs.check(there / "run")


def test_modules_of_environments_are_found_where_the_run_was_started(tmp_path: Path, monkeypatch: Any) -> None:
    run = tmp_path / "run"
    (run / inputs.FOLDER).mkdir(parents=True)
    (tmp_path / "start").mkdir()
    (tmp_path / "start/module_of_mine.py").write_text("HERE = 1\n")
    facts = {"files": {}, "versions": {}, "started_in": str(tmp_path / "start")}
    index = {**facts, "modules": {"module_of_mine": str(tmp_path / "start/module_of_mine.py")}}
    (run / inputs.INDEX).write_text(json.dumps(index))
    monkeypatch.setattr("sys.path", ["/nowhere"])
    inputs.find_modules(run)
    (tmp_path / "start/module_of_mine.py").rename(tmp_path / "start/other.py")
    monkeypatch.setattr("sys.path", ["/nowhere"])
    __import__("importlib").invalidate_caches()
    with pytest.raises(UserError, match=r"run: expected the module 'module_of_mine' of its environment, which was at "):
        inputs.find_modules(run)


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"model": {"inputs/model/s.xml": {}}}},
        {"files": {"model": {"inputs/model/s.xml": "x"}}},
        {"files": {"model": ["a"]}},
        {"modules": {"foo": 3}},
        {"started_in": None},
        {"versions": {"mujoco": 3}},
    ],
)
def test_an_index_whose_parts_are_of_another_kind(there: Path, capsys: Any, change: dict[str, Any]) -> None:
    index = there / "run" / inputs.INDEX
    index.write_text(json.dumps({**json.loads(index.read_text()), **change}))
    code, _, said = _evaluate(capsys, there / "run")
    assert code == 2
    assert said.endswith("index.json: expected the index of a run's inputs, got another file\n")


def test_an_index_that_is_gone(there: Path, capsys: Any) -> None:
    (there / "run" / inputs.INDEX).unlink()
    code, _, said = _evaluate(capsys, there / "run")
    assert code == 2
    assert said.endswith("index.json: expected the index of a run's inputs, got none\n")


def test_a_body_with_the_same_joints_in_another_order_is_refused(trained: Path, there: Path, capsys: Any) -> None:
    limbs = there / "models/body/parts/limbs.xml"
    text = limbs.read_text()
    half = text.index('<body name="thigh_l"')
    start = text.index('<body name="thigh_r"')
    end = text.index("</mujocoinclude>")
    limbs.write_text(text[:start] + text[half:end] + text[start:half] + text[end:])
    other = str(there / "models/body/person.xml")
    code, _, said = _evaluate(capsys, trained / "run", "--model", other)
    assert code == 2
    assert "--model: expected a body with coordinates in the same order, with 'hip_r' where 'hip_l' is" in said
    flags = ["--train.start_from", str(trained / "run"), "--run-dir", str(there / "new"), "--steps", "64", *FLAGS]
    assert main(["train", str(_yaml(there)), *flags]) == 2
    assert "train.start_from: expected a body with coordinates in the same order" in capsys.readouterr().err
