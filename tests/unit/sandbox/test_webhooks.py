"""Webhooks: signed, retried, doubled, late or missing, as the card says."""

import http.server
import threading
import time

import pytest
import stripe

from sandbox import server, settings
from tests.patience import until

SECRET = "whsec_test"
ORDER = {"amount": 100, "currency": "eur", "capture_method": "manual"}
AUTHORISED = "payment_intent.amount_capturable_updated"
SUCCEEDED = "payment_intent.succeeded"


class Receiver(http.server.ThreadingHTTPServer):
    """Collects the events that it could verify; refuses the first `refusals` deliveries."""

    daemon_threads = True

    def __init__(self, refusals=0):
        self.events, self.refusals = [], refusals
        super().__init__(("127.0.0.1", 0), Inbox)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/webhooks"

    def wait(self, count):
        deadline = time.monotonic() + 8
        while len(self.events) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return [event.type for event in self.events]


class Inbox(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.server.refusals > 0
        self.server.refusals -= 1
        if not refused:
            signature = self.headers["Stripe-Signature"]
            self.server.events.append(stripe.Webhook.construct_event(body, signature, SECRET))
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture
def sandbox(ledger_path, receiver):
    chosen = settings.Settings(
        webhook_url=receiver.url,
        webhook_secret=SECRET,
        durations=settings.Durations.from_hang(0.6, late=0.5),
    )
    running = server.serve(ledger_path=ledger_path, settings=chosen)
    yield running
    running.shutdown()


def outcomes(partners):
    events = partners.ledger()["events"]
    return sorted(delivery["outcome"] for event in events for delivery in event["deliveries"])


def pay(processor, card):
    intents = processor.v1.payment_intents
    intent = intents.create(ORDER | {"payment_method": card})
    intents.confirm(intent.id)
    return intents.capture(intent.id)


def test_a_paid_and_refunded_trip_is_announced_signed_and_in_order(processor, receiver):
    intent = pay(processor, "pm_card_visa")
    processor.v1.refunds.create({"payment_intent": intent.id})

    announced = receiver.wait(3)

    assert announced == [AUTHORISED, SUCCEEDED, "charge.refunded"]
    assert receiver.events[1].data.object.id == intent.id


def test_a_delivery_that_is_refused_is_tried_again(processor, receiver, partners):
    receiver.refusals = 1

    pay(processor, "pm_card_visa")
    announced = receiver.wait(2)

    assert sorted(announced) == sorted([AUTHORISED, SUCCEEDED])
    until(lambda: outcomes(partners) == ["200", "200", "503"])


def test_a_duplicate_card_delivers_the_same_event_twice(processor, receiver):
    pay(processor, "pm_card_duplicateWebhook")

    announced = receiver.wait(4)

    assert sorted(announced) == sorted([AUTHORISED, SUCCEEDED] * 2)
    assert len({event.id for event in receiver.events}) == 2


def test_a_late_card_delivers_late(processor, receiver):
    began = time.monotonic()

    pay(processor, "pm_card_lateWebhook")
    receiver.wait(1)

    assert time.monotonic() - began >= 0.5


def test_an_out_of_order_card_tells_of_the_capture_first(processor, receiver):
    pay(processor, "pm_card_outOfOrderWebhook")

    announced = receiver.wait(2)

    assert announced == [SUCCEEDED, AUTHORISED]


def test_a_card_without_webhooks_is_only_in_the_ledger(processor, receiver, partners):
    pay(processor, "pm_card_noWebhook")
    pay(processor, "pm_card_visa")

    receiver.wait(2)

    events = partners.ledger()["events"]
    assert [len(event["deliveries"]) for event in events] == [0, 0, 1, 1]


def test_failures_and_challenges_are_announced(processor, receiver):
    intents = processor.v1.payment_intents
    declined = intents.create(ORDER | {"payment_method": "pm_card_chargeDeclined"})
    with pytest.raises(stripe.CardError):
        intents.confirm(declined.id)
    challenged = intents.create(ORDER | {"payment_method": "pm_card_authenticationRequired"})
    intents.confirm(challenged.id)
    intents.cancel(challenged.id)

    announced = receiver.wait(3)

    assert announced == [
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
    ]
