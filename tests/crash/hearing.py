"""I7 and I8 for many cases at once: deliver to CRM what they published, then judge each."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from tests.crash import actors, clock, forks, heard, life
from tests.crash.doors import DOORS
from tests.crash.forks import Notes


def judge(cases: Mapping[UUID, str], account_id: UUID) -> dict[str, list[str]]:
    """Return case -> what is wrong with what CRM heard of its reservation; "" for what is wrong with all."""
    told = forks.run(partial(_judge, cases, account_id))
    if error := told.last("error"):
        return {"": [error]}
    found: dict[str, list[str]] = told.last("found", {"": ["it ended without a judgement"]})
    return found


def _judge(cases: Mapping[UUID, str], account_id: UUID, notes: Notes) -> None:
    DOORS.reset()
    life.wait_for_the_dead()
    bus = actors.Bus()
    for _ in range(life.LONGEST):
        if not (bus.step() or clock.later_elsewhere()):
            break
    found = {
        case: [f"I8 {text}" for text in heard.differences(reservation_id)]
        for reservation_id, case in cases.items()
    }
    found[""] = [f"I8 {text}" for text in (*heard.holes(), *heard.figures(account_id))]
    notes.say("found", {case: wrong for case, wrong in found.items() if wrong})
