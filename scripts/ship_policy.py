"""Put the best policy of a run into the package, where every verb that takes a RUN finds it by its name.

    .venv/bin/python scripts/ship_policy.py runs/legs walk-myolegs

It is played first: one that falls is not shipped. The configuration goes with it, without paths of this machine, and a
record of how it was trained and what it came to (soleus.run.shipped.Record).
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import soleus
from soleus.cli.policies import came_to
from soleus.config import RunConfig, builtin, load_config
from soleus.config.keys import is_below
from soleus.errors import UserError, nearest
from soleus.run import checkpoint, inputs
from soleus.run.resuming import changes
from soleus.run.shipped import RECORD, Record
from soleus.run.trained import Trained, load_trained

POLICIES = Path(__file__).parents[1] / "src/soleus/policies"
EPISODES = 20
# Where a training began and what it left elsewhere: a policy acts without, and there may be paths of this machine.
FORGOTTEN = {
    "train.start_from": None,
    "train.checkpoint_url": None,
    "train.video_every": None,
    "coordination.weights": None,
    "parallel.ray_address": "auto",
}
# What a record says itself, and what changes nothing that is learnt.
TOLD = ("train.seed", "train.steps", "train.duration")
ASIDE = ("control.engine", "control.paths_file", "train.num_threads", "train.learner_threads", "train.profile", "log")


def ship(run: Path, name: str, preset: str, policies: Path = POLICIES) -> Record:
    """Write policies/NAME/ anew, and return its record. Raises UserError for a policy that cannot be shipped."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise UserError(f"NAME: expected lower-case letters and digits, with dashes between them, got '{name}'")
    if preset not in builtin.names("presets"):
        known = nearest(preset, builtin.names("presets"))
        raise UserError(f"--preset: expected the preset that the run was trained by, got '{preset}'{known}")
    trained = load_trained(run)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / name
        (folder / "checkpoints").mkdir(parents=True)
        write_policy(trained, folder)
        record = record_of(trained, preset, folder)
        text = yaml.safe_dump(record.model_dump(mode="json"), sort_keys=False, width=120)
        (folder / RECORD).write_text(text, encoding="utf-8")
        shutil.rmtree(policies / name, ignore_errors=True)
        shutil.copytree(folder, policies / name)
    return record


def write_policy(trained: Trained, folder: Path) -> None:
    """Write what the policy acts with: its weights, its configuration and the muscle paths that were fitted for it."""
    config: RunConfig = load_config(trained.run / "config.yaml", FORGOTTEN)
    index = inputs.read_index(trained.run) or {"files": {}, "versions": {}}
    files, places = {}, {}
    for key, kept in index["files"].items():
        if key in FORGOTTEN:
            continue
        if foreign := next((facts["from"] for facts in kept.values() if facts["from"] != inputs.MADE), None):
            raise UserError(f"{key}: expected a model and a motion that everybody has, got the file {foreign}")
        files[key] = kept
        for place in kept:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(trained.run / place, folder / place)
            places[key] = str(folder / place)
    text = inputs.config_text(inputs.with_files(config, places), folder)
    if path := re.search(r"^.*(?<![\w.])(/\w|\w+://).*$", text, re.MULTILINE):
        raise UserError(f"{trained.run}: expected a configuration without paths of this machine, got {path[0].strip()}")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    about = {"started_in": "", "files": files, "modules": {}, "versions": index["versions"]}
    (folder / inputs.FOLDER).mkdir(exist_ok=True)
    (folder / inputs.INDEX).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    checkpoint.save_best(folder / "checkpoints", checkpoint.policy_alone(checkpoint.read(trained.file)))


def record_of(trained: Trained, preset: str, folder: Path) -> Record:
    """Play the policy that lies in a folder, and return its record. Raises UserError where it falls."""
    evaluation = soleus.evaluate(folder, EPISODES)
    if evaluation["share_full"] < 1.0:
        lasting = round(EPISODES * evaluation["share_full"])
        raise UserError(
            f"{trained.file}: expected a policy whose {EPISODES} episodes last to the end, got {lasting} that do"
        )
    return Record(
        preset=preset,
        changes=changes_of(trained, preset),
        seed=trained.config.train.seed,
        steps=trained.steps,
        version=metadata.version("soleus"),
        evaluation={key: float(f"{value:.4g}") for key, value in evaluation.items()},
        likeness=likeness_of(folder),
    )


def changes_of(trained: Trained, preset: str) -> dict[str, Any]:
    """Return what the run was trained with in place of what the preset says."""
    found = {
        key: now
        for key, (_, now) in changes(load_config(preset), trained.config).items()
        if not is_below(key, (*TOLD, *ASIDE, *FORGOTTEN, "parallel"))
    }
    if trained.config.train.start_from:
        found["train.start_from"] = "the weights of another run"
    return found


def likeness_of(folder: Path) -> float | None:
    """Return how alike the walk is to people's; None for a person who runs."""
    try:
        return round(float(soleus.evaluate(folder, 1, likeness=True)["likeness"]["figure"]), 3)
    except UserError as error:
        print(f"note: {error}", file=sys.stderr)
        return None


def main() -> int:
    """Ship what the arguments name; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder, of which the best checkpoint is taken")
    parser.add_argument("name", metavar="NAME", help="name of the policy")
    parser.add_argument("--preset", help="that the run was trained by; by default NAME")
    given = parser.parse_args()
    try:
        record = ship(given.run, given.name, given.preset or given.name)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for key, value in record.changes.items():
        print(f"note: trained with {key} {value}, which is not what {record.preset} says")
    print(f"{POLICIES / given.name}: {came_to(record)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
