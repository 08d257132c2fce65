"""Play a case: forked lives of the system, each but the last killed on its way; then judge what is left."""

import random
from collections.abc import Callable
from functools import partial
from uuid import UUID

from providers import breakers, partners
from tests.crash import clock, forks, judge, life, mutants, poison, traveller
from tests.crash.doors import DOORS
from tests.crash.faults import Case, Fault, Outcome
from tests.crash.forks import Notes, Told
from tests.crash.stories import BY_NAME
from tests.crash.traveller import Supplies, Trip


def play(case: Case, supplies: Supplies) -> tuple[Outcome, UUID | None]:
    """Play a case to its end; return what came of it, and of which reservation it was."""
    outcome = Outcome(str(case), case.mode)
    trip: Trip | None = None
    # What changes the code itself is undone by ending.
    lasting = not (case.mutant or BY_NAME[case.story].poison or case.faults[0].what == "sleep")
    # A life that ends by itself is the last one; after a kill there is always another.
    mortal = case.faults[-1].what in {"kill", "sleep"}
    lives = [*case.faults, Fault()] if mortal else case.faults
    for number, fault in enumerate(lives):
        how = lives[number - 1].how if number else ""
        told = forks.run(
            partial(live, case, trip, supplies, fault, how),
            again=lasting and number == 0,
            stay=lasting and fault.what == "none",
        )
        trip = told.last("trip", trip)
        outcome.died_at += [label for topic, label in told.said if topic in {"died", "asleep"}]
        if told.asleep:
            _sleep(told, partial(live, case, trip, supplies, Fault(), how))
        elif not told.killed or told.hung:
            _read(told, outcome)
            break
    return outcome, trip.reservation_id if trip else None


def _sleep(sleeper: Told, others: Callable[[Notes], None]) -> None:
    """Let the others recover from a process's silence while it sleeps; then it wakes up and goes on."""
    forks.run(others)
    forks.wake(sleeper)


def _read(told: Told, outcome: Outcome) -> None:
    outcome.violations = told.last("violations", ["it ended without a judgement"])
    outcome.crossed, outcome.counted = told.last("crossed", ([], {}))
    outcome.struck = told.last("struck", False)
    outcome.status, outcome.parked = told.last("status", ("", 0))
    outcome.calls = told.last("calls", [])
    if told.hung:
        outcome.violations = ["it hung"]
    if error := told.last("error"):
        outcome.violations = [error]


def live(
    case: Case,
    trip: Trip | None,
    supplies: Supplies,
    fault: Fault,
    broker: str,
    notes: Notes,
) -> None:
    """Live once: from the beginning, or (with a trip, in a fresh process) after a crash."""
    random.seed(0)
    DOORS.reset()
    breakers.forget()
    partners.forget()
    story = BY_NAME[case.story]
    if case.mutant:
        mutants.BY_NAME[case.mutant].apply()
    recovering = trip is not None
    if trip is None:
        clock.start()
        trip = traveller.begin(story, supplies)
        notes.say("trip", trip)
    else:
        life.wait_for_the_dead()
    if story.poison:
        poison.spoil()
    here = life.Life(story, trip, notes, later=recovering)
    if broker == "flushed":
        here.worker.lose_everything()
    elif broker == "kept":
        here.worker.redeliver()
    DOORS.messages = story.messages
    last_words = "asleep" if fault.what == "sleep" else "died"
    DOORS.watch(fault, last_words=partial(notes.say, last_words))
    here.live()
    if DOORS.woken:
        return
    notes.say("struck", DOORS.struck or fault.what in {"none", "messages"})
    notes.say("crossed", (DOORS.crossed, dict(DOORS.counted)))
    DOORS.open = False
    verdict = judge.violations(story, trip, here)
    notes.say("status", (verdict.status, here.retried))
    notes.say("calls", verdict.calls)
    notes.say("violations", verdict.broken)
