"""Ports of this machine for servers that are started by their number."""

import random
import socket

# Above those of Ray's workers and of Ray Client's servers (up to 24,000), below those that Linux gives to whoever asks
# for any (from 32,768): such a port may go to another process between the moment it was found free and its use.
_PORTS = range(24_100, 32_700)


def free_ports(count: int = 1) -> int:
    """The first of so many ports in a row at which nobody listens."""
    while True:
        first = random.choice(_PORTS)
        if all(_is_free(first + k) for k in range(count)):
            return first


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("", port)).close()
    except OSError:
        return False
    return True
