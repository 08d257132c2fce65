"""A flow that wants to span two contexts: what goes wrong either way, and that the redrawn boundary holds."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from booking.orchestrator import plan
from booking.orchestrator.testing import (
    called,
    compensated,
    crash,
    given,
    never_called,
    refuse,
    unreachable,
    waits,
)
from outbound.call import Call
from tests.howto import following

PAGE = following.ROOT / "docs" / "how-to" / "redraw-the-boundary.md"
LEGS = ["flight", "hotel"]


@pytest.fixture
def examples() -> Iterator[tuple[ModuleType, ModuleType]]:
    """Both flows, which no other test must find among the flows of the project."""
    before = dict(plan.REGISTRY)
    yield import_module("examples.redraw.spanning"), import_module("examples.redraw.redrawn")
    plan.REGISTRY.clear()
    plan.REGISTRY.update(before)


class TestSpanning:
    """Booking's flow asks Loyalty."""

    def test_no_trip_is_booked_while_loyalty_is_down(self, examples) -> None:
        spanning, _ = examples

        given(spanning.ASK_LOYALTY, items=LEGS).when(unreachable("approve")).then(
            compensated("hold"), never_called("book", "capture"), state="failed"
        )

    def test_a_loyalty_that_answers_by_an_event_keeps_the_traveller_waiting_to_the_end(
        self, examples
    ) -> None:
        spanning, _ = examples

        ending = (
            given(spanning.ASK_LOYALTY, items=LEGS)
            .when(waits("approve"))
            .then(compensated("hold"), never_called("book"), state="failed")
        )

        assert ending.seconds >= 600

    def test_an_import_from_booking_to_loyalty_breaks_a_contract(self, tmp_path: Path) -> None:
        copy = following.copied(tmp_path)
        for block in following.blocks(PAGE):
            if block.path and block.kind != "sh":
                copy.apply(block)

        done = subprocess.run(
            [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 1
        assert "Booking does not know that Loyalty exists BROKEN" in done.stdout
        assert "booking.confirmation -> loyalty.events" in done.stdout


class TestRedrawn:
    """What has to be decided is a service of Booking; the rest listens."""

    def test_a_trip_is_booked_whoever_else_is_down(self, examples) -> None:
        _, redrawn = examples

        given(redrawn.PAY_WITH_POINTS, items=LEGS).then(
            called("hold", "redeem", "authorise", "book", "capture", "confirm"), state="completed"
        )

    def test_too_few_points_are_a_refusal_like_any_other(self, examples) -> None:
        _, redrawn = examples

        given(redrawn.PAY_WITH_POINTS, items=LEGS).when(refuse("redeem")).then(
            compensated("hold"), never_called("authorise"), state="failed"
        )

    def test_a_refused_hotel_gives_the_points_back_whatever_dies_meanwhile(self, examples) -> None:
        _, redrawn = examples

        given(redrawn.PAY_WITH_POINTS, items=LEGS).when(
            refuse("book", item="hotel"), crash("authorise", "after-call")
        ).then(compensated("book", "authorise", "redeem", "hold"), state="failed")

    def test_points_are_set_aside_once_and_given_back_once(self, examples) -> None:
        _, redrawn = examples
        trip = uuid.uuid4()
        redrawn.POINTS.balance[trip] = 100
        call = Call(
            saga_id=trip, subject_id=trip, step="redeem", key="k", now=None, given={"points": 60}
        )

        for operation in (redrawn.Redeem(), redrawn.Redeem(), redrawn.Return(), redrawn.Return()):
            operation.apply(call)

        assert redrawn.POINTS.balance[trip] == 100

    def test_more_points_than_there_are_cannot_be_spent(self, examples) -> None:
        _, redrawn = examples
        trip = uuid.uuid4()
        call = Call(
            saga_id=trip, subject_id=trip, step="redeem", key="k", now=None, given={"points": 60}
        )

        with pytest.raises(redrawn.NotEnoughPoints):
            redrawn.Redeem().apply(call)
