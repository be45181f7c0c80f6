"""With how many threads the libraries below us compute, once everything that decides over it has had its say."""

import re

from soleus.doctor.finding import Finding, plural


def torch_threads(cpus: int) -> Finding:
    """Say what torch, its OpenMP and its BLAS take by default. cpus: in reach."""
    try:
        import torch
    except ImportError as error:
        return Finding("torch", "wrong", f"it does not load (make setup): {str(error).splitlines()[0]}")
    told = torch.__config__.parallel_info()
    by_name = {"OpenMP": "omp_get_max_threads", "MKL": "mkl_get_max_threads"}
    found = {name: re.search(rf"{call}\(\) : (\d+)", told) for name, call in by_name.items()}
    more = ", ".join(f"{name} {match[1]}" for name, match in found.items() if match)
    count = torch.get_num_threads()
    text = f"{plural(count, 'thread')} by default{f' ({more})' if more else ''}; runs set their own"
    if count > cpus:
        return Finding("torch", "note", f"{text}, and other programs wait: {plural(cpus, 'CPU')} in reach")
    return Finding("torch", "ok", text)


def blas_threads(cpus: int) -> Finding:
    """Say what NumPy's BLAS takes, where threadpoolctl is there to ask, and else which one it is. cpus: in reach."""
    import numpy

    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        built = numpy.show_config(mode="dicts")
        blas = built.get("Build Dependencies", {}).get("blas", {}) if isinstance(built, dict) else {}
        most = re.search(r"MAX_THREADS=(\d+)", str(blas.get("openblas configuration", "")))
        name = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
        limit = f", built for {most[1]} threads at most" if most else ""
        return Finding("BLAS", "ok", f"NumPy's is {name}{limit}; threadpoolctl, if installed, tells how many it uses")
    pools = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    text = ", ".join(f"{pool.get('internal_api')} {plural(pool.get('num_threads', 0), 'thread')}" for pool in pools)
    more = max([0, *(pool.get("num_threads", 0) for pool in pools)]) > cpus
    return Finding("BLAS", "note" if more else "ok", f"{text or 'none is loaded'} for {plural(cpus, 'CPU')} in reach")
