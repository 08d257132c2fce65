"""Write into the documents what is copied from the code: `python -m tests.architecture.rewrite`."""

import re
import sys

from sandbox import magic
from tests.architecture.documents import README, ROOT

SANDBOX = ROOT / "docs" / "sandbox.md"
SAGAS = ROOT / "booking" / "sagas.py"


def confirmation() -> str:
    """Return the table of the flow that books a trip, as `booking/sagas.py` has it."""
    found = re.search(r"^CONFIRM_RESERVATION = .*?^\)\n", SAGAS.read_text(), re.S | re.M)
    assert found, "booking/sagas.py has no CONFIRM_RESERVATION"
    return found.group()


def line_of(step: str) -> int:
    """Return the line of `booking/sagas.py` that names a step of the confirmation."""
    before, table, _ = SAGAS.read_text().partition(confirmation())
    upto = (before + table).partition(f'"{step}",')[0]
    return upto.count("\n") + 1


def readme(text: str) -> str:
    """Return the README with the table and the line numbers of today."""
    fenced = f"<!-- fmt: off -->\n```python\n{confirmation()}```\n<!-- fmt: on -->\n"
    return re.sub(
        r"(booking/sagas\.py:)\d+( +done +)(\w+)",
        lambda match: f"{match[1]}{line_of(match[3])}{match[2]}{match[3]}",
        _replaced(text, "saga", fenced),
    )


def sandbox(text: str) -> str:
    """Return the sandbox's page with the magic inputs of today."""
    return _replaced(text, "magic", f"\n{magic.markdown().strip()}\n\n")


def _replaced(text: str, name: str, inside: str) -> str:
    start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
    before, _, rest = text.partition(start)
    return before + start + inside + end + rest.partition(end)[2]


def main() -> int:
    """Rewrite both pages."""
    README.write_text(readme(README.read_text()))
    SANDBOX.write_text(sandbox(SANDBOX.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
