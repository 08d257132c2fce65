"""Apply what `decide` says: the only way a saga moves, whoever asks (Celery, sweeper, webhook, CLI).

A transaction records at most one effect. The network is called between transactions, never inside.
Every transaction ends with one fenced statement (`Work.save`): who was overtaken reads again.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection

from booking.orchestrator import calls, moves, operations, record, store
from booking.orchestrator.decide import (
    Annul,
    Close,
    Decision,
    Enter,
    GiveUp,
    Nothing,
    Park,
    Run,
    Sleep,
)
from booking.orchestrator.shape import Direction, SagaState, StepRow
from booking.orchestrator.work import Work
from eventbus import together
from outbound.call import Refusal

logger = logging.getLogger(__name__)

RECORD_PAUSES: Final = (0.0, 0.1, 1.0, 4.0)
"""Seconds before each try to record an answer, while the lease lasts: PostgreSQL restarts in less."""


READINGS: Final = 100
"""Workers do not meet so often at one saga: more is a row that never is as it was read."""


class Progress(StrEnum):
    """What became of one link's message."""

    PASSED = "passed"  # this link is done: the chain goes on
    STOPPED = "stopped"  # nothing to do now: the chain ends, the sweeper resumes
    TURNED = "turned"  # the saga turned back: dispatch the chain of compensations


class _Trouble(Exception):
    """A local step or a preparation failed; its transaction is rolled back before this is recorded."""

    def __init__(self, call: StepRow, error: Exception, *refusals: type[Exception]) -> None:
        super().__init__(str(error))
        self.call = call
        self.error = error
        self.refused = isinstance(error, refusals)


_NO_TROUBLE: Final = (_Trouble, operations.CodeMissing, together.Overtaken)


@contextmanager
def _trouble(call: StepRow, *refusals: type[Exception]) -> Iterator[None]:
    """Tell trouble of a service from what no retry of its call would mend."""
    try:
        yield
    except Exception as error:
        if store.is_away(error) or isinstance(error, _NO_TROUBLE):
            raise
        raise _Trouble(call, error, *refusals) from error


def advance(
    saga_id: UUID, *, link: str | None = None, direction: Direction | None = None
) -> Progress:
    """Take a saga as far as it goes now: within `link`, or (None) through all of them.

    Trouble with the database is raised: nothing was recorded, the sweeper comes back. Any other
    error that is not an outcome of a call parks the saga, where a person sees it.

    Raises:
        SagaNotFound: no such saga.
    """
    try:
        return Worker(saga_id, link).advance(direction)
    except Exception as error:
        if store.is_away(error) or isinstance(error, store.SagaNotFound):
            raise
        logger.exception("saga %s parked", saga_id)
        moves.park(saga_id, f"{type(error).__name__}: {error}")
        return Progress.STOPPED


class Worker:
    """One worker at one saga, within one link or (None) all of them."""

    def __init__(self, saga_id: UUID, link: str | None = None) -> None:
        """Read the saga.

        Raises:
            SagaNotFound: no such saga.
        """
        self.work = store.read(saga_id)
        self.link = link
        self.came = self.work.saga.direction
        self.readings = 1

    def advance(self, direction: Direction | None = None) -> Progress:
        """Take turns until there is nothing to do; a message for another `direction` comes too late."""
        if direction is not None and direction is not self.came:
            return Progress.STOPPED
        while not isinstance(turn := self.turn(), Progress):
            for claim, outcome in calls.make(turn):
                self.record(claim, outcome)
        return turn

    def turn(self) -> Progress | Sequence[calls.Claim]:
        """Decide and apply, in one transaction at most; return the calls that are to be made now."""
        try:
            return self._apply(moves.next_of(self.work))
        except together.Overtaken:
            self._read_again()
        except _Trouble as trouble:
            self._record_trouble(trouble)
        return ()

    def _read_again(self) -> None:
        self.readings += 1
        if self.readings > READINGS:
            raise RuntimeError(f"overtaken {READINGS} times")
        self.work = store.read(self.work.saga.id)

    @contextmanager
    def _transaction(self) -> Iterator[Work]:
        """One transaction: what the block changes is written at its end, with whatever follows from it."""
        with together.transaction(), operations.circumstances(self.work):
            yield self.work
            moves.save(self.work)

    def _apply(self, decision: Decision) -> Progress | Sequence[calls.Claim]:
        match decision:
            case Run():
                return self._run(decision)
            case Enter(SagaState.PIVOTING):
                moves.go_on(
                    self.work, decision
                )  # written with the claim that follows, or not at all
                return ()
            case Enter() | Annul() | GiveUp():
                with self._transaction() as work:
                    moves.go_on(work, decision)
                return ()
            case Close(state):
                with self._transaction() as work:
                    moves.close(work, state)
            case Park():
                with self._transaction():
                    pass
            case Sleep(until) if until != self.work.saga.due_at:
                with self._transaction():
                    pass
        return Progress.STOPPED

    def _run(self, decision: Run) -> Progress | Sequence[calls.Claim]:
        if self.link is not None and self.work.saga.direction is not self.came:
            return Progress.TURNED
        if self.link is not None and decision.link != self.link:
            return Progress.PASSED if self._is_ahead(decision.link) else Progress.STOPPED
        first = decision.rows[0]
        step = operations.step_of(self.work, first)
        operation = operations.operation_of(step, first.direction)
        if not hasattr(operation, "apply"):
            return self._claim(decision.rows)
        if self.work.changed:  # a local pivot: to enter it and to pass it are two moves
            with self._transaction():
                return ()
        self._run_local(first, operation, operations.refusals_of(step, first.direction))
        return ()

    def _is_ahead(self, link: str) -> bool:
        """Whether a link comes after the message's, in the saga's direction."""
        order = self.work.shape.links
        if self.link not in order:
            return False  # a message of a flow that this saga does not run: it moves nothing
        ahead = order.index(link) - order.index(self.link)
        return ahead > 0 if self.came is Direction.FORWARD else ahead < 0

    def _run_local(
        self, call: StepRow, operation: type, refusals: tuple[type[Exception], ...]
    ) -> None:
        """Do a local step: effect and record in this one transaction."""
        with _trouble(call, *refusals), self._transaction() as work:
            answer = operation().apply(operations.call_value(work, call))
            record.done(work, call, answer, tries=call.tries + 1)

    def _claim(self, due: Sequence[StepRow]) -> list[calls.Claim]:
        """Lease all due calls of a step in one transaction; a refusal before sending sends none of them.

        A call whose other side is to be left alone is put off: no try is counted.
        """
        claims = []
        # What the database refuses of what they write is trouble of the first.
        with _trouble(due[0]), self._transaction() as work:
            for call in due:
                with _trouble(call, Refusal):
                    if pause := operations.pause_of(work, call):
                        record.postponed(work, call, pause)
                    else:
                        claims.append(operations.prepare(work, call))
        return claims

    def record(self, claim: calls.Claim, outcome: calls.Outcome) -> None:
        """Record an outcome, also when the database is away for a moment: an answer in hand is not thrown away.

        One that cannot be recorded is unknown: probed, and in the end seen by a person.
        """
        for pause in RECORD_PAUSES:
            time.sleep(pause)
            try:
                if pause:
                    self._read_again()
                self._record(claim, outcome)
                return
            except Exception as error:
                in_vain = pause == RECORD_PAUSES[-1] or time.monotonic() > claim.leased_until
                if in_vain or not store.is_away(error):
                    raise
                logger.warning("%s is to be recorded again: %s", claim.call.key, error)
                connection.close()

    def _record(self, claim: calls.Claim, outcome: calls.Outcome) -> None:
        while record.is_awaited(self.work, claim):
            try:
                with self._transaction() as work:
                    record.record(work, claim, outcome)
                return
            except together.Overtaken:
                self._read_again()
            except Exception as error:
                if store.is_away(error) or isinstance(outcome, calls.Failed):
                    raise
                logger.exception("%s could not be recorded", claim.call.key)
                error_text = f"recording failed: {type(error).__name__}: {error}"
                outcome = calls.Failed(error_text, ours=True)
                self._read_again()
        logger.warning("fenced: %s answered after it was claimed again", claim.call.key)

    def _record_trouble(self, trouble: _Trouble) -> None:
        """Record the refusal or failure of a local step (or of a preparation) that was rolled back."""
        self._read_again()
        call = self.work.calls[trouble.call.id]
        if (call.epoch, call.state) != (trouble.call.epoch, trouble.call.state):
            return
        back = call.direction is Direction.COMPENSATE
        turned = back is not (self.work.saga.direction is Direction.COMPENSATE)
        if turned or moves.next_of(self.work) == Nothing():
            return  # meanwhile the saga was turned back, or is over
        try:
            with self._transaction() as work:
                if trouble.refused:
                    record.refused(work, call, refusal=trouble.error)
                else:
                    error = f"{type(trouble.error).__name__}: {trouble.error}"
                    again = isinstance(trouble.error, operations.step_of(work, call).retry.on)
                    tries = call.tries + 1
                    record.failed(work, call, error=error, sent=False, again=again, tries=tries)
        except together.Overtaken:
            self._read_again()  # it will be tried, and fail, again
