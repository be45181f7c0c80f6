"""Promise 6: whatever is done to humans, what comes back is numbers, and the process does not grow."""

import pytest

import violence
from soleus import models


@pytest.mark.parametrize("mode", ["torque", "muscle"])
@pytest.mark.parametrize("model", models.names())
def test_violent_actions_and_pushes_leave_numbers(model: str, mode: str) -> None:
    found = violence.throw_about(model, mode, substeps=100_000)
    assert found.substeps >= 100_000
    assert found.episodes > 20, "the test wants humans that fall"
    assert found.growth < 20  # [MB]
