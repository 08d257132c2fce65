"""The fork server: a piece of work in a child of this warmed process, which may be killed at any moment."""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

LONGEST_SECONDS: Final = 120.0


@dataclass
class Told:
    """What a child said, in order, and how it ended."""

    said: list[tuple[str, Any]] = field(default_factory=list)
    pid: int = 0
    line: Connection | None = None
    asleep: bool = False
    killed: bool = False
    hung: bool = False

    def last(self, topic: str, default: Any = None) -> Any:
        """Return what was said last about a topic."""
        return next((value for name, value in reversed(self.said) if name == topic), default)


class Notes:
    """What a child tells its parent as it goes: what was said before the kill was said."""

    def __init__(self, to: Connection) -> None:
        self._to = to

    def say(self, topic: str, value: Any) -> None:
        """Tell, at once."""
        self._to.send((topic, value))


def run(work: Callable[[Notes], None]) -> Told:
    """Do a piece of work in a forked child; return what it said, and whether it was killed."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _work(work, Notes(theirs))
    theirs.close()
    return _listen(Told(pid=pid, line=ours))


def wake(told: Told) -> None:
    """Let a child that is asleep go on, to its end."""
    told.asleep = False
    os.kill(told.pid, signal.SIGCONT)
    _listen(told)


def _listen(told: Told) -> Told:
    """Hear a child out: until it ends, or falls asleep."""
    assert told.line is not None
    try:
        while told.line.poll(LONGEST_SECONDS):
            told.said.append(told.line.recv())
            if told.said[-1][0] == "asleep":
                os.waitpid(told.pid, os.WUNTRACED)
                told.asleep = True
                return told
        told.hung = True
        os.kill(told.pid, signal.SIGKILL)
    except EOFError:
        pass
    told.line.close()
    _, status = os.waitpid(told.pid, 0)
    told.killed = os.WIFSIGNALED(status)
    return told


def _work(work: Callable[[Notes], None], notes: Notes) -> None:
    """Work, and leave without the parent's clean-up."""
    try:
        work(notes)
    except BaseException:  # noqa: BLE001 - told to the parent, who judges
        notes.say("error", traceback.format_exc())
    finally:
        os._exit(0)
