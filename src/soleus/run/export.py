"""Networks of a run as files for other programs: ONNX and TorchScript, pre- and postprocessing included."""

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from soleus.config import HumanRunConfig, RunConfig
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec
from soleus.exchange.weights import TORQUE_SCALE, muscle_network, to_numpy
from soleus.machine.files import write_bytes
from soleus.nets.mlp import build_network
from soleus.nets.policy import Policy, build_policy, normalize

_ENDINGS = (".onnx", ".pt")


class _LikeliestAction(nn.Module):
    """From raw observations to the likeliest actions."""

    def __init__(self, policy: Policy, action: ActionSpec, normalizer: tuple[Tensor, Tensor] | None) -> None:
        super().__init__()
        self.policy, self.action = policy, action
        mean, std = normalizer or (torch.zeros(0), torch.zeros(0))
        self.mean, self.std = nn.Parameter(mean, False), nn.Parameter(std, False)
        self.sees_images = normalizer is None

    def forward(self, observations: Tensor) -> Tensor:
        """Return actions as ActionSpec stores them; of observations (M, ...)."""
        seen = observations if self.sees_images else normalize(observations, self.mean, self.std)
        parameters: Tensor = self.policy(seen)
        if self.action.kind == "continuous":
            return parameters
        if self.action.kind == "discrete":
            return parameters.argmax(-1).int()
        if self.action.kind == "multibinary":
            return (parameters > 0).int()
        parts = torch.split(parameters, list(self.action.sizes), -1)
        return torch.stack([part.argmax(-1) for part in parts], -1).int()


class _Coordination(nn.Module):
    """From moments and wanted torques to activations."""

    def __init__(self, net: nn.Sequential) -> None:
        super().__init__()
        self.net = net

    def forward(self, moments: Tensor, wanted: Tensor) -> Tensor:
        """Return activations (M, nm) of moments (M, nnz) and torques (M, num_actuated), both [N m]."""
        activations: Tensor = self.net(torch.cat([moments, wanted], dim=1) / TORQUE_SCALE)
        return activations


def export_policy(config: RunConfig, layout: Layout, state: Mapping[str, Any], path: Path) -> Path:
    """Write a policy; see soleus.Policy.export."""
    policy = build_policy(config.policy, layout, torch.Generator())
    tensors = {name: torch.from_numpy(to_numpy(value).copy()) for name, value in state.items()}
    policy.load_state_dict({name: tensors[name] for name in policy.state_dict()})
    image = layout.observation.is_image
    normalizer = None if image else (tensors["normalizer.mean"], tensors["normalizer.std"])
    shape = (2, *layout.observation.shape)
    example = torch.zeros(shape, dtype=torch.uint8 if image else torch.float32)
    return _write(_LikeliestAction(policy, layout.action, normalizer), {"observations": example}, "actions", path)


def export_muscle_network(config: HumanRunConfig, state: Mapping[str, Any], path: Path) -> Path:
    """Write a muscle network; see soleus.Policy.export_muscle_network."""
    from soleus.models import load as load_human
    from soleus.sim.handover import muscle_layout

    tensors = {name: torch.from_numpy(to_numpy(value).copy()) for name, value in state.items()}
    human = load_human(config.model, config.control.sim_hz)
    layout = muscle_layout(human)
    crossings, asked = len(layout.crossing), layout.num_actuated
    spec = muscle_network(config.coordination, crossings, asked, layout.num_muscles)
    net = build_network(spec, torch.Generator(), output_gain=1.0)
    net.load_state_dict(tensors)
    examples = {"moments": torch.zeros(2, crossings), "wanted": torch.zeros(2, asked)}
    return _write(_Coordination(net), examples, "activations", path)


def _write(module: nn.Module, examples: Mapping[str, Tensor], output: str, path: Path) -> Path:
    """Write a module, any number of rows at a time, whole or not at all."""
    if path.suffix not in _ENDINGS:
        raise UserError(f"export: expected a file ending in {' or '.join(_ENDINGS)}, got {path}")
    if not path.parent.is_dir():
        raise UserError(f"export: expected a file in an existing folder, got the folder {path.parent}")
    module = module.eval().requires_grad_(False)
    data = _onnx(module, examples, output) if path.suffix == ".onnx" else _torchscript(module, examples)
    write_bytes(path, data)
    return path


def _torchscript(module: nn.Module, examples: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about itself
        torch.jit.save(torch.jit.trace(module, tuple(examples.values())), buffer)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _onnx(module: nn.Module, examples: Mapping[str, Tensor], output: str) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise UserError("export: expected the packages onnx and onnxscript: pip install 'soleus[export]'") from None
    rows = torch.export.Dim("rows")
    unread = io.StringIO()  # torch's exporter warns of packages that it does not need, and prints its progress
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(unread),
        contextlib.redirect_stderr(unread),
    ):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module,
            tuple(examples.values()),
            input_names=list(examples),
            output_names=[output],
            dynamic_shapes=tuple({0: rows} for _ in examples),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto.SerializeToString()
