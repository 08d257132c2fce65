"""What one unit of work writes, and what is written of a saga that cannot even be read."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone

from booking.orchestrator import control, moves, store
from booking.orchestrator.models import SagaEvent, SagaInstance
from booking.orchestrator.shape import Direction, StepRow, StepState
from booking.orchestrator.work import Work
from eventbus import together
from eventbus.together import Overtaken
from tests import toy

pytestmark = pytest.mark.django_db


@pytest.fixture
def saga() -> Iterator[SagaInstance]:
    toy.reset()
    started = control.start(toy.TOY, subject_id=uuid4())
    yield started
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('booking.clock_offset', '', false)")


def told(saga: SagaInstance) -> list[dict[str, Any]]:
    found = SagaEvent.objects.filter(saga=saga).exclude(kind="started")
    return list(found.order_by("id").values())


HISTORY = together.Kind("saga_event", ("saga_id", "kind"))
MOMENT = timezone.now() - timedelta(hours=3)
EVERYTHING: dict[str, Any] = {
    "state": StepState.CLAIMED, "attempt": 2, "tries": 3, "epoch": 4, "ambiguous": True,
    "spent": True, "key": "key 2", "due_at": MOMENT, "lease_until": MOMENT + timedelta(seconds=1),
    "wait_until": MOMENT + timedelta(seconds=2), "sent_at": MOMENT + timedelta(seconds=3),
    "idempotency": "B", "quiet_seconds": 7.5, "request": {"what": "x"}, "result": {"key": "y"},
    "action": {"url": "z"}, "reason": "no", "error": "odd",
}  # fmt: skip


def test_one_statement_writes_calls_saga_and_history(saga: SagaInstance) -> None:
    work = store.read(saga.pk)
    work.move(due_at=MOMENT, reason="because")
    changed = work.change(work.rows.of("authorise")[0], **EVERYTHING)
    added = StepRow(step="authorise", direction=Direction.COMPENSATE, key="back", given={"a": 1})
    work.add([added])
    work.change(added, tries=1)
    work.note("retried", changed, actor="olga", why="back")
    work.note("woken")

    work.save()

    saga.refresh_from_db()
    assert (saga.due_at, saga.reason, saga.epoch) == (MOMENT, "because", 1)
    again = store.read(saga.pk)
    assert again.rows.of("authorise") == [changed]
    [back] = again.rows.of("authorise", Direction.COMPENSATE)
    assert (back.key, back.given, back.tries, back.state) == ("back", {"a": 1}, 1, "pending")
    first, second = told(saga)
    assert (first["kind"], first["actor"], first["detail"]) == ("retried", "olga", {"why": "back"})
    assert (first["step"], first["direction"], first["attempt"], first["tries"]) == (
        "authorise", "forward", 2, 3,
    )  # fmt: skip
    assert (second["kind"], second["step"]) == ("woken", "")


@pytest.mark.parametrize(
    ("about", "last"),
    [
        (("book", "flight", "forward"), "unknown"),
        (("", "", ""), "unknown"),
        (("book", "hotel", "forward"), "postponed"),
        (("authorise", "flight", "forward"), "postponed"),
        (("book", "flight", "compensate"), "postponed"),
    ],
)
def test_the_last_that_was_told_of_a_call_is_of_it_or_of_its_saga(
    saga: SagaInstance, about: tuple[str, str, str], last: str
) -> None:
    work, at = store.read(saga.pk), store.now()
    [flight] = (call for call in work.rows.of("book") if call.item == "flight")
    assert work.last_told(flight) == ("started", {})
    work.note("postponed", flight, reason="away")
    work.save()
    step, item, direction = about
    SagaEvent.objects.create(
        saga=saga, at=at, kind="unknown", step=step, item=item, direction=direction
    )
    other = control.start(toy.TOY, subject_id=uuid4())
    SagaEvent.objects.create(saga=other, at=at, kind="woken")

    found = work.last_told(flight)

    assert found == (last, {"reason": "away"} if last == "postponed" else {})


def test_other_sagas_and_calls_stay_as_they_are(saga: SagaInstance) -> None:
    other = control.start(toy.TOY, subject_id=uuid4())
    before = store.read(other.pk)
    work = store.read(saga.pk)
    work.change(work.rows.of("authorise")[0], tries=5)

    work.save()

    after = store.read(other.pk)
    assert (after.saga, after.calls) == (before.saga, before.calls)
    assert [row.tries for row in store.read(saga.pk).rows.all] == [0, 5, 0, 0, 0, 0]


def test_a_save_of_nothing_raises_the_epoch_and_counts_as_a_sign_of_life(
    saga: SagaInstance,
) -> None:
    SagaInstance.objects.filter(pk=saga.pk).update(dispatches=5)
    work = store.read(saga.pk)

    work.save()

    saga.refresh_from_db()
    assert (saga.epoch, saga.dispatches, work.saga.epoch) == (1, 0, 1)


def test_what_is_saved_is_not_saved_again(saga: SagaInstance) -> None:
    done: list[str] = []
    work = store.read(saga.pk)
    work.move(reason="because")
    work.change(work.rows.of("authorise")[0], tries=5)
    work.add([StepRow(step="hold", direction=Direction.COMPENSATE, key="back")])
    work.note("woken")
    work.afterwards(lambda: done.append("effect"))
    work.save()
    assert not work.changed
    SagaInstance.objects.filter(pk=saga.pk).update(reason="another")

    work.save()

    saga.refresh_from_db()
    assert (saga.reason, saga.epoch, done, len(told(saga))) == ("another", 2, ["effect"], 1)


def test_after_a_save_the_time_is_the_databases(saga: SagaInstance) -> None:
    work = store.read(saga.pk)
    before = work.now
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('booking.clock_offset', '1 hour', false)")

    work.save()

    assert timedelta(minutes=59) < work.now - before < timedelta(minutes=61)


def test_an_added_call_that_is_changed_before_is_written_once(saga: SagaInstance) -> None:
    work = store.read(saga.pk)
    back = StepRow(step="hold", direction=Direction.COMPENSATE, key="back")
    work.add([back])
    work.change(back, error="x")

    work.save()

    [row] = store.read(saga.pk).rows.of("hold", Direction.COMPENSATE)
    assert row.error == "x"
    assert not work._changed


@pytest.fixture
def late(saga: SagaInstance) -> Work:
    """Return a unit of work that somebody has overtaken."""
    work = store.read(saga.pk)
    store.read(saga.pk).save()
    work.move(reason="late")
    return work


def test_who_is_overtaken_writes_nothing_and_lets_no_service_write(
    saga: SagaInstance, late: Work
) -> None:
    done: list[str] = []
    late.afterwards(lambda: done.append(str(SagaInstance.objects.update(reason="theirs"))))

    with pytest.raises(Overtaken, match=str(saga.pk)), transaction.atomic():
        late.save()

    saga.refresh_from_db()
    assert (saga.reason, saga.epoch, done) == ("", 1, [])


def test_trouble_of_a_service_is_not_told_by_who_is_overtaken(late: Work) -> None:
    late.afterwards(lambda: 1 // 0)

    with pytest.raises(Overtaken, match=str(late.saga.id)), together.transaction():
        late.save()


def test_trouble_of_a_service_that_has_put_rows_aside_is_not_told_either(
    saga: SagaInstance, late: Work
) -> None:
    late.afterwards(lambda: together.insert(HISTORY, {"saga_id": str(saga.pk), "kind": None}))
    late.afterwards(lambda: 1 // 0)

    with pytest.raises(Overtaken), together.transaction():
        late.save()


def test_trouble_of_a_service_is_told_though_it_has_put_aside_what_would_be_refused(
    saga: SagaInstance,
) -> None:
    work = store.read(saga.pk)
    work.afterwards(lambda: together.insert(HISTORY, {"saga_id": str(saga.pk), "kind": None}))
    work.afterwards(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError), together.transaction():
        work.save()


def test_trouble_of_the_database_is_told_and_not_looked_behind(saga: SagaInstance) -> None:
    work = store.read(saga.pk)
    work.afterwards(lambda: SagaEvent.objects.raw("SELECT 1 / 0 AS id FROM saga")[0])

    with pytest.raises(DataError), together.transaction():
        work.save()


def test_trouble_of_a_service_is_told_by_who_is_not(saga: SagaInstance) -> None:
    work = store.read(saga.pk)
    work.afterwards(lambda: 1 // 0)
    sent: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        answer = execute(sql, *rest)
        sent.append(sql.split()[0])
        return answer

    with (
        pytest.raises(ZeroDivisionError),
        together.transaction(),
        connection.execute_wrapper(note),
    ):
        work.save()

    assert sent == ["SELECT"]  # a look, and no write
    saga.refresh_from_db()
    assert saga.epoch == 0


def test_a_saga_that_cannot_be_read_is_parked_with_the_reason(saga: SagaInstance) -> None:
    other = control.start(toy.TOY, subject_id=uuid4())

    moves.park(saga.pk, "odd\x00" + "x" * 3000)

    saga.refresh_from_db()
    other.refresh_from_db()
    reason = "odd" + "x" * 1996
    assert (saga.attention_reason, saga.due_at, saga.epoch) == (reason, None, 1)
    assert (other.attention_reason, other.epoch) == (None, 0)
    [entry] = told(saga)
    assert (entry["kind"], entry["detail"]) == ("parked", {"reason": reason})
    assert abs(entry["at"] - store.now()) < timedelta(minutes=1)


def test_a_saga_that_is_over_is_not_parked(saga: SagaInstance) -> None:
    SagaInstance.objects.filter(pk=saga.pk).update(state="compensating", reason="no", epoch=1)
    SagaInstance.objects.filter(pk=saga.pk).update(
        state="failed", due_at=None, finished_at=store.now()
    )

    moves.park(saga.pk, "odd")

    saga.refresh_from_db()
    assert (saga.attention_reason, saga.epoch, told(saga)) == (None, 1, [])
