"""One life of the system: its actors take turns until nothing is left to do. A recovery is another one."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from booking.orchestrator import control, store
from tests.crash import clock
from tests.crash.actors import Bus, Mailer, Reconciler, Sweep, Worker
from tests.crash.doors import DOORS
from tests.crash.forks import Notes
from tests.crash.outside import OUTSIDE
from tests.crash.stories import Story
from tests.crash.traveller import Traveller, Trip

LONGEST: Final = 600
"""Turns: far more than any story needs, far fewer than for ever."""
PATIENCE: Final = timedelta(seconds=61)
"""After which a client asks again whose request is being worked on by a process that died."""
LATE: Final = timedelta(seconds=20)
"""After which a late effect lands: within what the partners promise (PARTNER_QUIET_SECONDS)."""
REST: Final = timedelta(seconds=120)
"""After which a flow's end is no longer young: the longest lease and quiet period, and more."""
RETRIES: Final = 3
"""How often the operator lets a parked saga try again, once nothing goes wrong any more."""
BACKENDS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


class NeverQuiet(Exception):
    """The system did not come to rest: it is not live."""


class Life:
    """The actors of one story, in one process."""

    def __init__(self, story: Story, trip: Trip, notes: Notes, *, later: bool) -> None:
        """Start every actor; `later` for a recovery."""
        self._story = story
        self._trip = trip
        self.traveller = Traveller(story, trip, notes, later=later)
        self.worker = Worker()
        self._sweep = Sweep()
        self._bus = Bus()
        self._mailer = Mailer()
        self._reconciler = Reconciler()
        self._audited = not story.audited
        self.retried = 0

    def live(self) -> None:
        """Take turns until two sweeps in a row find nothing and nothing is to come.

        Raises:
            NeverQuiet: that did not happen.
        """
        quiet = 0
        for _ in range(LONGEST):
            if DOORS.woken:
                return
            if self._turn() or self._time_passes() or self._heals():
                quiet = 0
            else:
                quiet += 1
            if quiet == 2:
                return
        raise NeverQuiet(f"still busy after {LONGEST} turns")

    def _turn(self) -> bool:
        with DOORS.aside():
            clock.tick()
        return (
            self.traveller.step()
            or self._works()
            or (self._story.bus and (self._bus.step() or self._mailer.step()))
            or self._sweep.step()
            or self._audits()
        )

    def _works(self) -> bool:
        done = self.worker.step()
        self.traveller.messages += done
        return done

    def _audits(self) -> bool:
        """Once the flow is over and long at rest: what was to land much later lands, and is looked for."""
        if self._audited:
            return False
        with DOORS.aside():
            saga = store.latest_saga_of(self._trip.reservation_id)
            if saga is None or saga.finished_at is None:
                return False
            OUTSIDE[0].land()
            clock.advance(to=max(store.now(), saga.finished_at + REST))
        self._audited = self._reconciler.step(self._trip.reservation_id, since=self._trip.began_at)
        return self._audited

    def _time_passes(self) -> bool:
        """Let time pass until something is due, or until a client asks again."""
        with DOORS.aside():
            due_at = clock.next_due(self._trip.reservation_id)
            if self.traveller.unanswered:
                due_at = store.now() + PATIENCE
            self._lands(due_at)
            if due_at is not None:
                clock.advance(to=max(due_at, store.now()))
            return due_at is not None or (self._story.bus and clock.later_elsewhere())

    def _lands(self, next_at: datetime | None) -> None:
        """Let what is late land before more time passes than it takes, or at the end."""
        late = any("late-effect" in leg for leg in self._story.legs)
        if late and (next_at is None or next_at >= self._trip.began_at + LATE):
            OUTSIDE[0].land()

    def _heals(self) -> bool:
        """Once all is quiet the world is repaired, and an operator lets a parked saga try again."""
        if not self.traveller.later:
            self.traveller.later = True
            return True
        DOORS.heal()
        with DOORS.aside():
            saga = store.latest_saga_of(self._trip.reservation_id)
            if saga is None or saga.attention_reason is None or self.retried == RETRIES:
                return False
            self.retried += 1
            control.retry(saga_id=saga.id, actor="harness", reason="the world is repaired")
        return True


def wait_for_the_dead() -> None:
    """Wait until PostgreSQL has noticed that the killed process is gone."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(BACKENDS)
            [others] = cursor.fetchone()
        if not others:
            return
