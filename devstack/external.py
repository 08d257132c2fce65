"""A server that somebody else runs."""

from typing import NoReturn

from devstack.errors import CannotStartError
from devstack.postgres import Mode


class External:
    """A server that was running before and is not ours to start, stop or kill."""

    def __init__(self, *, url: str, variable: str) -> None:
        self.url = url
        self.variable = variable
        self.name = f"the server of {variable}"

    def start(self) -> None:
        """Do nothing: it is used as it is."""

    def stop(self) -> None:
        """Do nothing: it is somebody else's."""

    def kill(self) -> NoReturn:
        """Refuse."""
        self._refuse()

    def restart(self, *, mode: Mode = "fast") -> NoReturn:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CannotStartError(f"{self.name} is not ours to stop: unset {self.variable}")
