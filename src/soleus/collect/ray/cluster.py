"""The Ray cluster and its machines: finding, joining and counting them. Every wait has a deadline."""

import contextlib
import importlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from soleus.config import ParallelConfig
from soleus.errors import UserError
from soleus.machine.cpus import available_cpus

CONNECT_SECONDS = 30.0  # for a cluster to let somebody in
CLIENT_SECONDS = 60.0  # through Ray Client, which starts a process for each who comes, and by itself gives up after 30
_CLIENT_TRIES = 3  # that process at times dies as it starts, in Ray itself, and the next one does not
_KNOCK_SECONDS = 5.0
_KEY = "parallel.ray_address"

# Ray's own deadlines are minutes, and some wait inside native code, where nothing but a signal reaches. So another
# process tries the address first, which can be ended. That a token is missing Ray only logs.
_PROBE = """
import sys, warnings
warnings.simplefilter("ignore")
import ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="DEBUG")
except BaseException as error:
    print("failed", type(error).__name__, " ".join(str(error).split()))
else:
    print("joined", flush=True)
"""


def import_ray() -> Any:
    """Return the module ray. Raises UserError where it is not installed."""
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise UserError(
            "parallel.collector: expected the package ray for collector ray, but it is not installed:"
            " pip install 'soleus[ray]'"
        ) from None


def client_errors() -> tuple[type[Exception], ...]:
    """Return what calls of Ray Client raise when the cluster is gone; a process on the cluster ends with it."""
    try:
        return ConnectionError, importlib.import_module("grpc").RpcError
    except ImportError:
        return (ConnectionError,)  # without it there is no Ray Client


def join(parallel: ParallelConfig) -> bool:
    """Make this process a driver of the cluster that parallel.ray_address names; return whether it was not one before.

    Raises UserError where there is no such cluster, or it is of another version.
    """
    ray = import_ray()
    if ray.is_initialized():
        return False
    address = parallel.ray_address
    if address == "auto":
        address = _known() or "local"
    if address != "local":
        _knock(address)
        _try(address, CLIENT_SECONDS if address.startswith("ray://") else CONNECT_SECONDS)
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a training tells nobody of itself
        with _quietly():
            ray.init(
                address="local",
                num_cpus=available_cpus(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
    else:
        _enter(address)
    return True


def _known() -> str | None:
    """Return the address that Ray's own tools take: RAY_ADDRESS, or that of `ray start` on this machine.

    Ray's own "auto" takes a Ray besides that somebody has started for a run of theirs, and that ends with it. `ray
    start` leaves its address in a file, which is the same from Ray 2.40 to 2.60 at least.
    """
    if address := os.environ.get("RAY_ADDRESS"):
        return address
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    try:
        return Path(folder, "ray", "ray_current_cluster").read_text().strip() or None
    except OSError:
        return None


def _enter(address: str) -> None:
    """Join a cluster that another process could join. Raises UserError."""
    for left in reversed(range(_CLIENT_TRIES)):
        try:
            with _quietly():
                import_ray().init(address=address, log_to_driver=False, logging_level="ERROR")
            return
        except ConnectionAbortedError as error:
            if not left:
                raise UserError(_refused(address, type(error).__name__, str(error))) from None


def _refused(address: str, kind: str, what: str) -> str:
    return f"{_KEY}: expected a Ray cluster at {address}, but {kind}: {' '.join(what.split())[:300]}"


def _knock(address: str) -> None:
    """Raise UserError for a malformed address, or where nothing listens, which Ray would try again for minutes."""
    match = re.fullmatch(r"(?:ray://)?([^\s/:]+|\[[^\s/]+\]):(\d{1,5})", address)
    if not match:
        raise UserError(f"{_KEY}: expected auto, local, HOST:PORT or ray://HOST:PORT, got '{address}'")
    if int(match[2]) >= 2**16:
        raise UserError(f"{_KEY}: expected a port below 65536, got '{address}'")
    try:
        socket.create_connection((match[1].strip("[]"), int(match[2])), timeout=_KNOCK_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"{_KEY}: expected a Ray cluster at {address}, but nothing answers there ({error}); local starts one here"
        ) from None


def _try(address: str, seconds: float, tries: int = _CLIENT_TRIES) -> None:
    """Raise UserError for an address that cannot be joined. seconds: for each try."""
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE, address], capture_output=True, text=True, timeout=seconds, check=False
        )
        said = next((line for line in tried.stdout.splitlines() if line.startswith(("joined", "failed"))), "failed - -")
        logged = tried.stderr
    except subprocess.TimeoutExpired as expired:
        said = f"failed TimeoutError no answer within {seconds:g} s"
        logged = str(expired.stderr)
    if said == "joined":
        return
    _, kind, what = said.split(" ", 2)
    if kind == "ConnectionAbortedError" and tries > 1:
        return _try(address, seconds, tries - 1)
    if "InvalidAuthToken" in logged or "missing authentication token" in logged:
        raise UserError(
            f"{_KEY}: expected the token of the cluster at {address}, got another one or none:"
            " set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token as there"
        )
    if "ersion mismatch" in what:
        raise UserError(f"{_KEY}: expected a cluster of the same Ray and Python at {address}, but {what}")
    raise UserError(_refused(address, kind, what))


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep what Ray prints at its start off the screen; errors come as exceptions."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def node_cpus() -> dict[str, int]:
    """Return the whole CPUs that Ray has to give on each node that is alive."""
    nodes = import_ray().nodes()
    return {one["NodeID"]: int(one["Resources"].get("CPU", 0)) for one in nodes if one["Alive"]}


def with_number(parallel: ParallelConfig, nodes: Sequence[int], envs: int, needed: int | None = None) -> ParallelConfig:
    """Return the configuration with a number of collectors for auto: one for each of these nodes that has the CPUs."""
    if parallel.num_collectors != "auto":
        return parallel
    least = parallel.cpus_per_collector or needed or 1
    count = min(sum(node >= least for node in nodes), envs)
    return parallel.model_copy(update={"num_collectors": max(count, 1)})


def share_of_cpus(nodes: Sequence[int], parallel: ParallelConfig, needed: int | None = None) -> int:
    """Return the CPUs of each collector: as asked, or as needed, or the most with which all have room on these nodes.

    Raises UserError where they have none.
    """
    asked, wanted = parallel.cpus_per_collector or needed, parallel.num_collectors
    assert isinstance(wanted, int)

    def room(cpus: int) -> int:
        return sum(node // cpus for node in nodes)

    cpus = asked or next((c for c in range(max(nodes, default=0), 0, -1) if room(c) >= wanted), 1)
    if room(cpus) < wanted:
        s = "s" * (cpus > 1)
        raise UserError(
            f"parallel.num_collectors: expected at most {room(cpus)} of {cpus} CPU{s} each on a cluster with"
            f" {' + '.join(map(str, nodes)) or 'no'} CPUs, got {wanted}"
        )
    return cpus


def check_versions(mine: Mapping[str, str], theirs: Mapping[str, str], host: str) -> None:
    """Raise UserError for the first package of which another machine has another version."""
    for package, version in mine.items():
        if theirs.get(package) != version:
            raise UserError(f"ray: expected {package} {version} on {host}, as here, got {theirs.get(package)}")
