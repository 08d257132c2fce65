"""What is said while a run goes on, and which processes ended without being asked to."""

import re
import sys
import time
from collections import Counter

DIED = re.compile(r"^(\S+) ended with status (\S+), again in")


class Journal:
    """Print one line for each stage to stderr; count the deaths that the supervisor reports."""

    def __init__(self) -> None:
        """Begin to count seconds."""
        self.deaths: Counter[str] = Counter()
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        """Take one line."""
        if died := DIED.match(line):
            self.deaths[f"{died[1]} (status {died[2]})"] += 1
        sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {line}\n")
        sys.stderr.flush()
