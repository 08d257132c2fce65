"""Loopback ports: a free one, or the one that was asked for."""

import errno
import random
import socket

from devstack.errors import CannotStartError

LOOPBACK = "127.0.0.1"
# Below the range from which Linux (32768) and macOS (49152) take ports of outgoing connections.
_CANDIDATES = range(20_000, 32_000)
_given_out: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nobody listens on and that was not returned before.

    Raises: CannotStartError.
    """
    for port in random.sample(_CANDIDATES, k=200):
        if port not in _given_out and not is_busy(port=port):
            _given_out.add(port)
            return port
    raise CannotStartError("no free port was found on 127.0.0.1: is the loopback interface up?")


def claim_port(*, port: int | None, owner: str, variable: str, earlier: int | None = None) -> int:
    """Return `port` if nobody listens on it; when it is None the `earlier` one or any that is free.

    Raises: CannotStartError with the port, its would-be `owner` and the `variable` that changes it.
    """
    if port is None:
        return free_port() if earlier is None or is_busy(port=earlier) else earlier
    if is_busy(port=port):
        raise CannotStartError(
            f"port {port}, wanted for {owner}, is busy: stop the program that listens on it, "
            f"or choose another port, for example {variable}={free_port()}"
        )
    return port


def is_busy(*, port: int) -> bool:
    """Tell whether `port` cannot be listened on now.

    Raises: CannotStartError for a port that this user may not use at all.
    """
    with socket.socket() as probe:
        # Servers set the same option: without it a port just left by one looks busy for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise CannotStartError(f"port {port} cannot be used: {error.strerror}") from error
    return False
