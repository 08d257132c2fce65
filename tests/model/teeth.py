"""Where each seeded bug shows: the smallest configuration that sees it."""

from typing import Final

from tests.model.world import A, B, C, D, Setting

SMALL: Final = Setting(partners=(A,), faults=1)
PAIR: Final = Setting(faults=1)
CRASH: Final = Setting(partners=(A,), crashes=1, faults=1)
STUBBORN: Final = Setting(faults=1, cancels=1, stubborn=True)
CANCEL: Final = Setting(partners=(A,), faults=1, cancels=1)

EXHAUSTIVE: Final[dict[str, Setting]] = {
    "new_key_on_retry": SMALL,
    "timeout_is_failure": SMALL,
    "compensates_only_done": CRASH,
    "skips_the_refused_step": PAIR,
    "no_intent": Setting(partners=(C,), crashes=1, faults=1),
    "no_sticky": CRASH,
    "gives_up": CANCEL,
    "no_fence": Setting(partners=(A,), sleeps=1, faults=1),
    "no_fence_out": Setting(partners=(C,), sleeps=1, cancels=1),
    "no_verify": Setting(partners=(B,), crashes=1, faults=1),
    "blind_retry": SMALL,
    "no_resend_quiet": Setting(partners=(C,), crashes=1, faults=1),
    "no_lease": Setting(partners=(C,), sleeps=1, cancels=1, quiet=5),
    "no_deadline": Setting(partners=(C,), sleeps=1, cancels=1),
    "new_key_too_early": CANCEL,
    "changes_unspent_keys": Setting(
        partners=(A,), sleeps=1, faults=1, asleep_at_the_send=True, where=frozenset({"capture"})
    ),
    "not_due_again": SMALL,
    "lying_answer": CANCEL,
    "cancel_during_capture": CANCEL,
    "captures_early": PAIR,
    "unknown_pivot_turns_back": SMALL,
    "no_annulment": Setting(partners=(A,), faults=2, where=frozenset({"capture"})),
    "no_lease_wait": Setting(partners=(C,), sleeps=1, cancels=1, quiet=5),
    "first_failure_stops_the_rest": Setting(partners=(D,), crashes=1, faults=1),
    "half_done_goes_on": STUBBORN,
    "half_done_turns_back": STUBBORN,
    "completes_without_the_tail": SMALL,
    "resends_the_unaskable": Setting(partners=(D,), faults=1),
}
"""Bugs that the search of every choice sees."""

AT_RANDOM: Final[dict[str, tuple[Setting, range]]] = {
    "two_sagas": (Setting(partners=(A, B), faults=6, cancels=2), range(50)),
}
"""Bugs that need several workers at once, or times that only chance brings together: with seeds that do."""

REPLAYED: Final[dict[str, tuple[Setting, list[int]]]] = {
    "quiet_when_recorded": (
        Setting(partners=(C,), crashes=1, sleeps=1, faults=1, delays=1, where=frozenset({"book"})),
        [0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 1, 1, 1],
    ),
}
"""Bugs that one rare way shows: its choices. A request is on its way when its worker dies; the next worker asks,
hears that there is nothing, sleeps while it lands, and records when the quiet period is over."""
