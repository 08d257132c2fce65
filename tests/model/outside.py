"""The outside world: partners of each class and a card processor, each with a ledger of its own.

An effect happens at once; whether its answer comes back is decided elsewhere (`calls.py`).
"""

from dataclasses import dataclass, field

from outbound.call import Idempotency

YES, NO, WAIT, ABSENT, TROUBLE = "yes", "no", "wait", "absent", "trouble"


@dataclass
class Partner:
    """One leg's partner; what it promises when a call is repeated is its class."""

    idempotency: Idempotency
    orders: dict[str, int] = field(default_factory=dict)
    """Orders that stand, by key; class C and D may hold several under one."""
    gone: set[str] = field(default_factory=set)
    """Keys that can be booked no more: cancelled (class A: also in advance)."""
    most: int = 0
    """The most orders that ever stood at once: more than one was a double booking."""

    @property
    def standing(self) -> int:
        """Return how many orders stand."""
        return sum(self.orders.values())

    def book(self, key: str) -> str:
        """Order once per key, or (class C, D) once per request."""
        keyed = self.idempotency in {Idempotency.A, Idempotency.B}
        if key in self.gone and keyed:
            return NO
        if not keyed or not self.orders.get(key):
            self.orders[key] = self.orders.get(key, 0) + 1
            self.most = max(self.most, self.standing)
        return YES

    def look_up(self, key: str) -> str:
        """Say what became of a key's order; class D cannot."""
        if self.idempotency is Idempotency.D:
            return TROUBLE
        standing = self.orders.get(key, 0)
        if standing > 1:
            return TROUBLE  # which of them? the gateway reports a mismatch
        if standing:
            return YES
        return NO if key in self.gone and self.idempotency is not Idempotency.C else ABSENT

    def cancel(self, key: str) -> str:
        """Cancel whatever stands for a key; class A leaves a tombstone even when nothing does."""
        if self.orders.pop(key, 0) or self.idempotency is Idempotency.A:
            self.gone.add(key)
        return YES


@dataclass
class Processor:
    """One payment at the card processor: its state admits one capture, and cancelling it is a tombstone."""

    state: str = "unconfirmed"
    saved: dict[str, str] = field(default_factory=dict)
    """Answers that are replayed for their key: a no, an error."""
    captures: int = 0
    refunds: set[str] = field(default_factory=set)
    undone: bool = False
    """A captured payment was given back by a void."""

    def authorise(self, key: str) -> str:
        """Reserve the amount, unless the payment is past that."""
        if key in self.saved:
            return self.saved[key]
        if self.state in {"unconfirmed", "refused"}:
            self.state = "authorised"
        return self.authorisation(key)

    def authorisation(self, key: str) -> str:
        """Say what the payment's state means for an authorisation."""
        return {
            "unconfirmed": ABSENT,
            "authorised": YES,
            "waiting": WAIT,
            "refused": NO,
            "cancelled": NO,
        }.get(self.state, TROUBLE)

    def capture(self, key: str) -> str:
        """Take the amount, if it is reserved."""
        if key in self.saved and self.state != "captured":
            return self.saved[key]
        if self.state == "authorised":
            self.state = "captured"
            self.captures += 1
        return self.captured(key)

    def captured(self, key: str) -> str:
        """Say what the payment's state means for a capture."""
        return {"captured": YES, "authorised": ABSENT, "cancelled": NO}.get(self.state, TROUBLE)

    def void(self, key: str) -> str:
        """Cancel the payment whatever its state; give it back if it was captured."""
        if self.state == "captured":
            self.undone = True
        else:
            self.state = "cancelled"
        return YES

    def annul(self, key: str) -> str:
        """Cancel the payment unless it was captured: then the capture stands."""
        if self.state == "captured":
            return NO
        return self.void(key)

    def refund(self, key: str) -> str:
        """Give the amount back, once per key."""
        if key in self.saved:
            return self.saved[key]
        if self.state != "captured":
            return NO
        self.refunds.add(key)
        return YES

    def refunded(self, key: str) -> str:
        """Say whether a key's refund was made."""
        return YES if key in self.refunds else ABSENT
