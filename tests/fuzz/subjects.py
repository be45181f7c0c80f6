"""What is mutated: good files of every kind that people bring, and the commands that read them."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mutations
import torch

import gaitnet_files
from person_files import write_person

MASS = Path(__file__).parents[1] / "mass"
SMALL = "train: {num_envs: 2, rollout_steps: 8, eval_episodes: 1, num_threads: 1, steps: 16}\n"
FAST = "policy: {hidden: [8]}\nppo: {value_hidden: [8], epochs: 1, minibatches: 1}\n" + SMALL
CONFIGS = {
    "walk2d.yaml": "base: walk2d\n" + FAST + "task: {base: imitate, episode_seconds: 0.5}\n",
    "walk.yaml": "model: walk2d\ntask: {base: walk, episode_seconds: 0.5}\n"
    "control: {mode: torque, sim_hz: 240}\n" + FAST,
    "cartpole.yaml": "env: {id: 'gymnasium:CartPole-v1', options: {max_episode_steps: 20}}\n" + FAST
    + "parallel: {collector: inline, num_workers: 1}\n",
}  # fmt: skip
SB3 = "base: cartpole.yaml\ntraining: {n_steps: 8, gamma: 0.9, batch_size: 16, n_epochs: 1, learning_rate: 1.0e-3}\n"
PERSON = (
    "model: {mjcf: models/body/person.xml}\ntask: {base: walk, episode_seconds: 0.5}\ncontrol: {mode: torque}\n" + FAST
)
MASS_PERSON = (
    "model: {mass: {skeleton: person.xml, muscles: muscles.xml, damping: 0.4}}\nmotion: {bvh: stride.bvh}\n"
    "task: {base: imitate, episode_seconds: 0.3}\ncontrol: {sim_hz: 600}\n" + FAST
)
IMPORT = ("import", "mass", "person.xml", "muscles.xml", "--bvh", "stride.bvh", "--out", "imported")
TRAIN = ("--num-threads", "1", "--steps", "16", "--run-dir", "run")


@dataclass(frozen=True)
class Case:
    """A file in a folder made bad, and the command that reads it."""

    kind: str
    arguments: tuple[str, ...]
    makes: str | None
    """What a command that ends well has made; and one that does not leaves it whole or not at all."""


def bad_file(rng: random.Random, path: Path, *structured: mutations.Mutation) -> None:
    """Mutate a file, once or more often."""
    data = path.read_bytes()
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        choice = rng.choice((*mutations.TEXT, *(structured * 6)))
        try:
            data = choice(rng, data)
        except Exception:  # of a structure that an earlier mutation has broken
            data = rng.choice(mutations.TEXT)(rng, data)
    path.write_bytes(data)


class Subjects:
    """Good files, made once, of which each case gets copies."""

    def __init__(self, home: Path, train: Callable[[list[str], Path], None]) -> None:
        """train: runs the command line in a folder, where it has to end well."""
        self.home = home
        for name in ("config", "person", "mass", "tables", "gaitnet"):
            (home / name).mkdir(parents=True)
        for name, text in CONFIGS.items():
            (home / "config" / name).write_text(text)
        (home / "config/sb3.yaml").write_text(SB3)
        write_person(home / "person/models")
        (home / "person/person.yaml").write_text(PERSON)
        for name in ("person.xml", "muscles.xml", "stride.bvh"):
            shutil.copy(MASS / name, home / "mass")
        (home / "mass/mass.yaml").write_text(MASS_PERSON)
        gaitnet_files.write(home / "gaitnet")
        train(
            ["import", "mass", "person.xml", "muscles.xml", "--bvh", "stride.bvh", "--out", "imported"], home / "mass"
        )
        shutil.move(home / "mass/imported", home / "tables/imported")
        with (home / "tables/imported/train.yaml").open("a") as file:
            file.write(FAST)
        (home / "tables/cycle.yaml").write_text("base: walk2d.yaml\nmotion: mine.yaml\n")
        (home / "tables/walk2d.yaml").write_text(CONFIGS["walk2d.yaml"])
        import soleus.motions

        shutil.copy(Path(soleus.motions.__file__).parent / "walk.yaml", home / "tables/mine.yaml")
        train(["train", str(home / "config/walk2d.yaml"), *TRAIN], home / "config")
        shutil.move(home / "config/run", home / "run-human")
        train(["train", str(home / "person/person.yaml"), *TRAIN], home / "person")
        shutil.move(home / "person/run", home / "run-person")
        train(["train", str(home / "config/cartpole.yaml"), *TRAIN], home / "config")
        shutil.move(home / "config/run", home / "run-env")
        tables = (home / "tables/imported").iterdir()
        self.tables = sorted(path.name for path in tables if path.suffix in (".csv", ".xml"))

    def case(self, rng: random.Random, folder: Path) -> Case:
        """Make one case in a folder."""
        kinds = [
            self._config,
            self._mjcf,
            self._mass,
            self._gaitnet,
            self._table,
            self._cycle,
            self._checkpoint,
            self._run_files,
        ]
        return rng.choice(kinds)(rng, folder)

    def _copy(self, name: str, folder: Path) -> None:
        shutil.copytree(self.home / name, folder, dirs_exist_ok=True)

    def _config(self, rng: random.Random, folder: Path) -> Case:
        self._copy("config", folder)
        name = rng.choice((*CONFIGS, "sb3.yaml"))
        bad_file(rng, folder / name, mutations.as_yaml)
        return Case(f"configuration {name}", ("train", name, *TRAIN), "run")

    def _mjcf(self, rng: random.Random, folder: Path) -> Case:
        self._copy("person", folder)
        name = rng.choice(("body/person.xml", "body/parts/limbs.xml", "body/parts/limbs.xml", "meshes/wedge.obj"))
        bad_file(rng, folder / "models" / name, *((mutations.as_xml,) if name.endswith(".xml") else ()))
        return Case(f"MJCF {name}", ("train", "person.yaml", *TRAIN), "run")

    def _mass(self, rng: random.Random, folder: Path) -> Case:
        self._copy("mass", folder)
        name = rng.choice(("person.xml", "muscles.xml", "stride.bvh", "stride.bvh"))
        bad_file(rng, folder / name, *((mutations.as_xml,) if name.endswith(".xml") else ()))
        if rng.random() < 0.5:
            return Case(f"MASS {name}, import", IMPORT, "imported")
        return Case(f"MASS {name}", ("train", "mass.yaml", *TRAIN), "run")

    def _gaitnet(self, rng: random.Random, folder: Path) -> Case:
        self._copy("gaitnet", folder)
        name = rng.choice(("env.yaml", "env.yaml", "data/motion/stride.h5"))
        bad_file(rng, folder / name, *((mutations.as_yaml,) if name.endswith(".yaml") else ()))
        return Case(f"environment, {name}", ("import", "gaitnet", "env.yaml", "--data", "data", "--out", "out"), "out")

    def _table(self, rng: random.Random, folder: Path) -> Case:
        self._copy("tables", folder)
        name = rng.choice(self.tables)
        bad_file(rng, folder / "imported" / name, *((mutations.as_xml,) if name.endswith(".xml") else ()))
        return Case(f"table {name}", ("train", "imported/train.yaml", *TRAIN), "run")

    def _cycle(self, rng: random.Random, folder: Path) -> Case:
        self._copy("tables", folder)
        bad_file(rng, folder / "mine.yaml", mutations.as_yaml)
        return Case("gait cycle", ("train", "cycle.yaml", *TRAIN), "run")

    def _checkpoint(self, rng: random.Random, folder: Path) -> Case:
        run = rng.choice(("run-human", "run-env"))
        shutil.copytree(self.home / run, folder / "run")
        name = rng.choice(("latest.pt", "latest.pt", "best.pt"))
        path = folder / "run/checkpoints" / name
        if rng.random() < 0.5:
            path.write_bytes(rng.choice(mutations.BINARY)(rng, path.read_bytes()))
        else:
            content = torch.load(path, weights_only=True)
            for _ in range(rng.choice((1, 1, 2))):
                content = mutations.checkpoint(rng, content)
            torch.save(content, path)
        return Case(f"checkpoint {name} of {run}", self._reads(rng, run, name), None)

    def _run_files(self, rng: random.Random, folder: Path) -> Case:
        run = rng.choice(("run-human", "run-person", "run-env"))
        shutil.copytree(self.home / run, folder / "run")
        files = ["config.yaml", "metrics.jsonl", "summary.json", "inputs/index.json"]
        if run == "run-person":
            files.append("inputs/model.mjcf/body/person.xml")
        name = rng.choice(files)
        bad_file(
            rng, folder / "run" / name, *((mutations.as_yaml,) if name.endswith((".yaml", "y.json", "x.json")) else ())
        )
        return Case(f"{name} of {run}", self._reads(rng, run, "latest.pt"), None)

    def _reads(self, rng: random.Random, run: str, name: str) -> tuple[str, ...]:
        which = name.removesuffix(".pt")
        commands = [
            ("evaluate", "run", "--episodes", "1", "--num-threads", "1", "--checkpoint", which),
            ("train", "--resume", f"run/checkpoints/{name}", "--steps", "32", "--num-threads", "1"),
            ("compare", "run", str(self.home / run)),
            ("train", "config.yaml", "--train.start_from", "run", *TRAIN[:-1], "new"),
        ]
        if run == "run-human":
            commands.append(("report", "run", "--episodes", "1", "--seconds", "2", "--num-threads", "1"))
        choice = rng.choice(commands)
        return tuple(str(self.home / "config/walk2d.yaml") if one == "config.yaml" else one for one in choice)


def cases(subjects: Subjects, seed: int, numbers: range, folder: Path) -> Iterator[tuple[int, Case, Path]]:
    """Make the cases of these numbers one after the other; a folder is gone once the next is asked for."""
    for number in numbers:
        place = folder / str(number)
        place.mkdir()
        yield number, subjects.case(random.Random(f"{seed}:{number}"), place), place
        shutil.rmtree(place, ignore_errors=True)
