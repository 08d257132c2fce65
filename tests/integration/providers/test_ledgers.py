"""The partners' ledgers beside our books, and one stray order cancelled alone; judged by the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import legs
import pytest

from eventbus.testing import capture
from outbound import http
from outbound.call import Call
from providers import services as providers
from providers.events import LegCancelled
from providers.gateways.network import KeyedGateway
from providers.models import Order, Partner
from sandbox.server import Server

pytestmark = pytest.mark.django_db
BOOK, STRAY = providers.Book(), providers.CancelStray()
LISTING = {"skyways", "restwell", "wheelio", "budgetair"}
ALL = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


def booked(partner: str) -> Call:
    """Book a leg, keep it, and return the call."""
    call = legs.a_call(legs.an_offer(partner))
    BOOK.record(BOOK.call(BOOK.prepare(call), call), call)
    return call


def listed(call: Call, **window: Any) -> list[providers.OrderAtPartner]:
    """Return what the partners list of the reservation of a call."""
    ledgers = providers.list_partner_orders(**{**ALL, **window}, seconds=20)
    assert ledgers.silent == {}
    return [order for order in ledgers.orders if order.reservation_id == call.subject_id]


def looked_up(call: Call, *entries: providers.OrderAtPartner) -> list[providers.OrderAtPartner]:
    """Return what stands of the reservation of a call when every order is asked about alone."""
    books = providers.orders_in_books(reservation_ids=[call.subject_id])
    return providers.look_up_orders(books=books, listed=entries, seconds=20).orders


@pytest.mark.parametrize("partner", ["skyways", "budgetair"])
def test_a_partner_lists_what_was_booked_by_our_reference(partners: Server, partner: str) -> None:
    call = booked(partner)

    [order] = listed(call)

    [ours] = providers.orders_in_books(reservation_ids=[call.subject_id])
    assert (order.partner, order.handle, order.item_id) == (partner, call.key, UUID(call.item))
    assert (order.order_id, order.amount, order.currency) == (
        ours.order_id,
        ours.amount,
        ours.currency,
    )
    assert order.standing


def test_an_order_outside_the_window_is_not_listed(partners: Server) -> None:
    call = booked("skyways")

    assert listed(call, until=datetime.now(UTC) - timedelta(hours=1)) == []
    assert listed(call, since=datetime.now(UTC) + timedelta(hours=1)) == []


def test_a_ledger_is_read_page_by_page(partners: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [booked("skyways") for _ in range(3)]
    real, pages = KeyedGateway.list_orders, []

    def list_orders(self: KeyedGateway, **wanted: Any) -> Any:
        page = real(self, **wanted)
        pages.append(len(page.orders))
        return page

    monkeypatch.setattr("sandbox.partner_api.LARGEST_PAGE", 2)
    monkeypatch.setattr(KeyedGateway, "list_orders", list_orders)
    ledgers = providers.list_partner_orders(**ALL, seconds=20)

    found = {order.reservation_id for order in ledgers.orders}
    assert {call.subject_id for call in calls} <= found
    assert max(pages) == 2


def test_who_does_not_answer_is_named_and_not_taken_for_empty(
    partners: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = booked("skyways")
    real = KeyedGateway.list_orders

    def list_orders(self: KeyedGateway, *, partner: Any, **wanted: Any) -> Any:
        if partner.slug == "skyways":
            raise http.DeadlineExceeded("GET")
        return real(self, partner=partner, **wanted)

    monkeypatch.setattr(KeyedGateway, "list_orders", list_orders)
    ledgers = providers.list_partner_orders(**ALL, seconds=20)

    answered = Partner.objects.filter(pk__in=ledgers.complete).values_list("slug", flat=True)
    assert set(answered) == LISTING - {"skyways"}
    assert list(ledgers.silent) == ["skyways"]
    assert call.subject_id not in {order.reservation_id for order in ledgers.orders}


def test_a_partner_that_cannot_list_is_asked_about_what_changed(partners: Server) -> None:
    here, there = booked("oldinn"), booked("skyways")

    unlisted = providers.unlisted_reservations(**ALL)

    assert here.subject_id in unlisted
    assert there.subject_id not in unlisted
    assert listed(here) == []
    assert [order.partner for order in looked_up(here)] == ["oldinn"]


def test_every_order_of_a_reference_is_found_where_keys_are_unknown(partners: Server) -> None:
    call = booked("oldinn")
    BOOK.call(BOOK.prepare(call), call)

    found = looked_up(call)

    assert len({order.order_id for order in found}) == 2
    assert {order.item_id for order in found} == {UUID(call.item)}


def test_a_listed_order_that_we_do_not_know_is_looked_up_too(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("budgetair"))
    BOOK.call(BOOK.prepare(call), call)

    [order] = listed(call)

    assert looked_up(call) == []
    assert [found.order_id for found in looked_up(call, order)] == [order.order_id]


def test_a_foreign_reference_belongs_to_no_reservation(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("budgetair"))
    request = BOOK.prepare(call)
    object.__setattr__(request, "reference", f"walk-in {uuid4()}")
    BOOK.call(request, call)

    ledgers = providers.list_partner_orders(**ALL, seconds=20)

    [foreign] = [order for order in ledgers.orders if order.reference == request.reference]
    assert (foreign.reservation_id, foreign.item_id) == (None, None)


def taking(order: providers.OrderAtPartner, call: Call) -> Call:
    """Return the call that cancels an order of a ledger."""
    given = {
        "provider_id": str(order.provider_id),
        "handle": order.handle,
        "order_id": order.order_id,
        "item_id": str(order.item_id),
        "amount": str(order.amount),
        "currency": order.currency,
    }
    return Call(**{**call.__dict__, "key": f"key-{uuid4()}", "given": given})


def cancel(order: providers.OrderAtPartner, call: Call) -> str:
    """Cancel an order of a ledger twice, as a retry would; return what came of it."""
    taken = taking(order, call)
    for _ in range(2):
        answer = STRAY.call(STRAY.prepare(taken), taken)
        STRAY.record(answer, taken)
    return answer.outcome


@pytest.mark.parametrize("partner", ["skyways", "budgetair", "oldinn"])
def test_an_order_that_was_told_is_cancelled_and_that_is_told_once(
    partners: Server, partner: str
) -> None:
    call = booked(partner)
    [order] = looked_up(call)

    with capture() as published:
        assert cancel(order, call) == "cancelled"

    assert legs.ledger(partners, call) == ["cancelled"]
    assert Order.objects.get(key=call.key).status == "cancelled"
    published.assert_published(LegCancelled, item_id=UUID(call.item))


def test_of_two_orders_for_a_leg_the_stray_goes_and_the_other_stands(partners: Server) -> None:
    call = booked("oldinn")
    BOOK.call(BOOK.prepare(call), call)
    kept = Order.objects.get(key=call.key)
    [stray] = [o for o in looked_up(call) if o.order_id != kept.partner_reference]

    with capture() as published:
        cancel(stray, call)

    assert sorted(legs.ledger(partners, call)) == ["cancelled", "confirmed"]
    assert [order.order_id for order in looked_up(call)] == [kept.partner_reference]
    assert Order.objects.get(pk=kept.pk).status == "booked"
    assert Order.objects.get(partner_reference=stray.order_id).status == "cancelled"
    assert published.of(LegCancelled) == []


def test_an_order_that_lands_after_it_was_cancelled_is_noted_and_not_told_again(
    partners: Server,
) -> None:
    call = legs.a_call(legs.an_offer("budgetair", "books-much-later"))
    request = BOOK.prepare(call)
    with pytest.raises(Exception, match="500"):
        BOOK.call(request, call)
    back = legs.taking_back(call, request)
    providers.Cancel().record(providers.Cancel().call(providers.Cancel().prepare(back), back), back)
    httpx.post(f"{partners.url}/control/land").raise_for_status()
    [order] = looked_up(call)

    with capture() as published:
        cancel(order, call)

    row = Order.objects.get(key=call.key)
    assert legs.ledger(partners, call) == ["cancelled"]
    assert (row.status, row.partner_reference) == ("cancelled", order.order_id)
    assert published.of(LegCancelled) == []


def test_a_partner_that_refuses_lets_the_order_stand(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("restwell", "cancel-refused"))
    BOOK.record(BOOK.call(BOOK.prepare(call), call), call)
    [order] = looked_up(call)
    taken = taking(order, call)

    with pytest.raises(providers.CancelRefused):
        STRAY.call(STRAY.prepare(taken), taken)

    assert legs.ledger(partners, call) == ["confirmed"]
