"""`make demo`: book real trips on the running stack, show both lanes, let the ledgers judge."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from devstack import judge
from devstack.stack import Stack
from devstack.traveller import Traveller

QUICK: Final = {
    "SAGA_CALL_SECONDS": "3",
    "SAGA_LEASE_SECONDS": "6",
    "SAGA_SWEEP_SECONDS": "0.5",
    "SAGA_GRACE_SECONDS": "2",
    "SAGA_BACKOFF_SECONDS": "0.5",
    "SANDBOX_HANG": "4",
    "PAYMENT_QUIET_SECONDS": "2",
    "PARTNER_QUIET_SECONDS": "2",
}
"""Short times, so that a partner that does not answer is given up within seconds."""

TRIPS: Final[tuple[tuple[str, dict[str, str], str, str], ...]] = (
    ("All succeed", {}, "pm_card_visa", "confirmed"),
    ("The hotel is sold out", {"stay": "sold-out"}, "pm_card_visa", "failed"),
    ("The card is declined at capture", {}, "pm_card_declineAtCapture", "failed"),
    (
        "The hotel does not answer, having booked",
        {"stay": "timeout-after"},
        "pm_card_visa",
        "confirmed",
    ),
)
ORDINARY: Final = {"flight": "standard", "stay": "standard", "car": "standard"}


class Demo:
    """One run of the demo; remembers every broken promise."""

    def __init__(self, stack: Stack) -> None:
        """Seed the stack and sign up a traveller."""
        self.stack = stack
        self.seeded = json.loads(stack.manage("seed").stdout)
        self.traveller = Traveller(stack.urls["web"]).sign_up()
        self.broken: list[str] = []
        self.kinds: dict[str, str] = {}
        self.booked = 0

    def run(self) -> int:
        """Book every trip; return 0 if every promise was kept."""
        started = time.monotonic()
        for title, special, card, expected in TRIPS:
            self._trip(title, {**ORDINARY, **special}, card, expected)
        self._crm_down()
        self._what_crm_knows()
        self._proof_of_delivery()
        self._promise(self.booked == len(TRIPS) + 1, "every trip came to its end")
        print(
            f"\n{self.booked} trips in {time.monotonic() - started:.1f} s, {len(self.broken)} broken promises"
        )
        for promise in self.broken:
            print(f"  BROKEN  {promise}")
        return 1 if self.broken else 0

    def _trip(self, title: str, products: Mapping[str, str], card: str, expected: str) -> None:
        print(f"\n=== {title} " + "=" * (92 - len(title)))
        reservation = self.traveller.book(**products, card=card, seconds=60)
        self.booked += 1
        found = self.traveller.get(reservation)
        self.kinds = {item["id"]: item["kind"] for item in found["items"]}
        self._orchestrated(reservation)
        self._choreographed(reservation)
        self._ledgers(found, reservation)
        self._promise(found["status"] == expected, f"{title}: {found['status']}, not {expected}")

    def _orchestrated(self, reservation: str) -> None:
        print("ORCHESTRATED  inside Booking: one table, one engine")
        for entry in self.traveller.timeline(reservation):
            about = f"{entry['step']} {self._leg(entry)}".strip()
            note = (
                entry["text"]
                if entry["kind"] in {"refused", "unknown", "compensating", "parked", "failed"}
                else ""
            )
            print(
                f"  {_clock(entry)}  {entry['code']:22} {entry['kind']:13} {about:20} {note}"[:118]
            )

    def _leg(self, entry: Mapping[str, Any]) -> str:
        return str(self.kinds.get(entry["item"], entry["item"][:8]))

    def _choreographed(self, reservation: str) -> None:
        print("CHOREOGRAPHED  between contexts: Booking said, CRM reacted")
        for event in self._reactions(reservation):
            print(f"  {event['occurred_at'][11:23]}  {event['source']:28} {event['type']}")
            for reaction in event["reactions"]:
                print(
                    f"                   -> {reaction['source']:22} {reaction['handler'].rpartition('.')[2]} ({reaction['status']})"
                )

    def _reactions(self, reservation: str) -> list[dict[str, Any]]:
        def settled() -> Any:
            done = self.stack.manage("eventbus", "trace", "--key", reservation, "--json")
            events: list[dict[str, Any]] = json.loads(done.stdout)
            reactions = [reaction for event in events for reaction in event["reactions"]]
            return events if all(r["status"] == "done" for r in reactions) else None

        found: list[dict[str, Any]] = _until(settled, "CRM to hear everything") or []
        self._promise(bool(found), f"CRM did not hear everything about {reservation}")
        return found

    def _ledgers(self, found: Mapping[str, Any], reservation: str) -> None:
        ledger = judge.ledger_of(self.stack.urls["sandbox"], reservation)
        print("LEDGERS  ours | theirs (another process, which does not believe us)")
        theirs = ", ".join(f"{o['partner']} {o['status']}" for o in ledger["orders"]) or "no order"
        money = ", ".join(
            f"{i['status']} {i['amount'] / 100:.2f} {i['currency'].upper()}"
            for i in ledger["payment_intents"]
        )
        payment = found["payment"] or {}
        taken_back = found["progress"]["compensation"].replace("_", " ")
        ours = f"{found['status']} {found['amount']} {found['currency']} {taken_back}".strip()
        print(f"  trip    {ours} | {theirs}")
        print(f"  money   {payment.get('status')} | {money}")
        for violation in judge.violations(found, ledger):
            self._promise(False, f"{reservation}: {violation}")

    def _crm_down(self) -> None:
        title = "CRM is stopped while a trip is booked, then started again"
        print(f"\n=== {title} " + "=" * (92 - len(title)))
        consumer = self.stack.processes["consumer-crm"]
        consumer.stop()
        print("  CRM's consumer is stopped")
        reservation = self.traveller.book(flight="standard", stay="standard", car="standard")
        self.booked += 1
        found = self.traveller.get(reservation)
        print(f"  booked all the same: {found['status']} {found['amount']} {found['currency']}")
        self._promise(found["status"] == "confirmed", "a trip is booked while CRM is down")
        consumer.start()
        print("  CRM's consumer is started again")
        self._choreographed(reservation)
        self._ledgers(found, reservation)

    def _what_crm_knows(self) -> None:
        print("\n=== What CRM knows " + "=" * 78)
        confirmed = 3
        for staff in json.loads(self.stack.manage("crm_seed").stdout)["staff"]:
            http = httpx.Client(base_url=f"{self.stack.urls['web']}/api/v1/", timeout=30)
            token = http.post(
                "tokens", json={"email": staff["email"], "password": staff["password"]}
            ).json()
            http.headers["Authorization"] = f"Token {token['token']}"
            answer = http.get(f"crm/customers/{self.traveller.account_id}")
            if answer.status_code == httpx.codes.NOT_FOUND:
                print(f"  {staff['provider']:10} does not know {self.traveller.email}")
                continue
            customer = answer.json()
            print(
                f"  {staff['provider']:10} {customer['email']}: {customer['confirmed_trips']} trips confirmed"
            )
            self._promise(
                customer["confirmed_trips"] == confirmed,
                f"{staff['provider']}: {customer['confirmed_trips']} trips in CRM, not {confirmed}",
            )

    def _proof_of_delivery(self) -> None:
        doctor = self.stack.manage("eventbus", "doctor", check=False)
        print("\n=== Did CRM miss anything? manage.py eventbus doctor " + "=" * 44)
        print(doctor.stdout.rstrip())
        self._promise(doctor.returncode == 0, "the bus delivered everything")

    def _promise(self, kept: bool, promise: str) -> None:
        if not kept:
            self.broken.append(promise)
            print(f"  BROKEN  {promise}")


def main(stack: Stack) -> int:
    """Run the demo on a running stack; return 0 if every promise was kept."""
    return Demo(stack).run()


def _clock(entry: Mapping[str, Any]) -> str:
    return str(entry["at"])[11:23]


def _until(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> Any:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if found := condition():
            return found
        time.sleep(0.2)
    print(f"  waited {seconds:.0f} s for {what}")
    return None
