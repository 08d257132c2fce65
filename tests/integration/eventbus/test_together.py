"""Rows and events travel with the last statement of their transaction, or are written in an ordinary one."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from eventbus import together
from eventbus.models import OutboxEntry
from eventbus.publish import publish
from payments.domain import PaymentStatus
from payments.events import PaymentVoided
from payments.models import Payment, Refund

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = timezone.now() - timedelta(hours=1)


def payment(**fields: Any) -> Payment:
    values: dict[str, Any] = {
        "reservation_id": uuid4(), "account_id": uuid4(), "amount": Decimal("10.00"), "currency": "EUR",
        "method": "pm_card_visa", "gateway_payment_id": uuid4().hex, "status": "ready", "created_at": MOMENT,
    }  # fmt: skip
    return Payment(**values | fields)


@pytest.fixture
def stored() -> Payment:
    row = payment()
    row.save()
    return Payment.objects.get()


def void(row: Payment) -> PaymentVoided:
    return PaymentVoided(reservation_id=row.reservation_id, payment_id=row.id)


@contextmanager
def sent() -> Iterator[list[str]]:
    """Collect the first words of what is sent to PostgreSQL, and where a transaction began."""
    lines: list[str] = []
    send = CursorWrapper._execute

    def noted(cursor: CursorWrapper, sql: str, *rest: Any) -> Any:
        before = connection.connection.pgconn.transaction_status
        answer = send(cursor, sql, *rest)
        begun = before != connection.connection.pgconn.transaction_status
        lines.extend(["BEGIN", sql.split()[0]] if begun else [sql.split()[0]])
        return answer

    with patch.object(CursorWrapper, "_execute", noted):
        yield lines


class Changed(Exception):
    """The block is left by an error after everything was done."""


def change(row: Payment, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    together.write(row)


def write_what_waits(batch: together.Together) -> list[str]:
    """Have the last word; return the tables that were written."""
    rows = batch.take()
    with connection.cursor() as cursor:
        for kind, found in rows.items():
            cursor.execute(kind.sql(), [kind.parameter(found)])
    return [kind.table for kind in rows]


def in_vain(within: Callable[[], Any], *changes: Callable[[], object]) -> None:
    """Do everything, see what is there, and go back."""
    with within():
        for make in changes:
            make()
        raise Changed(Payment.objects.get().status)


def test_what_is_read_and_then_written_needs_no_transaction_of_its_own(stored: Payment) -> None:
    seen: list[str] = []

    with sent() as lines, together.transaction() as batch:
        row = Payment.objects.get()
        change(row, status="voided")
        publish(void(row))
        batch.lead(lambda: seen.extend(write_what_waits(batch)))
        assert lines == ["SELECT"]

    assert lines == ["SELECT", "UPDATE", "INSERT"]
    assert seen == ["payments_payment", "eventbus_outbox"]
    assert Payment.objects.get().status == "voided"
    assert OutboxEntry.objects.get().key == str(stored.reservation_id)


def test_several_statements_without_a_last_word_are_one_transaction(stored: Payment) -> None:
    with sent() as lines, together.transaction():
        change(stored, status="voided")
        publish(void(stored))

    assert lines == ["BEGIN", "UPDATE", "INSERT"]


@pytest.mark.parametrize(
    "cannot_wait",
    [
        lambda: Payment.objects.select_for_update().get(),
        lambda: Payment.objects.filter(amount=1).update(method="pm_x"),
        lambda: transaction.savepoint(),
    ],
    ids=["a lock", "an update", "a savepoint"],
)
def test_what_cannot_wait_begins_an_ordinary_transaction(
    stored: Payment, cannot_wait: Callable[[], object]
) -> None:
    with sent() as lines, pytest.raises(Changed, match="voided"):
        in_vain(together.transaction, cannot_wait, lambda: change(stored, status="voided"))

    assert lines[0] == "BEGIN"
    assert Payment.objects.get().status == "ready"


def test_the_last_word_comes_before_what_cannot_wait(stored: Payment) -> None:
    words: list[str] = []
    with sent() as lines, together.transaction() as batch:
        batch.lead(lambda: words.append("first"))
        assert Payment.objects.count() == 1
        assert words == []
        Payment.objects.update(status="voided")
        assert words == ["first"]

    assert words == ["first"]
    assert lines == ["SELECT", "BEGIN", "UPDATE"]


def test_who_reads_what_waits_sees_it_and_can_still_go_back(stored: Payment) -> None:
    with pytest.raises(Changed, match="voided"):
        in_vain(together.transaction, lambda: change(stored, status="voided"))

    assert Payment.objects.get().status == "ready"


def test_a_row_can_be_changed_twice(stored: Payment) -> None:
    with together.transaction():
        change(stored, status="authorised", authorised_amount=Decimal("10.00"))
        change(stored, status="voided")

    row = Payment.objects.get()
    assert (row.status, row.authorised_amount, row.version) == ("voided", Decimal("10.00"), 3)
    assert stored.version == 3


@pytest.mark.parametrize("within", [together.transaction, transaction.atomic])
def test_a_row_that_somebody_has_changed_since_is_not_written(
    stored: Payment, within: Callable[[], Any]
) -> None:
    other = Payment.objects.get()
    other.status = "authorising"
    other.save()

    def too_late() -> None:
        with within():
            publish(void(stored))
            change(stored, status="voided")

    with pytest.raises(together.Overtaken, match=str(stored.id)):
        too_late()

    assert (Payment.objects.get().status, Payment.objects.get().version) == ("authorising", 2)
    assert not OutboxEntry.objects.exists()


def test_new_rows_of_a_kind_are_written_by_one_statement(stored: Payment) -> None:
    with sent() as lines, together.transaction():
        for number in (1, 2):
            key = f"key {number}"
            row = Refund(
                payment=stored, key=key, gateway_refund_id=key, amount=1, created_at=MOMENT
            )
            together.write(row)

    assert lines == ["BEGIN", "INSERT"]
    assert set(Refund.objects.values_list("payment", "key", "created_at")) == {
        (stored.id, "key 1", MOMENT), (stored.id, "key 2", MOMENT),
    }  # fmt: skip


def test_every_column_is_written_as_the_orm_does() -> None:
    fields: dict[str, Any] = {
        "id": UUID(int=7), "reservation_id": UUID(int=1), "account_id": UUID(int=2), "amount": Decimal("1.10"),
        "currency": "JPY", "method": "pm_é", "method_brand": "visa", "method_last4": "4242",
        "gateway_payment_id": "pi_1", "status": PaymentStatus.READY.value, "client_action": {"url": ["ä", None]},
        "decline_reason": "no", "authorised_amount": Decimal("0.50"), "created_at": MOMENT, "superseded_at": MOMENT,
    }  # fmt: skip
    fields["method"] = "pm_x"
    together.write(payment(**fields))
    row = Payment.objects.get()
    assert {name: getattr(row, name) for name in fields} == fields
    assert row.version == 1

    change(row, client_action=None, superseded_at=None, decline_reason="\\ 'quoted' {}")

    again = Payment.objects.get()
    assert (again.client_action, again.superseded_at) == (None, None)
    assert (again.decline_reason, again.version) == ("\\ 'quoted' {}", 2)
    assert Payment.objects.filter(client_action__isnull=True).exists()


def test_a_new_row_can_be_changed_at_once() -> None:
    with together.transaction():
        row = payment()
        together.write(row)
        change(row, status="voided")

    assert (Payment.objects.get().status, Payment.objects.get().version) == ("voided", 2)
    assert row.version == 2


def test_every_change_counts_whoever_makes_it(stored: Payment) -> None:
    Payment.objects.update(method="pm_x", version=1)
    with pytest.raises(together.Overtaken):
        change(stored, status="voided")

    assert Payment.objects.get().version == 2


def test_who_catches_what_the_database_refused_cannot_go_on(stored: Payment) -> None:
    def careless() -> None:
        with together.transaction():
            publish(void(stored))
            change(stored, amount=Decimal(-1))
            with contextlib.suppress(IntegrityError), transaction.atomic():
                Payment.objects.update(method="pm_x")
            for go_on in (Payment.objects.count, lambda: change(stored, status="voided")):
                with pytest.raises(IntegrityError, match="payment_amount_positive"):
                    go_on()

    with pytest.raises(IntegrityError, match="payment_amount_positive"):
        careless()

    assert not OutboxEntry.objects.exists()


def test_nothing_comes_after_the_statement_that_commits(stored: Payment) -> None:
    with together.transaction() as batch:
        batch.lead(lambda: write_what_waits(batch))
        change(stored, status="voided")
        batch.finish()
        for late in (Payment.objects.count, lambda: change(stored, status="ready")):
            with pytest.raises(
                RuntimeError, match=r"^the transaction has ended with its last statement$"
            ):
                late()
        with pytest.raises(
            RuntimeError, match=r"^the transaction has ended with its last statement$"
        ):
            batch.lead(lambda: None)

    assert Payment.objects.get().status == "voided"


def test_what_is_asked_with_each_of_several_calls_is_asked_once_in_a_transaction() -> None:
    asked: list[str] = []

    def read(key: str) -> int:
        asked.append(key)
        return len(asked)

    def other(key: str) -> str:
        return key.upper()

    with together.transaction():
        answers = [together.once(read, key) for key in ("a", "a", "b", "a")]
        assert together.once(other, "a") == "A"
    with together.transaction():
        answers.append(together.once(read, "a"))
    answers += [together.once(read, "a"), together.once(read, "a")]

    assert answers == [1, 1, 2, 1, 3, 4, 5]
    assert asked == ["a", "b", "a", "a", "a"]


def test_one_transaction_has_one_first_word(stored: Payment) -> None:
    with together.transaction() as batch:
        batch.lead(lambda: None)
        with pytest.raises(RuntimeError, match=r"^one transaction, one unit of work$"):
            batch.lead(lambda: None)


def test_what_the_database_refuses_is_refused_within_too(stored: Payment) -> None:
    def refused() -> None:
        with together.transaction():
            publish(void(stored))
            change(stored, amount=Decimal(-1))

    with pytest.raises(IntegrityError):
        refused()

    assert not OutboxEntry.objects.exists()
    with together.transaction():
        change(Payment.objects.get(), status="voided")
    assert Payment.objects.get().status == "voided"


def test_within_a_transaction_that_is_under_way_everything_is_part_of_it(stored: Payment) -> None:
    def change_it() -> None:
        with together.transaction():
            change(stored, status="voided")

    with pytest.raises(Changed, match="voided"):
        in_vain(transaction.atomic, change_it)

    assert Payment.objects.get().status == "ready"


def test_a_locked_row_that_is_saved_counts_as_changed(stored: Payment) -> None:
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get()
        locked.status = "voided"
        locked.save()

    assert Payment.objects.get().version == 2
    assert payment().version == 1


def test_a_row_that_was_saved_is_known_as_it_is_and_can_be_written(stored: Payment) -> None:
    row = payment()
    row.save()
    assert row.version == 1

    for version in (2, 3):
        row.save()
        assert row.version == version == Payment.objects.get(pk=row.pk).version
    change(row, status="voided")

    assert Payment.objects.get(pk=row.pk).status == "voided"


def test_a_row_is_saved_as_it_was_asked_for(stored: Payment) -> None:
    stored.status, stored.method = "voided", "pm_x"
    stored.save(update_fields=["status"])

    assert (Payment.objects.get().status, Payment.objects.get().method) == (
        "voided",
        "pm_card_visa",
    )
    with pytest.raises(IntegrityError, match="payments_payment_pkey"):
        stored.save(force_insert=True)


def test_the_last_word_comes_first_in_a_transaction_that_is_under_way(stored: Payment) -> None:
    words: list[str] = []
    with transaction.atomic(), together.transaction() as batch:
        batch.lead(lambda: words.append("first"))
        assert Payment.objects.count() == 1
        assert words == []
        Payment.objects.update(status="voided")
        assert words == ["first"]


def test_who_watches_as_well_hears_all_there_is_to_hear(stored: Payment) -> None:
    heard: list[tuple[bool, set[str]]] = []

    def listen(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        heard.append((many, set(context)))
        return execute(sql, params, many, context)

    with together.transaction(), connection.execute_wrapper(listen):
        Payment.objects.count()

    assert heard == [(False, {"connection", "cursor"})]
