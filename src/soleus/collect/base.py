"""The interface of collectors to the training loop."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from soleus.errors import UserError
from soleus.exchange.batch import Batch, Layout

if TYPE_CHECKING:  # a training of environments that are not ours takes no MuJoCo
    from soleus.sim.scenario import Scenario


class CollectorFailed(UserError):
    """A collector cannot go on, though its configuration was right; the run writes a checkpoint and ends."""


class Collector(Protocol):
    """Runs the policy in its environments and gives whole rollouts."""

    @property
    def layout(self) -> Layout:
        """Sizes of the batches."""

    @property
    def scenario(self) -> "Scenario | None":
        """What was loaded of the humans; None for environments that are not ours."""

    @property
    def num_workers(self) -> int:
        """Number of processes or actors that collect at the same time."""

    @property
    def pids(self) -> list[int]:
        """Process numbers of the processes that it runs besides this one."""

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole (names and shapes: exchange.weights.policy_tensors).

        Raises UserError for a missing, extra, misshapen or non-finite tensor; the old weights then stay in force.
        """

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole (names and shapes: NetworkSpec.tensors); errors as load_policy."""

    def collect(self) -> Batch:
        """Run one rollout. The batch's arrays are reused by the next call."""

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything that the next collect() depends on besides the weights."""

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() gave, bit for bit."""

    def close(self) -> None:
        """Release threads and memory."""
