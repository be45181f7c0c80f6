"""How often an episode follows each clip: more often those in which people lately failed."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from soleus.errors import UserError
from soleus.motions.clips import Clips
from soleus.sim.buffers import EPISODE_COLUMNS

Floats = npt.NDArray[np.float64]

_FORGETTING = 0.9  # of what was counted, that a round leaves


class ClipSampler:
    """Counts, for each clip, the episodes that lately ended and those of them that ended before their time.

    With r the share of a clip's episodes that failed, its weight is multiplied by floor + (1 - floor) r / mean r.
    """

    def __init__(self, clips: Clips) -> None:
        self._clips = clips
        self._ended = np.zeros(len(clips.motions))
        self._failed = np.zeros(len(clips.motions))

    @property
    def weights(self) -> Floats:
        """(number of clips,) how often an episode follows each; they add up to 1."""
        base: Floats = self._clips.weights / self._clips.weights.sum()
        if self._clips.floor is None:
            return base
        share = (self._failed + 1) / (self._ended + 2)  # half, where nothing is known
        raised = base * (self._clips.floor + (1 - self._clips.floor) * share / (base @ share))
        return np.asarray(raised / raised.sum())

    def count(self, arrays: Mapping[str, npt.NDArray[np.generic]], kept: npt.NDArray[np.bool_]) -> None:
        """Count the episodes that ended in a round. arrays: as simulation.Buffers has them; kept: (T, N)."""
        failed = arrays["terminated"].astype(bool) & kept
        done = failed | (arrays["truncated"].astype(bool) & kept)
        clips = arrays["episodes"][done][:, EPISODE_COLUMNS.index("clip")].astype(int)
        bins = len(self._ended)
        self._ended = _FORGETTING * self._ended + np.bincount(clips, minlength=bins)
        self._failed = _FORGETTING * self._failed + np.bincount(clips, weights=failed[done], minlength=bins)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return what the next weights depend on."""
        return {"clips_ended": self._ended.copy(), "clips_failed": self._failed.copy()}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() gave. Raises UserError for the counts of other clips."""
        ended, failed = (np.array(state[f"clips_{name}"], np.float64) for name in ("ended", "failed"))
        if ended.shape != self._ended.shape or failed.shape != self._failed.shape:
            raise UserError(f"expected episodes of {len(self._ended)} clips, got those of {len(ended)}")
        self._ended, self._failed = ended, failed
