"""Weights & Biases, through its own client, whose settings (WANDB_MODE, WANDB_PROJECT, ...) say where runs go."""

from collections.abc import Mapping

from soleus.run.loggers.base import Known, RunFacts, overlap

_PATIENCE_S = 60.0  # at the end, for what is not sent yet; the client itself waits without an end


class WeightsAndBiases:
    """A run there."""

    def __init__(self, run: RunFacts) -> None:
        """Begin a run there, or go on with it. Raises what the client raises, in time (WANDB_INIT_TIMEOUT)."""
        import wandb

        known = run.known or {}
        own = wandb.setup().settings
        settings = wandb.Settings(
            silent=True,  # its lines would break the progress on the screen
            console="off",  # it would read what the run prints
            reinit="create_new",  # a run that a script has begun by itself stays apart
            finish_timeout=own.finish_timeout or _PATIENCE_S,
            finish_timeout_raises=True,
        )
        self._run = wandb.init(
            id=known.get("id"),
            project=known.get("project"),
            entity=known.get("entity") or None,
            resume="allow" if known else None,
            name=own.run_name or run.name,
            config=dict(run.config),
            allow_val_change=True,  # a run may go on with other values
            settings=settings,
        )
        self.known: Known | None = run.known if self._run.disabled else self._place()
        self._tell(run)

    def _place(self) -> Known:
        return {"id": self._run.id, "project": self._run.project, "entity": self._run.entity or ""}

    def _tell(self, run: RunFacts) -> None:
        if self._run.disabled:
            return
        where = (
            f"offline; send it with: wandb sync {self._run.settings.sync_dir}" if self._run.offline else self._run.url
        )
        print(f"wandb: run {self._run.id}, {where}", flush=True)
        there = self._run.starting_step - 1
        if there > (run.resume_steps or 0):
            print(overlap("wandb", there), flush=True)

    def row(self, metrics: Mapping[str, float], steps: int) -> None:
        """Record metrics by their keys. The client sends them by itself."""
        if steps >= self._run.starting_step:  # it takes nothing below what it has
            self._run.log(dict(metrics), step=steps)

    def close(self, failed: bool) -> None:
        """Send what is left and end the run. Raises TimeoutError where that takes too long."""
        self._run.finish(exit_code=1 if failed else 0)
