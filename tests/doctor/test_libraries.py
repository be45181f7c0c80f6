import re
import sys
from types import SimpleNamespace

import pytest
import torch

from soleus.doctor.libraries import blas_threads, torch_threads


def test_torch_and_its_openmp() -> None:
    found = torch_threads(cpus=1024)
    assert found.state == "ok"
    assert found.text.startswith(f"{torch.get_num_threads()} thread")
    assert found.text.endswith("runs set their own")
    assert torch.backends.openmp.is_available() == (re.search(r"\(OpenMP \d+", found.text) is not None)


def test_more_threads_than_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    told = "omp_get_max_threads() : 64\nOpenMP\n\tmkl_get_max_threads() : 32\n"
    monkeypatch.setattr(torch.__config__, "parallel_info", lambda: told)
    found = torch_threads(cpus=2)
    assert found.state == "note"
    text = "64 threads by default (OpenMP 64, MKL 32); runs set their own, and other programs wait: 2 CPUs in reach"
    assert found.text == text


def test_blas_without_threadpoolctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    found = blas_threads(cpus=2)
    assert found.state == "ok"
    assert found.text.startswith("NumPy's is ")


@pytest.mark.parametrize(("count", "state"), [(2, "ok"), (3, "note")])
def test_blas_with_threadpoolctl(monkeypatch: pytest.MonkeyPatch, count: int, state: str) -> None:
    pools = [
        {"user_api": "openmp", "internal_api": "openmp", "num_threads": 99},
        {"user_api": "blas", "internal_api": "openblas", "num_threads": count},
    ]
    monkeypatch.setitem(sys.modules, "threadpoolctl", SimpleNamespace(threadpool_info=lambda: pools))
    found = blas_threads(cpus=2)
    assert (found.state, found.text) == (state, f"openblas {count} threads for 2 CPUs in reach")
