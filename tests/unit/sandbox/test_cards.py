"""The card processor, through the official library."""

import threading
import time
from concurrent import futures

import httpx
import pytest
import stripe

ORDER = {
    "amount": 12345,
    "currency": "eur",
    "capture_method": "manual",
    "metadata": {"reservation_id": "r1"},
}


@pytest.fixture
def intents(processor):
    return processor.v1.payment_intents


def opened(intents, card="pm_card_visa"):
    return intents.create(ORDER | {"payment_method": card})


def with_key(key):
    return {"idempotency_key": key}


def test_an_intent_waits_for_a_payment_method(intents):
    intent = intents.create(ORDER)

    updated = intents.update(intent.id, {"payment_method": "pm_card_mastercard"})

    assert intent.status == "requires_payment_method"
    assert updated.status == "requires_confirmation"
    assert intents.retrieve(intent.id).to_dict() == updated.to_dict()


@pytest.mark.parametrize(
    ("card", "decline_code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_declined_card_can_be_replaced(intents, card, decline_code):
    intent = opened(intents, card)

    with pytest.raises(stripe.CardError) as declined:
        intents.confirm(intent.id)
    after = intents.retrieve(intent.id)
    confirmed = intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert declined.value.code == "card_declined"
    assert declined.value.error.decline_code == decline_code
    assert (after.status, after.last_payment_error.code) == (
        "requires_payment_method",
        "card_declined",
    )
    assert confirmed.status == "requires_capture"


def test_a_decline_at_capture_ends_the_intent(intents, partners):
    intent = opened(intents, "pm_card_declineAtCapture")
    intents.confirm(intent.id)

    with pytest.raises(stripe.CardError) as declined:
        intents.capture(intent.id)

    assert declined.value.code == "card_declined"
    assert intents.retrieve(intent.id).status == "canceled"
    assert partners.ledger("r1")["captures"] == []


@pytest.mark.parametrize(
    ("result", "status"), [("succeed", "requires_capture"), ("fail", "requires_payment_method")]
)
def test_a_challenge_is_settled_at_the_bank(intents, result, status):
    intent = opened(intents, "pm_card_authenticationRequired")

    confirmed = intents.confirm(intent.id, {"return_url": "https://example.test/back"})
    url = confirmed.next_action.redirect_to_url.url
    page = httpx.get(url, trust_env=False)
    settled = httpx.get(url, params={"result": result}, trust_env=False)
    again = httpx.get(url, params={"result": result}, trust_env=False)

    assert (confirmed.status, confirmed.next_action.type) == ("requires_action", "redirect_to_url")
    assert "result=succeed" in page.text
    assert settled.status_code == 200
    assert intents.retrieve(intent.id).status == status
    assert again.status_code == 400


def test_a_browser_goes_back_to_the_shop_from_its_bank(intents):
    intent = opened(intents, "pm_card_authenticationRequired")
    confirmed = intents.confirm(intent.id, {"return_url": "https://example.test/back"})
    url = f"{confirmed.next_action.redirect_to_url.url}?result=succeed"

    settled = httpx.get(url, headers={"Accept": "text/html"}, trust_env=False)

    assert settled.status_code == 303
    assert settled.headers["Location"] == (f"https://example.test/back?payment_intent={intent.id}")
    assert intents.retrieve(intent.id).status == "requires_capture"


def test_a_part_can_be_captured(intents):
    intent = opened(intents)
    intents.confirm(intent.id)

    captured = intents.capture(intent.id, {"amount_to_capture": 345})

    assert (captured.amount_received, captured.amount_capturable) == (345, 0)


def test_more_than_was_authorised_cannot_be_captured(intents):
    intent = opened(intents)
    intents.confirm(intent.id)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.capture(intent.id, {"amount_to_capture": 12346})

    assert refused.value.code == "amount_too_large"


def test_each_verb_needs_its_state(intents):
    intent = opened(intents)
    with pytest.raises(stripe.InvalidRequestError) as too_early:
        intents.capture(intent.id)
    intents.confirm(intent.id)
    intents.capture(intent.id)

    refusals = []
    for verb in (intents.confirm, intents.capture, intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            verb(intent.id)
        refusals.append(refused.value)

    assert {refusal.code for refusal in [too_early.value, *refusals]} == {
        "payment_intent_unexpected_state"
    }
    assert {refusal.error.payment_intent.status for refusal in refusals} == {"succeeded"}


def test_refunds_never_exceed_what_was_captured(processor, intents):
    intent = opened(intents)
    intents.confirm(intent.id)
    intents.capture(intent.id)
    refunds = processor.v1.refunds

    part = refunds.create({"payment_intent": intent.id, "amount": 345})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        refunds.create({"payment_intent": intent.id, "amount": 12001})
    rest = refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as nothing_left:
        refunds.create({"payment_intent": intent.id})

    assert (part.amount, rest.amount) == (345, 12000)
    assert too_much.value.param == "amount"
    assert nothing_left.value.code == "charge_already_refunded"
    listed = refunds.list({"payment_intent": intent.id})
    assert [refund.id for refund in listed] == [rest.id, part.id]
    assert refunds.retrieve(part.id).amount == 345


def test_intents_are_listed_the_newest_first_page_by_page(intents):
    ids = [opened(intents).id for _ in range(3)]

    page = intents.list({"limit": 2})
    everything = [intent.id for intent in page.auto_paging_iter()]

    assert (len(page.data), page.has_more) == (2, True)
    assert everything == ids[::-1]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"currency": "zzz"}, "currency"),
        ({"capture_method": "automatic"}, "capture_method"),
        ({"payment_method": "pm_nothing"}, "payment_method"),
        ({"colour": "red"}, "colour"),
        ({"confirm": True}, "confirm"),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_is_kept_under_the_key(intents, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.create(ORDER | changes, with_key("k1"))
    created = intents.create(ORDER, with_key("k1"))

    assert refused.value.param == param
    assert created.status == "requires_payment_method"


def test_a_missing_parameter_is_named(intents):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.create({"currency": "eur"})

    assert (refused.value.code, refused.value.param) == ("parameter_missing", "amount")


def test_an_unknown_intent_is_missing(intents):
    with pytest.raises(stripe.InvalidRequestError) as missing:
        intents.retrieve("pi_nothing")

    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_a_wrong_key_is_turned_away(sandbox):
    client = stripe.StripeClient("rk_wrong", base_addresses={"api": sandbox.url})

    with pytest.raises(stripe.AuthenticationError):
        client.v1.payment_intents.list()


def test_the_same_idempotency_key_acts_once(intents, partners):
    first = intents.create(ORDER, with_key("k1"))
    second = intents.create(ORDER, with_key("k1"))

    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(partners.ledger("r1")["payment_intents"]) == 1


def test_the_same_idempotency_key_with_other_parameters_is_refused(intents):
    intents.create(ORDER, with_key("k1"))

    with pytest.raises(stripe.IdempotencyError):
        intents.create({**ORDER, "amount": 1}, with_key("k1"))


def test_an_idempotency_key_belongs_to_its_api_key(sandbox, intents):
    other = stripe.StripeClient("sk_test_2", base_addresses={"api": sandbox.url})

    mine = intents.create(ORDER, with_key("k1"))
    theirs = other.v1.payment_intents.create(ORDER, with_key("k1"))

    assert mine.id != theirs.id


def test_a_decline_is_answered_again_under_its_key(intents):
    intent = opened(intents, "pm_card_chargeDeclined")

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            intents.confirm(intent.id, options=with_key("k1"))
    with pytest.raises(stripe.InvalidRequestError):
        intents.confirm(intent.id, options=with_key("k2"))


def test_an_error_is_kept_under_its_key_and_a_new_key_succeeds(intents):
    intent = opened(intents, "pm_card_error_once")

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            intents.confirm(intent.id, options=with_key("k1"))
    confirmed = intents.confirm(intent.id, options=with_key("k2"))

    assert confirmed.status == "requires_capture"


def test_a_key_in_use_is_refused_until_its_call_has_ended(intents, sandbox):
    intent = opened(intents, "pm_card_slow")
    url = f"{sandbox.url}/v1/payment_intents/{intent.id}/confirm"
    headers = {"Authorization": "Bearer sk_test_1", "Idempotency-Key": "k1"}
    start = threading.Barrier(4)

    def confirm():
        start.wait()
        return httpx.post(url, headers=headers, timeout=5, trust_env=False).status_code

    with futures.ThreadPoolExecutor(4) as pool:
        statuses = sorted(job.result() for job in [pool.submit(confirm) for _ in range(4)])
    again = httpx.post(url, headers=headers, timeout=5, trust_env=False)

    assert statuses == [200, 409, 409, 409]
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("card", "verb", "before"),
    [
        ("pm_card_authorise_timeout_before", "confirm", "requires_confirmation"),
        ("pm_card_authorise_timeout_after", "confirm", "requires_capture"),
        ("pm_card_capture_timeout_before", "capture", "requires_capture"),
        ("pm_card_capture_timeout_after", "capture", "succeeded"),
    ],
)
def test_a_lost_answer_is_found_out_by_looking_and_by_the_same_key(
    intents, partners, card, verb, before
):
    intent = opened(intents, card)
    if verb == "capture":
        intents.confirm(intent.id)
    act = getattr(intents, verb)

    with pytest.raises(stripe.APIConnectionError):
        act(intent.id, options=with_key("k1"))
    seen = intents.retrieve(intent.id).status
    done = act(intent.id, options=with_key("k1"))

    assert seen == before
    assert done.status == {"confirm": "requires_capture", "capture": "succeeded"}[verb]
    assert len(partners.ledger("r1")["captures"]) == (verb == "capture")


def test_captures_at_the_same_time_take_the_money_once(intents, partners):
    intent = opened(intents)
    intents.confirm(intent.id)

    def capture(number):
        try:
            return intents.capture(intent.id, options=with_key(f"k{number}")).status
        except stripe.InvalidRequestError as refused:
            return refused.code

    with futures.ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(capture, range(8)))

    assert outcomes == ["payment_intent_unexpected_state"] * 7 + ["succeeded"]
    assert len(partners.ledger("r1")["captures"]) == 1
    assert partners.http.get("/ledger/totals").json()["most_captures_of_one_intent"] == 1


def test_an_outage_is_slow_down_silent_and_over(intents, partners):
    def set_mode(mode):
        partners.http.post("/control/outage", json={"partner": "cards", "mode": mode})

    set_mode("down")
    with pytest.raises(stripe.APIError):
        opened(intents)
    set_mode("hang")
    with pytest.raises(stripe.APIConnectionError):
        opened(intents)
    set_mode("slow")
    began = time.monotonic()
    opened(intents)
    slowness = time.monotonic() - began
    set_mode("ok")
    opened(intents)

    assert slowness >= 0.06
    assert len(partners.ledger("r1")["payment_intents"]) == 2
