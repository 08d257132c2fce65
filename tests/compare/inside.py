"""Run one measurement inside Django, in the environment of a running stack, and print its result as JSON.

`python -m tests.compare.inside trips.stories`: a process of its own, because the losers' events and
handlers must not be declared in any other.
"""

import json
import sys

import django
from django.utils.module_loading import import_string


def main(names: list[str], options: str) -> None:
    """Call each `tests.compare.<name>`, with the options that are given for it."""
    django.setup()
    given = json.loads(options)
    found = {}
    for name in names:
        found[name] = import_string(f"tests.compare.{name}")(**given.get(name, {}))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[2:], sys.argv[1])
