"""The traveller's side: a client on another machine, which repeats what was not answered under the same key."""

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
from django.conf import settings
from rest_framework.test import APIClient

from booking import commands
from booking.orchestrator import history, store
from payments.models import Payment
from providers import services as providers
from sandbox import webhooks
from tests.crash.doors import DOORS
from tests.crash.forks import Notes
from tests.crash.stories import Ask, Story

PASSWORD: Final = "correct horse battery"
IN_FLIGHT: Final = "idempotency_key_in_flight"
PEOPLE: Final = [{"given_name": "Ada", "family_name": "Trip", "born_on": "1990-05-17"}]
Answer = tuple[int, str]


@dataclass
class Trip:
    """What the traveller's machine knows, whatever is killed elsewhere; `answers` by the ask's number."""

    account_id: Any
    token: str
    body: dict[str, Any]
    keys: list[str]
    began_at: datetime
    reservation_id: Any = None
    answers: dict[int, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Supplies:
    """What all trips of a worker share: an account, and the offers that the stories buy."""

    account_id: Any
    token: str
    offers: dict[str, providers.Offer]


def sign_up() -> commands.NewAccount:
    """Create the account."""
    email = f"{uuid.uuid4().hex}@example.com"
    return commands.register_account(email=email, password=PASSWORD, full_name="Ada Trip")


def begin(story: Story, supplies: Supplies) -> Trip:
    """Compose a reservation and enter payment details, unless that is the story itself."""
    chosen = [supplies.offers[leg] for leg in story.legs]
    body = {"offers": [_priced(offer) for offer in chosen], "travellers": PEOPLE}
    keys = [str(uuid.uuid4()) for _ in story.asks]
    trip = Trip(supplies.account_id, supplies.token, body, keys, began_at=store.now())
    asked = {ask.what for ask in story.asks}
    if "compose" not in asked:
        trip.reservation_id = commands.compose_reservation(
            account_id=trip.account_id, offers=chosen, travellers=PEOPLE
        )
        if "pay" not in asked:
            commands.enter_payment_details(
                account_id=trip.account_id, reservation_id=trip.reservation_id, method=story.card
            )
    return trip


def _priced(offer: providers.Offer) -> dict[str, str]:
    return {
        "offer_id": offer.offer_id,
        "amount": str(offer.amount),
        "currency": offer.currency,
    }


class Traveller:
    """Asks what the story says when it says so, and again until it is answered."""

    def __init__(self, story: Story, trip: Trip, notes: Notes, *, later: bool) -> None:
        """Sit at the keyboard; `later` when the moments that the story names are over."""
        self._story = story
        self._trip = trip
        self._notes = notes
        self._http = APIClient(raise_request_exception=False)
        self._http.credentials(HTTP_AUTHORIZATION=f"Token {trip.token}")
        self.messages = 0
        self.later = later
        for number, ask in self._open():
            if ask.when.startswith("call:") and not later:
                DOORS.meanwhile[int(ask.when[5:])] = lambda number=number: self.ask(number)

    def step(self) -> bool:
        """Ask the first thing that is due and unanswered; return whether that was answered."""
        for number, ask in self._open():
            if self._due(ask):
                return self.ask(number)
        return False

    def ask(self, number: int) -> bool:
        """Ask one thing; return whether it was answered."""
        what = self._story.asks[number].what
        with DOORS.acting("web"):
            answer = getattr(self, "_" + what.replace("-", "_"))(number)
            DOORS.cross("response", "unsent", what)
            if answer[0] >= 500 or IN_FLIGHT in answer[1]:
                return False
            self._trip.answers[number] = answer
            self._notes.say("trip", self._trip)
            DOORS.cross("response", "sent", what)
        return True

    @property
    def unanswered(self) -> bool:
        """Whether something was asked, or is to be asked now, that has no answer yet."""
        return any(self._due(ask) for _, ask in self._open())

    def ask_again(self) -> list[str]:
        """Repeat under its key everything that was accepted; return what is answered otherwise now."""
        wrong = []
        for number, (status, body) in self._trip.answers.items():
            what = self._story.asks[number].what
            if what in {"compose", "confirm", "cancel"} and status < 300:
                now = getattr(self, f"_{what}")(number)
                if (now[0], json.loads(now[1])) != (status, json.loads(body)):
                    wrong.append(f"{what} was answered {status} {body}, and is {now}")
        return wrong

    def _open(self) -> list[tuple[int, Ask]]:
        asks = enumerate(self._story.asks)
        return [(number, ask) for number, ask in asks if number not in self._trip.answers]

    def _due(self, ask: Ask) -> bool:
        kind, _, number = ask.when.partition(":")
        match kind:
            case "message":
                return self.later or self.messages >= int(number)
            case "call":
                return self.later
            case "waiting":
                return self._is_waiting()
            case "completed":
                return self._state() in {"completed", "failed", "cancelled"}
        return True

    def _is_waiting(self) -> bool:
        with DOORS.aside():
            found = history.progress(subject_id=self._trip.reservation_id)
        return found is not None and found.action is not None

    def _state(self) -> str:
        with DOORS.aside():
            found = history.progress(subject_id=self._trip.reservation_id)
        return found.state if found else ""

    def _compose(self, number: int) -> Answer:
        answer = self._post("reservations", number, self._trip.body)
        if answer[0] == 201:
            self._trip.reservation_id = uuid.UUID(json.loads(answer[1])["id"])
        return answer

    def _pay(self, number: int) -> Answer:
        path = f"/api/v1/reservations/{self._trip.reservation_id}/payment"
        answer = self._http.put(path, {"method": self._story.card}, format="json")
        return answer.status_code, answer.content.decode()

    def _confirm(self, number: int) -> Answer:
        return self._post(f"reservations/{self._trip.reservation_id}/confirm", number)

    def _cancel(self, number: int) -> Answer:
        return self._post(f"reservations/{self._trip.reservation_id}/cancel", number)

    def _authenticate(self, number: int, result: str = "succeed") -> Answer:
        """Act at the customer's bank: no door of ours."""
        url = f"{settings.SANDBOX_URL}/control/3ds/{self._intent()}"
        answer = httpx.get(url, params={"result": result}, timeout=10)
        return 200, str(answer.status_code)

    def _fail_authentication(self, number: int) -> Answer:
        return self._authenticate(number, "fail")

    def _webhook(self, number: int) -> Answer:
        """Be the card processor, which repeats a message until it is taken."""
        intent = {"object": "payment_intent", "id": self._intent()}
        event = {"id": f"evt_{self._trip.keys[number]}", "data": {"object": intent}}
        body = json.dumps({**event, "type": webhooks.AUTHORISED}).encode()
        signature = webhooks.signature(body, settings.STRIPE_WEBHOOK_SECRET, int(time.time()))
        answer = self._http.post(
            "/api/v1/webhooks/cards",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        return answer.status_code, answer.content.decode()

    def _intent(self) -> str:
        with DOORS.aside():
            payments = Payment.objects.filter(reservation_id=self._trip.reservation_id)
            return str(
                payments.values_list("gateway_payment_id", flat=True).get(superseded_at=None)
            )

    def _post(self, path: str, number: int, body: Any = None) -> Answer:
        headers = {"Idempotency-Key": self._trip.keys[number]}
        answer = self._http.post(f"/api/v1/{path}", body, format="json", headers=headers)
        return answer.status_code, answer.content.decode()
