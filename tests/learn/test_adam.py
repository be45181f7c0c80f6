"""The optimizer is torch's Adam, bit for bit, without torch's compiler."""

import subprocess
import sys

import torch

from soleus.learn.adam import Adam

_STEP = """
import sys, torch
from soleus.learn.adam import Adam
weights = torch.nn.Parameter(torch.ones(2))
optimizer = Adam([weights], fused=True)
optimizer.load_state_dict(optimizer.state_dict())
weights.square().sum().backward()
optimizer.step()
optimizer.zero_grad()
assert weights.grad is None
assert weights[0] < 1
print([name for name in ("torch._dynamo", "sympy") if name in sys.modules])
"""


def test_it_steps_as_that_of_torch_does() -> None:
    found = []
    for kind in (Adam, torch.optim.Adam):
        generator = torch.Generator().manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(5, 3, generator=generator)) for _ in range(2)]
        optimizer = kind([{"params": [one], "lr": rate} for one, rate in zip(weights, (1e-2, 1e-3), strict=True)])
        for _ in range(4):
            optimizer.zero_grad()
            sum((one - 1).square().sum() for one in weights).backward()
            optimizer.step()
        found.append((weights, optimizer.state_dict()))
    (mine, state), (theirs, other) = found
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    assert state["param_groups"] == other["param_groups"]
    assert all(
        torch.equal(state["state"][k][name], other["state"][k][name]) for k in (0, 1) for name in state["state"][k]
    )


def test_a_step_imports_no_compiler() -> None:
    """It would take most of a second of every training."""
    done = subprocess.run([sys.executable, "-c", _STEP], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
