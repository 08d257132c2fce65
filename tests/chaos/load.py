"""The load: travellers side by side who compose, pay, confirm, repeat themselves, and change their minds."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from devstack.traveller import FINAL, SEARCHES, Traveller
from tests.chaos import trips
from tests.chaos.client import Client, Receipt, UnansweredError
from tests.chaos.trips import Trip

WATCH_SECONDS: Final = 8.0
"""How long a traveller looks at a trip before turning to the next one."""

LOOK_SECONDS: Final = 0.8
Offers = dict[tuple[str, str], dict[str, Any]]
GOOD_CARD: Final = "pm_card_visa"


class Load:
    """Travellers in threads of their own, from `start` until `finish`."""

    def __init__(self, *, web: str, seed: int, travellers: int) -> None:
        """Sign everybody up and look at what is for sale."""
        self.clients = [Client(Traveller(web).sign_up()) for _ in range(travellers)]
        self.done: Counter[str] = Counter()
        self.crashes: list[str] = []
        self._seed = seed
        self._offers = _offers(self.clients[0])
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def receipts(self) -> list[Receipt]:
        """Return everything that was answered with success."""
        return [receipt for client in self.clients for receipt in client.receipts]

    @property
    def answers(self) -> Counter[str]:
        """Return how often each status (or each kind of trouble) came back."""
        return sum((client.answers for client in self.clients), Counter())

    def start(self) -> None:
        """Begin."""
        for number, client in enumerate(self.clients):
            dice = random.Random(f"{self._seed}:{number}")
            thread = threading.Thread(target=self._travel, args=(client, dice), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, *, within: float) -> None:
        """Let everybody end the trip of the moment, and give up what is not answered `within` seconds."""
        self._stopped.set()
        for client in self.clients:
            client.gives_up_at = time.monotonic() + within

    def join(self) -> None:
        """Wait for the travellers to come home."""
        for thread in self._threads:
            thread.join()

    def repeat_everything(self, *, most: int) -> int:
        """Send old commands again, up to `most`; return how many."""
        chosen = 0
        for client in self.clients:
            client.gives_up_at = time.monotonic() + WATCH_SECONDS * 4
            for receipt in _posts(client)[-(most // len(self.clients)) :]:
                client.repeat(receipt)
                chosen += 1
        return chosen

    def _travel(self, client: Client, dice: random.Random) -> None:
        while not self._stopped.is_set():
            trip = trips.draw(dice)
            try:
                self._go(client, trip, dice)
            except UnansweredError:
                self.done["unanswered"] += 1
            except Exception as error:  # noqa: BLE001 - a traveller who trips is a broken promise of the API
                self.crashes.append(f"{type(error).__name__}: {error}")
            if (old := _posts(client)) and dice.random() < 0.3:
                self._repeat(client, dice.choice(old))
            self._stopped.wait(dice.uniform(0, 0.4))

    def _repeat(self, client: Client, receipt: Receipt) -> None:
        try:
            client.repeat(receipt)
            self.done["repeated later"] += 1
        except UnansweredError:
            self.done["unanswered"] += 1

    def _go(self, client: Client, trip: Trip, dice: random.Random) -> None:
        reservation = self._compose(client, trip, dice)
        if reservation is None:
            return
        if trip.cancel == "as a draft":
            self._command(client, reservation, "cancel", dice)
            return
        if self._pay(client, reservation, trip.card):
            self._confirm(client, reservation, trip, dice)
            self._see_to_the_end(client, reservation, trip, dice)

    def _compose(self, client: Client, trip: Trip, dice: random.Random) -> str | None:
        offers = [self._offers[leg] for leg in trip.legs]
        body = {
            "offers": [{n: o[n] for n in ("offer_id", "amount", "currency")} for o in offers],
            "travellers": [{"given_name": "Ada", "family_name": "Traveller"}],
        }
        status, answer = client.command("reservations", key=_key(dice), body=body)
        self.done["composed" if status < 400 else f"not composed: {answer['code']}"] += 1
        return str(answer["id"]) if status < 400 else None

    def _pay(self, client: Client, reservation: str, card: str) -> bool:
        path = f"reservations/{reservation}/payment"
        body = {"method": card}
        status, _ = client.command(
            path, key="", reservation_id=reservation, body=body, method="PUT"
        )
        return status < 400

    def _confirm(self, client: Client, reservation: str, trip: Trip, dice: random.Random) -> None:
        """Confirm, perhaps with several requests at once under one key, perhaps with a cancellation beside it."""
        key = _key(dice)
        jobs = [("confirm", key)] * trip.copies
        if trip.cancel == "in a race":
            jobs.insert(dice.randrange(len(jobs) + 1), ("cancel", _key(dice)))
        self.done["duplicates at once"] += trip.copies - 1
        if len(jobs) == 1:
            self._command(client, reservation, "confirm", dice, key=key, wait=trip.wait)
            return
        with ThreadPoolExecutor(len(jobs)) as pool:
            asked = [
                pool.submit(self._command, client, reservation, name, dice, key=key, wait=trip.wait)
                for name, key in jobs
            ]
        for job in asked:
            job.result()

    def _command(
        self,
        client: Client,
        reservation: str,
        name: str,
        dice: random.Random,
        *,
        key: str = "",
        wait: int | None = None,
    ) -> bool:
        status, answer = client.command(
            f"reservations/{reservation}/{name}",
            key=key or _key(dice),
            reservation_id=reservation,
            wait=wait,
        )
        self.done[f"{name}: {'yes' if status < 400 else answer['code']}"] += 1
        return status < 400

    def _see_to_the_end(
        self, client: Client, reservation: str, trip: Trip, dice: random.Random
    ) -> None:
        if trip.cancel == "on the way":
            time.sleep(trip.cancel_after)
            self._command(client, reservation, "cancel", dice)
        page = self._watch(client, reservation, trip)
        if trip.cancel == "afterwards" and page["status"] == "confirmed":
            time.sleep(trip.cancel_after / 2)
            self._command(client, reservation, "cancel", dice)
        elif trip.again and trip.cancel == "never" and page["status"] == "failed":
            self._try_again(client, reservation, dice)

    def _try_again(self, client: Client, reservation: str, dice: random.Random) -> None:
        if self._pay(client, reservation, GOOD_CARD):
            self._command(client, reservation, "confirm", dice)
            self.done["second attempts"] += 1

    def _watch(self, client: Client, reservation: str, trip: Trip) -> Any:
        """Look until the trip is over, or for so long; do what the customer's bank asks for."""
        ends_at = time.monotonic() + WATCH_SECONDS
        while True:
            page = client.read(f"reservations/{reservation}")
            progress = page["progress"] or {}
            if progress.get("action"):
                answer_the_bank(progress["action"]["url"], succeeds=trip.passes_3ds)
            over = page["status"] in FINAL and progress.get("finished_at")
            if over or progress.get("needs_a_person") or time.monotonic() > ends_at:
                return page
            time.sleep(LOOK_SECONDS)


def answer_the_bank(url: str, *, succeeds: bool) -> None:
    """Pass 3-D Secure, or fail it; the bank may be away, then it asks again."""
    query = urlencode({"result": "succeed" if succeeds else "fail"})
    try:
        httpx.get(f"{url}?{query}", timeout=5)
    except httpx.TransportError:
        return


def _posts(client: Client) -> list[Receipt]:
    return [receipt for receipt in client.receipts if receipt.key]


def _key(dice: random.Random) -> str:
    return f"{dice.getrandbits(128):032x}"


def _offers(client: Client) -> Offers:
    found: Offers = {}
    date = (datetime.now(UTC).date() + timedelta(days=100)).isoformat()
    for kind, search in SEARCHES.items():
        answer = client.read("offers?" + urlencode({"kind": kind, "date": date, **search}))
        for offer in answer["offers"]:
            found[offer["offer_id"].partition(":")[0], offer["product"]] = offer
    return found
