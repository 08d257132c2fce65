"""What may become of a call, and when a worker may die: what the state machine draws from."""

from typing import Final

from hypothesis import strategies as st

SENDS: Final = ("authorise", "book", "capture", "cancel", "void", "refund", "probe")
WORDS: Final = ("ok", "no", "lost", "unanswered", "late", "unsent", "saved", "wait")
IMPOSSIBLE: Final = {
    "authorise": {"ok"},
    "book": {"ok", "saved", "wait"},
    "capture": {"ok", "wait"},
    "cancel": {"ok", "saved", "wait"},
    "void": {"ok", "no", "saved", "wait"},
    "refund": {"ok", "wait"},
    "probe": {"ok", "no", "late", "unanswered", "saved", "wait"},
}
TROUBLE: Final = [
    (operation, word) for operation in SENDS for word in WORDS if word not in IMPOSSIBLE[operation]
]

Ordeal = tuple[str, str] | None
ORDEAL: Final = st.none() | st.sampled_from(TROUBLE)
"""How the next call of an operation ends."""
DEATH: Final = st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 5])
"""At which door from now a worker is killed; 0: at none."""
