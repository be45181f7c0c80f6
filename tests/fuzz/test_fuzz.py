"""Files that are wrong in every way that chance finds: each works, or ends in one line and exit code 2.

2,000 cases, and a few of them in `make test`. More, others, or one of them again:

    SOLEUS_FUZZ=100000 SOLEUS_FUZZ_SEED=7 pytest tests/fuzz
    SOLEUS_FUZZ_CASE=1234 SOLEUS_FUZZ_SEED=7 pytest tests/fuzz
"""

import contextlib
import io
import os
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import forked
import pytest
import torch
import yaml
from subjects import TRAIN, Case, Subjects, cases

from soleus.cli import main
from soleus.errors import UserError
from soleus.run import checkpoint

COUNT = int(os.environ.get("SOLEUS_FUZZ", "2000"))
FEW = 100
SEED = int(os.environ.get("SOLEUS_FUZZ_SEED", "0"))
ONE = os.environ.get("SOLEUS_FUZZ_CASE")
WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def load_all(subjects: Subjects, folder: Path) -> None:
    """Run good commands in this process: what they import and set up is there when others are forked from it."""
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(folder):
        for config in ("walk2d.yaml", "cartpole.yaml"):
            run = f"run-{config}"
            assert main(["train", str(subjects.home / "config" / config), *TRAIN[:-1], run]) == 0
            assert main(["evaluate", run, "--episodes", "1", "--num-threads", "1"]) == 0
            assert main(["compare", run, run]) in (0, 2)


def flaw(case: Case, ended: forked.Ended, folder: Path) -> str | None:
    """Say what is wrong with how a command ended; None where nothing is."""
    if ended.code is None:
        return f"it was still there after {forked.LIMIT_S:g} s"
    if "Traceback" in ended.err or "Traceback" in ended.out:
        return "a traceback"
    if ended.code not in (0, 2):
        return f"exit code {ended.code}"
    lines = ended.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if ended.code == 2 and (len(errors) != 1 or lines[-1] != errors[0]):
        return f"{len(errors)} lines of an error at the end"
    if ended.code != 2 and errors:
        return "an error, and another exit code"
    if any(not re.match(r"error: |warning: |note: ", line) for line in lines):
        return "a line that is neither an error, a warning nor a note"
    return _half_written(case, folder, ended.code)


def _half_written(case: Case, folder: Path, code: int) -> str | None:
    left = [path.name for path in folder.rglob(".*") if path.is_file() and path.name != ".lock"]
    if left:
        return f"{left[0]} was left behind"
    if case.makes is None:
        return None
    made = folder / case.makes
    if code == 0:
        return None if made.is_dir() else f"{case.makes} was not made"
    if not made.exists():
        return None
    if case.makes == "run":
        try:
            checkpoint.read(made / "checkpoints/latest.pt")
            yaml.safe_load((made / "config.yaml").read_text())
        except (UserError, OSError, yaml.YAMLError) as error:
            return f"half a run was left behind ({error})"
        return None
    return f"half of {case.makes} was left behind"


def try_some(folder: str, subjects: Subjects, numbers: range) -> list[str]:
    """Try the cases of these numbers; return what was wrong with some."""
    place = Path(folder) / f"{numbers.start}-{numbers.step}"
    (place / "good").mkdir(parents=True)
    load_all(subjects, place / "good")
    wrong = []
    for number, case, where in cases(subjects, SEED, numbers, place):
        ended = forked.run(case.arguments, where, draw="metrics" in case.kind)
        if (said := flaw(case, ended, where)) is not None:
            tail = "\n    ".join(ended.err.strip().splitlines()[-12:])
            wrong.append(f"case {number}: {case.kind}, soleus {' '.join(case.arguments)}: {said}\n    {tail}")
            print(wrong[-1], flush=True)
    return wrong


def good_files(folder: Path) -> Subjects:
    """Make what good files and runs the cases spoil."""
    return Subjects(folder, _train)


def _train(arguments: list[str], folder: Path) -> None:
    ended = forked.run(arguments, folder)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("count", [FEW, pytest.param(COUNT, marks=pytest.mark.slow)])  # minutes of many short commands
def test_whatever_a_file_holds_it_works_or_ends_in_one_line(count: int, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    workers = WORKERS if count > FEW else 1
    parts = [range(k, count, workers) for k in range(workers)]
    if ONE is not None:
        parts = [range(int(ONE), int(ONE) + 1)]
    # Nothing is forked from this process: libraries whose threads other tests have started wait for ever in a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        subjects = pool.submit(good_files, tmp_path / "good").result()
        tries = [pool.submit(try_some, str(tmp_path / "cases"), subjects, numbers) for numbers in parts]
        wrong = [one for found in tries for one in found.result()]
    assert not wrong, f"{len(wrong)} of {sum(map(len, parts))} cases:\n" + "\n".join(wrong[:20])
