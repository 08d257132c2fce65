"""A trip that goes well, from the search to the ledger."""


def test_a_flight_is_searched_quoted_booked_and_cancelled(partners):
    offer = partners.offer("skyways")

    quoted = partners.quote(offer)
    booked = partners.book(offer)
    cancelled = partners.cancel("skyways")

    assert quoted.json()["amount"] == offer["amount"]
    assert (booked.status_code, booked.json()["status"]) == (201, "confirmed")
    assert len(booked.json()["confirmation_code"]) == 6
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    [order] = partners.ledger("r1")["orders"]
    assert (order["booked_count"], order["status"]) == (1, "cancelled")


def test_a_payment_is_authorised_captured_and_refunded(processor, partners):
    intents = processor.v1.payment_intents
    intent = intents.create(
        {
            "amount": 12345,
            "currency": "eur",
            "capture_method": "manual",
            "payment_method": "pm_card_visa",
            "metadata": {"reservation_id": "r1"},
        }
    )

    confirmed = intents.confirm(intent.id)
    captured = intents.capture(intent.id)
    refund = processor.v1.refunds.create({"payment_intent": intent.id, "amount": 345})

    assert intent.status == "requires_confirmation"
    assert (confirmed.status, confirmed.amount_capturable) == ("requires_capture", 12345)
    assert (captured.status, captured.amount_received) == ("succeeded", 12345)
    assert (refund.status, refund.amount) == ("succeeded", 345)
    ledger = partners.ledger("r1")
    assert [row["amount"] for row in ledger["captures"]] == [12345]
    assert [row["amount"] for row in ledger["refunds"]] == [345]


def test_a_payment_that_is_cancelled_releases_the_amount(processor):
    intents = processor.v1.payment_intents
    order = {"amount": 500, "currency": "eur", "capture_method": "manual"}
    intent = intents.create(order | {"payment_method": "pm_card_visa"})
    intents.confirm(intent.id)

    cancelled = intents.cancel(intent.id)

    assert (cancelled.status, cancelled.amount_capturable) == ("canceled", 0)
