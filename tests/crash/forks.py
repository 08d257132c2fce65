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


Work = Callable[[Notes], None]
_waiting: Told | None = None


def run(work: Work, *, again: bool = False, stay: bool = False) -> Told:
    """Do a piece of work in a forked child; return what it said, and whether it was killed.

    One that is to `stay` waits for more when it has ended, with what it has warmed: its connections. `again`
    gives the work to it; whoever needs a fresh process (a recovery) sends it home and forks another.
    """
    global _waiting
    if again and _waiting is not None:
        told, _waiting = Told(pid=_waiting.pid, line=_waiting.line), None
        assert told.line is not None
        told.line.send((work, stay))
        return _listen(told)
    dismiss()
    ours, theirs = multiprocessing.Pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _work(work, stay, theirs)
    theirs.close()
    return _listen(Told(pid=pid, line=ours))


def dismiss() -> None:
    """Let the child that waits for more work end."""
    global _waiting
    if _waiting is not None:
        assert _waiting.line is not None
        _waiting.line.close()
        os.waitpid(_waiting.pid, 0)
        _waiting = None


def wake(told: Told) -> None:
    """Let a child that is asleep go on, to its end."""
    told.asleep = False
    os.kill(told.pid, signal.SIGCONT)
    _listen(told)


def _listen(told: Told) -> Told:
    """Hear a child out: until it ends, waits for more work, or falls asleep."""
    global _waiting
    assert told.line is not None
    try:
        while told.line.poll(LONGEST_SECONDS):
            told.said.append(told.line.recv())
            if told.said[-1][0] == "stays":
                _waiting = told
                return told
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


def _work(work: Work, stay: bool, line: Connection) -> None:
    """Work, as often as there is something to do, and leave without the parent's clean-up."""
    notes = Notes(line)
    try:
        work(notes)
        while stay:
            notes.say("stays", None)
            try:
                work, stay = line.recv()
            except EOFError:
                break
            work(notes)
    except BaseException:  # noqa: BLE001 - told to the parent, who judges
        notes.say("error", traceback.format_exc())
    finally:
        os._exit(0)
