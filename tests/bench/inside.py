"""Run one measurement inside Django, with the environment of the running stack, and print its result as JSON.

`python -m tests.bench.inside trips.burst '{"count": 100}'`: a process of its own, because Django reads
its settings once, and the servers' addresses are known only after they were started.
"""

import json
import sys

import django
from django.utils.module_loading import import_string


def main(name: str, options: str) -> None:
    """Call `tests.bench.<name>` with the options."""
    django.setup()
    measure = import_string(f"tests.bench.{name}")
    sys.stdout.write(json.dumps(measure(**json.loads(options))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
