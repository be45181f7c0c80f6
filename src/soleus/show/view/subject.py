"""What a user names to look at: a run, a model, a preset, a dump."""

from collections.abc import Mapping
from pathlib import Path

from soleus import models, motions
from soleus.config import builtin, config_of_model, load_human_config
from soleus.config.sources import is_model_file
from soleus.errors import UserError
from soleus.importing.ready import imported
from soleus.run import checkpoint
from soleus.run.shipped import place_of
from soleus.run.trained import Trained, load_trained
from soleus.show.frames import Act, MotionAct, PolicyAct
from soleus.sim.scenario import load_scenario


def run_of(subject: str, motion: str | None = None) -> Path | None:
    """Return the run folder that somebody names, by itself, by a checkpoint in it, by a URL or as a policy; else None.

    motion: that is asked for, if any: it is shown by the model or the preset that has the name of a policy too.
    """
    if motion is not None and builtin.is_policy(subject):
        return None
    path = place_of(subject)
    if (path / "config.yaml").is_file() or (path.suffix == ".pt" and path.is_file()):
        return checkpoint.locate(path).parent.parent
    return None


def act_of(
    subject: str | None,
    dump: Path | None,
    which: str,
    motion: str | None,
    seed: int,
    model: str | None = None,
    at: Mapping[str, float] | None = None,
) -> tuple[Act, Trained | None]:
    """Return what there is to see of a subject, or of a dump, and whose policy it is, if any.

    model: another body for a run's policy. at: values of its conditions. Raises UserError for what is none of them.
    """
    run = None if subject is None else run_of(subject, motion)
    if model is not None and run is None:
        raise UserError(f"--model: expected a run beside it, whose policy another body gets, got {subject or dump}")
    if at and run is None:
        raise UserError(f"--at: expected a run beside it, whose conditions it is of, got {subject or dump}")
    if dump is not None:
        from soleus.show.view.replay import ReplayAct

        return ReplayAct(dump), None
    assert subject is not None
    if run is not None:
        if motion is not None:
            raise UserError(f"--motion: expected none for a run, which has its own, got {motion}")
        trained = load_trained(place_of(subject), which, model, at=at or {})
        return PolicyAct(trained, seed), trained
    if subject in models.names() or is_model_file(subject):
        human = models.load(imported(config_of_model(subject)).model)
        return MotionAct(human, motions.load(motion, human) if motion else None), None
    if Path(subject).is_dir():
        raise UserError(f"{subject}: expected a run folder (with config.yaml), got another folder")
    scenario = load_scenario(load_human_config(subject, {"motion": motion} if motion else {}))
    return MotionAct(scenario.human, scenario.motion), None
