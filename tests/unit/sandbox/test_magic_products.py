"""Magic products: each row of the table does what its sentence says."""

import time

import httpx
import pytest

from sandbox import magic

REFUSED = {"sold-out": "sold_out", "refused": "refused", "offer-expires": "offer_expired"}
NO_ANSWER = httpx.TransportError


def orders(partners):
    return partners.ledger("r1")["orders"]


def wait_for_order(partners):
    deadline = time.monotonic() + 5
    while not (found := orders(partners)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(("product", "code"), REFUSED.items())
def test_a_refused_product_is_refused_again_and_again(partners, product, code):
    offer = partners.offer("skyways", product)

    answers = [partners.book(offer) for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, code)] * 2
    assert orders(partners) == []


def test_an_offer_that_expires_can_be_quoted_until_it_is_booked(partners):
    offer = partners.offer("skyways", "offer-expires")

    before = partners.quote(offer)
    partners.book(offer)
    after = partners.quote(offer)

    assert (before.status_code, after.status_code) == (200, 410)


def test_a_changed_price_is_told_quoted_and_bookable(partners):
    offer = partners.offer("skyways", "price-changed")

    refused = partners.book(offer)
    quoted = partners.quote(offer).json()
    booked = partners.book(quoted)

    assert (refused.status_code, refused.json()["code"]) == (409, "price_changed")
    assert refused.json()["amount"] == quoted["amount"]
    assert float(quoted["amount"]) > float(offer["amount"])
    assert (booked.status_code, booked.json()["amount"]) == (201, quoted["amount"])


def test_a_slow_product_is_booked_after_a_while(partners):
    began = time.monotonic()

    answer = partners.book(partners.offer("skyways", "slow"))

    assert answer.status_code == 201
    assert time.monotonic() - began >= 0.06


def test_a_slow_drip_defeats_a_time_out_per_read_and_has_booked(partners):
    offer = partners.offer("skyways", "slow-drip")
    partners.http.timeout = httpx.Timeout(0.3)
    began = time.monotonic()

    answer = partners.book(offer)

    assert answer.json()["status"] == "confirmed"
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("slug", ["skyways", "budgetair", "oldinn"])
@pytest.mark.parametrize(
    ("product", "booked_before_the_retry"),
    [("timeout-before", 0), ("timeout-after", 1), ("reset-once", 0)],
)
def test_only_the_first_call_is_not_answered(partners, slug, product, booked_before_the_retry):
    if slug == "oldinn":
        key, offer = None, partners.offer(slug, product)
    else:
        key, offer = "k1", partners.offer(slug, product)

    with pytest.raises(NO_ANSWER):
        partners.book(offer, key)
    booked = len(orders(partners))
    again = partners.book(offer, key)

    assert booked == booked_before_the_retry
    assert again.status_code in {200, 201}
    assert len(orders(partners)) == (2 if slug == "oldinn" and booked else 1)


def test_the_first_call_is_the_first_of_a_reservation_whichever_key_it_has(partners):
    offer = partners.offer("skyways", "timeout-before")
    with pytest.raises(NO_ANSWER):
        partners.book(offer, "attempt-1")

    again = partners.book(offer, "attempt-2")

    assert again.status_code == 201


def test_a_booking_that_is_never_answered_can_be_looked_up(partners):
    offer = partners.offer("skyways", "timeout-always-after")

    for _ in range(2):
        with pytest.raises(NO_ANSWER):
            partners.book(offer)

    assert partners.get("skyways").json()["status"] == "confirmed"
    assert [order["booked_count"] for order in orders(partners)] == [1]


def test_a_late_effect_lands_after_the_caller_has_given_up(partners):
    offer = partners.offer("skyways", "late-effect")
    partners.http.timeout = httpx.Timeout(0.05)
    with pytest.raises(httpx.ReadTimeout):
        partners.book(offer)
    partners.http.timeout = httpx.Timeout(5)

    before = partners.get("skyways").status_code
    landed = wait_for_order(partners)

    assert before == 404
    assert [(order["status"], order["booked_count"]) for order in landed] == [("confirmed", 1)]


def test_a_late_effect_does_not_pass_a_tombstone(partners):
    offer = partners.offer("skyways", "late-effect")
    partners.http.timeout = httpx.Timeout(0.05)
    with pytest.raises(httpx.ReadTimeout):
        partners.book(offer)
    partners.http.timeout = httpx.Timeout(5)

    partners.cancel("skyways")
    deadline = time.monotonic() + 5
    while not any(call["method"] == "-" for call in partners.ledger("r1")["calls"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    [late] = [call for call in partners.ledger("r1")["calls"] if call["method"] == "-"]
    assert late["effect"] == "late: cancelled"
    assert partners.get("skyways").json()["status"] == "cancelled"


def test_a_late_effect_passes_a_partner_without_tombstones(partners):
    offer = partners.offer("budgetair", "late-effect")
    partners.http.timeout = httpx.Timeout(0.05)
    with pytest.raises(httpx.ReadTimeout):
        partners.book(offer)
    partners.http.timeout = httpx.Timeout(5)

    unknown = partners.cancel("budgetair")
    landed = wait_for_order(partners)

    assert unknown.status_code == 404
    assert [order["status"] for order in landed] == ["confirmed"]


def test_an_error_once_is_followed_by_success(partners):
    offer = partners.offer("skyways", "error-once")

    first, second = partners.book(offer), partners.book(offer)

    assert (first.status_code, second.status_code) == (500, 201)


def test_an_error_always_never_books(partners):
    offer = partners.offer("skyways", "error-always")

    statuses = [partners.book(offer).status_code for _ in range(3)]

    assert statuses == [500, 500, 500]
    assert orders(partners) == []


def test_garbage_is_answered_once_and_the_booking_is_there(partners):
    offer = partners.offer("skyways", "garbage-once")

    garbage = partners.book(offer)
    again = partners.book(offer)

    assert garbage.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        garbage.json()
    assert (again.status_code, again.json()["status"]) == (200, "confirmed")


@pytest.mark.parametrize(
    ("product", "statuses", "ends"),
    [
        ("cancel-fails-once", [500, 200, 200], "cancelled"),
        ("cancel-fails", [500, 500, 500], "confirmed"),
        ("cancel-refused", [409, 409, 409], "confirmed"),
    ],
)
def test_a_cancellation_can_go_wrong(partners, product, statuses, ends):
    partners.book(partners.offer("skyways", product))

    answers = [partners.cancel("skyways").status_code for _ in range(3)]

    assert answers == statuses
    assert partners.get("skyways").json()["status"] == ends


def test_the_table_is_printed_with_every_name():
    printed = magic.markdown()

    assert all(f"`{name}`" in printed for name in magic.TABLE)
    assert len(magic.TABLE) == len(magic.PRODUCTS) + len(magic.CARDS)
