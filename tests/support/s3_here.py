"""S3 on this machine: a real server of its protocol, and a gate before it that can hold or refuse what comes."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

REGION = "us-east-1"


def point_at(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let every S3 client of this process and of those that it starts find its server here."""
    from s3fs import S3FileSystem

    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        patch.setenv(name, value)
    S3FileSystem.clear_instance_cache()


@contextlib.contextmanager
def server() -> Iterator[str]:
    """An S3 server; gives its address."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        running.stop()


class Gate:
    """Passes bytes on to a server; while it is shut, only so many of them, after which nothing goes either way."""

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("http://").split(":")
        self._target = host, int(port)
        self._open = threading.Event()
        self._open.set()
        self._left = 0
        self.holding = threading.Event()
        """Whether it holds something back."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self, after: int = 0) -> None:
        """Hold what comes after so many more bytes of all clients together."""
        self._left = after
        self.holding.clear()
        self._open.clear()

    def open(self) -> None:
        """Pass on what was held, and all that follows."""
        self._open.set()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 14):
                if not self._open.is_set():
                    now, data = data[: self._left], data[self._left :]
                    self._left -= len(now)
                    sink.sendall(now)
                    if data:
                        self.holding.set()
                        self._open.wait()
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
