"""A model in the format of MASS, loaded once."""

from types import SimpleNamespace

import pytest

from mass_files import FILES, config_of, files_of
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import one_human


@pytest.fixture(scope="session", params=list(FILES))
def imported(request):
    """A model as it runs here: its files, its Human, and one body in the core."""
    files = files_of(request.param)
    body = load_scenario(config_of(request.param))
    return SimpleNamespace(name=request.param, files=files, human=body.human, body=one_human(body))
