"""What must be true at rest, whatever was done: every rule a function from the books to what breaks it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from devstack import judge
from tests.chaos import projection
from tests.chaos.books import Books, Case
from tests.chaos.client import Receipt

Rule = Callable[[Books], list[str]]

OF_PARKED: Final = frozenset(
    {
        "at most one capture",
        "no leg was ever booked twice",
        "the saga is over or parked with a reason",
    }
)
"""What holds even while a person has to settle the rest."""


def violations(books: Books) -> dict[str, list[str]]:
    """Return rule -> what breaks it; every rule is there, with an empty list where it holds."""
    found: dict[str, list[str]] = {name: [] for name in JUDGED}
    for case in books.cases:
        for name in _judged(case):
            found[name].append(case.id)
    return found | {name: rule(books) for name, rule in RULES.items()}


def _judged(case: Case) -> list[str]:
    broken = judge.violations(case.page(), case.theirs)
    if not case.flows:  # a draft has no flow to be over
        broken = [name for name in broken if name != "the saga is over or parked with a reason"]
    return [name for name in broken if name in OF_PARKED] if case.parked else broken


def _settled(books: Books) -> Iterator[Case]:
    return (case for case in books.cases if not case.parked)


def sagas_end(books: Books) -> list[str]:
    """Every saga is final or parked with a reason, and no call is left claimed."""
    live = [
        f"{saga['name']} {saga['id']} is {saga['state']}"
        for saga in books.tables["sagas"]
        if saga["finished_at"] is None and not (saga["attention_reason"] or "").strip()
    ]
    claimed = [f"{row['step']} {row['item']} is claimed" for row in books.tables["claimed"]]
    return live + claimed


def statuses_follow(books: Books) -> list[str]:
    """A reservation is what its last flow made of it."""
    ends = {
        ("confirm-reservation", "completed"): "confirmed",
        ("confirm-reservation", "failed"): "failed",
        ("confirm-reservation", "cancelled"): "cancelled",
        ("cancel-reservation", "completed"): "cancelled",
        ("cancel-reservation", "failed"): "confirmed",
    }
    return [
        f"{case.id} is {case.reservation['status']} after {last['name']} {last['state']}"
        for case in _settled(books)
        for last in case.flows[-1:]
        if case.reservation["status"] != ends.get((last["name"], last["state"]))
    ]


def one_final_event(books: Books) -> list[str]:
    """Every end of a flow has told exactly one final event, and nothing else has."""
    return [
        f"{case.id} told {dict(told)} instead of {dict(due)}"
        for case in books.cases
        if (told := _final_events(case)) != (due := _final_events_due(case))
    ]


def _final_events(case: Case) -> Counter[str]:
    words = [name.split(".")[1] for name in case.events if name.startswith("reservation.")]
    return Counter(word for word in words if word in judge.FINAL_FACTS)


def _final_events_due(case: Case) -> Counter[str]:
    due: Counter[str] = Counter()
    for saga in case.flows:
        if saga["name"] == "confirm-reservation" and saga["finished_at"]:
            due["confirmed" if saga["state"] == "completed" else saga["state"]] += 1
        elif saga["state"] == "completed":
            due["cancelled"] += 1
    if not case.flows and case.reservation["status"] == "cancelled":
        due["cancelled"] += 1
    return due


def orders_agree(books: Books) -> list[str]:
    """The orders that we believe to be booked are exactly those that the partners hold."""
    wrong = []
    for case in _settled(books):
        ours = Counter(o["confirmation_code"] for o in case.orders if o["status"] == "booked")
        held = [o for o in case.theirs["orders"] if o["status"] == "confirmed"]
        theirs = Counter(order["confirmation_code"] for order in held)
        if ours != theirs:
            wrong.append(f"{case.id}: ours {sorted(ours)}, theirs {sorted(theirs)}")
    return wrong


def money_agrees(books: Books) -> list[str]:
    """What we believe was taken and given back is what the card processor did, to the cent."""
    wrong = []
    for case in _settled(books):
        ours = [
            sum((p[column] for p in case.payments), Decimal(0))
            for column in ("captured_amount", "refunded_amount")
        ]
        theirs = [
            Decimal(sum(row["amount"] for row in case.theirs[kind])) / 100
            for kind in ("captures", "refunds")
        ]
        if ours != theirs:
            wrong.append(f"{case.id}: ours {ours}, theirs {theirs}")
    return wrong


def one_capture(books: Books) -> list[str]:
    """No reservation was charged twice, over all its attempts."""
    return [case.id for case in books.cases if len(case.theirs["captures"]) > 1]


def promises_kept(books: Books) -> list[str]:
    """Whatever a client was told with 2xx is in our rows."""
    cases = {case.id: case for case in books.cases}
    last_card = _last_cards(books)
    broken = []
    for receipt in books.receipts:
        case = cases.get(receipt.reservation_id)
        trouble = "the reservation is gone" if case is None else _broken(receipt, case, last_card)
        if trouble:
            broken.append(f"{receipt.command} {receipt.status} {receipt.reservation_id}: {trouble}")
    return broken


def _broken(receipt: Receipt, case: Case, last_card: Mapping[str, str]) -> str:
    names = [saga["name"] for saga in case.sagas]
    match receipt.command:
        case "reservations":
            told = (receipt.body["amount"], receipt.body["currency"])
            ours = (f"{case.reservation['amount']:.2f}", case.reservation["currency"])
            same = Decimal(told[0]) == Decimal(ours[0]) and told[1] == ours[1]
            return "" if same else f"{told} became {ours}"
        case "payment":
            current = [p["method"] for p in case.payments if p["superseded_at"] is None]
            wanted = [last_card[case.id]]
            return "" if current == wanted else f"{wanted} became {current}"
        case "confirm":
            return "" if "confirm-reservation" in names else "no flow was started"
        case "cancel":
            return _not_cancelled(case)
    return f"unknown command {receipt.command}"


def _not_cancelled(case: Case) -> str:
    """Tell why a cancellation that was accepted did not happen; "" if it did, or a partner refused it."""
    stands = [s for s in case.sagas if s["name"] == "cancel-reservation" and s["state"] == "failed"]
    bought = case.reservation["status"] in {"confirmed", "confirming", "held", "draft"}
    return f"it is {case.reservation['status']}" if bought and not (stands or case.parked) else ""


def _last_cards(books: Books) -> dict[str, str]:
    cards = [r for r in books.receipts if r.command == "payment"]
    return {r.reservation_id: str((r.given or {})["method"]) for r in cards}


def same_answers(books: Books) -> list[str]:
    """The same key was always answered in the same way."""
    answers = defaultdict(list)
    for receipt in books.receipts:
        if receipt.key:
            answer = (receipt.status, receipt.body)
            known = answers[receipt.command, receipt.reservation_id, receipt.key]
            if answer not in known:
                known.append(answer)
    twice = _composed_twice(books.receipts)
    return twice + [f"{name}: {known}" for name, known in answers.items() if len(known) > 1]


def _composed_twice(receipts: Any) -> list[str]:
    made = defaultdict(set)
    for receipt in receipts:
        if receipt.command == "reservations":
            made[receipt.key].add(receipt.reservation_id)
    return [f"key {key} made {sorted(ids)}" for key, ids in made.items() if len(ids) > 1]


JUDGED: Final = (
    "money kept if and only if confirmed",
    "at most one capture",
    "every leg booked exactly once if confirmed",
    "no partner booking without a confirmed reservation",
    "no authorisation left on the card",
    "the saga is over or parked with a reason",
    "no leg was ever booked twice",
)
"""The rules of `devstack.judge`, which the demo and the stories use too."""

RULES: Final[Mapping[str, Rule]] = {
    "every saga is final or parked with a reason": sagas_end,
    "a reservation is what its last flow made of it": statuses_follow,
    "exactly one final event for each end": one_final_event,
    "our orders are the partners'": orders_agree,
    "our money is the processor's": money_agrees,
    "no reservation is charged twice": one_capture,
    "every 2xx is durable": promises_kept,
    "the same key, the same answer": same_answers,
    "CRM is the fold of the log": projection.differences,
    "every event is applied once": projection.deliveries,
}
