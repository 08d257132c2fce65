"""What a traveller is going to do: a trip of one to three legs, a card, and perhaps a change of mind."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PARTNERS: Final[Mapping[str, Mapping[str, float]]] = {
    "flight": {"skyways": 3, "budgetair": 2},
    "stay": {"restwell": 3, "oldinn": 2},
    "car": {"wheelio": 1},
}
"""Who sells what, of every class of idempotency, with weights."""

ORDINARY: Final[Mapping[str, float]] = {"standard": 4, "flex": 3, "saver": 1}
SPOILT: Final[Mapping[str, float]] = {
    "sold-out": 3,
    "sold-out-late": 3,
    "refused": 1,
    "slow": 3,
    "slow-drip": 1,
    "timeout-before": 4,
    "timeout-after": 4,
    "timeout-always-after": 1,
    "late-effect": 3,
    "error-once": 3,
    "error-always": 0.5,
    "garbage-once": 2,
    "reset-once": 2,
    "cancel-fails-once": 3,
    "cancel-refused": 0.3,
}
"""Products with which a partner misbehaves (docs/sandbox.md)."""

SPOILT_SHARE: Final = 0.25
CARDS: Final[Mapping[str, float]] = {
    "pm_card_visa": 50,
    "pm_card_mastercard": 10,
    "pm_card_chargeDeclined": 3,
    "pm_card_chargeDeclinedInsufficientFunds": 1,
    "pm_card_declineAtCapture": 4,
    "pm_card_authenticationRequired": 5,
    "pm_card_authorise_timeout_before": 3,
    "pm_card_authorise_timeout_after": 3,
    "pm_card_capture_timeout_before": 3,
    "pm_card_capture_timeout_after": 4,
    "pm_card_slow": 3,
    "pm_card_error_once": 3,
    "pm_card_duplicateWebhook": 3,
    "pm_card_lateWebhook": 2,
    "pm_card_outOfOrderWebhook": 2,
    "pm_card_noWebhook": 2,
}
CANCELS: Final[Mapping[str, float]] = {
    "never": 68,
    "as a draft": 2,
    "in a race": 5,
    "on the way": 15,
    "afterwards": 10,
}
"""When a traveller cancels: before, at once with, shortly after the confirmation; after success."""


@dataclass(frozen=True, kw_only=True)
class Trip:
    """One traveller's intention; `cancel_after` in seconds, `wait` is what `Prefer: wait` says."""

    legs: tuple[tuple[str, str], ...]
    card: str
    cancel: str
    cancel_after: float
    wait: int | None
    copies: int
    again: bool
    passes_3ds: bool


def draw(dice: random.Random) -> Trip:
    """Draw a trip; the same dice give the same one."""
    kinds = dice.sample(sorted(PARTNERS), dice.choices([1, 2, 3], [2, 3, 4])[0])
    return Trip(
        legs=tuple(_leg(dice, kind) for kind in kinds),
        card=_one(dice, CARDS),
        cancel=_one(dice, CANCELS),
        cancel_after=dice.uniform(0, 1.5),
        wait=dice.choice([None, None, None, None, 1]),
        copies=dice.choice([1, 1, 1, 2, 3]),
        again=dice.random() < 0.4,
        passes_3ds=dice.random() < 0.85,
    )


def _leg(dice: random.Random, kind: str) -> tuple[str, str]:
    products = SPOILT if dice.random() < SPOILT_SHARE else ORDINARY
    return _one(dice, PARTNERS[kind]), _one(dice, products)


def _one(dice: random.Random, weights: Mapping[str, float]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]
