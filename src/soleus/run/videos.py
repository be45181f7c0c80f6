"""Videos of a run while it trains: a process of its own draws each from a checkpoint."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from soleus.errors import UserError
from soleus.render.film import require_av, unfinished

FOLDER = "videos"
_SECONDS, _SIZE = 10, "480x360"
_NICE = 10  # they make way for the training
_PATIENCE = 180  # [s] for the last one


def check() -> None:
    """Raise UserError where the package is missing that videos need."""
    try:
        require_av()
    except UserError:
        raise UserError("train.video_every: videos need PyAV, got none: pip install 'soleus[view]'") from None


class Videos:
    """Starts a video every so often, one at a time."""

    def __init__(self, run: Path, every: float) -> None:
        """every: [s] from one video to the next."""
        self.run, self.every = run, every
        self._last = time.monotonic()
        self._out = run
        self._making: subprocess.Popen[bytes] | None = None

    @property
    def due(self) -> bool:
        """Whether it is time for one, and none is being made."""
        idle = self._making is None or self._making.poll() is not None
        return idle and time.monotonic() - self._last >= self.every

    def start(self, steps: int) -> None:
        """Begin the video of the policy after so many steps, whose checkpoint is there."""
        self._last = time.monotonic()
        folder = self.run / FOLDER
        folder.mkdir(exist_ok=True)
        self._out = folder / f"step-{steps}.mp4"
        arguments = ["record", str(self.run), "--checkpoint", str(steps), "--out", str(self._out)]
        flags = ["--seconds", str(_SECONDS), "--size", _SIZE]
        polite = ["nice", "-n", str(_NICE)] if shutil.which("nice") else []
        command = [*polite, sys.executable, "-c", "import sys; from soleus.cli import main; sys.exit(main())"]
        self._making = subprocess.Popen(
            [*command, *arguments, *flags],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the training
        )

    def close(self, patient: bool = True) -> None:
        """Wait for the last video; if not patient, leave it unfinished."""
        if self._making is None or self._making.poll() is not None:
            return
        try:
            if patient:
                print(f"waiting for the last video (Ctrl-C leaves it): {self._out}", flush=True)
                self._making.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self._making.poll() is None:
                self._making.kill()
                self._making.wait()
            unfinished(self._out).unlink(missing_ok=True)
