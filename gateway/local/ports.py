"""Free ports of 127.0.0.1."""

import contextlib
import socket
from collections.abc import Sequence

HOST = "127.0.0.1"


def free_ports(wanted: Sequence[int | None]) -> tuple[int, ...]:
    """A free port for each wanted one: that one when it is free, else another; all different."""
    with contextlib.ExitStack() as held:
        return tuple(_hold(held, port) for port in wanted)


def _hold(held: contextlib.ExitStack, port: int | None) -> int:
    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port or 0))
    except OSError:
        probe.bind((HOST, 0))
    return int(probe.getsockname()[1])
