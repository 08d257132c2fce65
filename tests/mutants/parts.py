"""What is broken, and which tests have to notice."""

from dataclasses import dataclass
from typing import Final

ORCHESTRATOR: Final = "booking/orchestrator"
SAGAS: Final = "tests/integration/booking"
BUS: Final = "tests/integration/eventbus"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Files of one package that are broken, and the tests that look after them."""

    name: str
    package: str
    breaks: tuple[str, ...]
    tests: tuple[str, ...]


PARTS: Final = (
    Part(
        name="decide",
        package="booking",
        breaks=(f"{ORCHESTRATOR}/decide.py",),
        tests=("tests/unit/booking/test_decide.py", "tests/unit/booking/test_decide_limits.py"),
    ),
    Part(
        name="engine",
        package="booking",
        breaks=tuple(
            f"{ORCHESTRATOR}/{name}.py"
            for name in ("engine", "record", "moves", "operations", "compensation", "calls", "work")
        ),
        tests=(
            "tests/unit/booking/test_calls.py",
            "tests/unit/booking/test_compensation.py",
            "tests/unit/booking/test_moves.py",
            "tests/unit/booking/test_operations.py",
            "tests/unit/booking/test_recording.py",
            "tests/unit/booking/test_work.py",
            "tests/unit/booking/test_worker.py",
            f"{SAGAS}/test_rows.py",
            f"{SAGAS}/test_overtaking.py",
        ),
    ),
    Part(
        name="together",
        package="eventbus",
        breaks=("eventbus/together.py",),
        tests=(f"{BUS}/test_together.py",),
    ),
    Part(
        name="inbox",
        package="eventbus",
        breaks=("eventbus/inbox.py", "eventbus/delivery.py", "eventbus/retries.py"),
        tests=(
            "tests/unit/eventbus/test_receiving.py",
            f"{BUS}/test_inbox.py",
        ),
    ),
)
