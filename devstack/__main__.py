"""The command line: `python -m devstack demo|run|test|manage|shell|stop`."""

import argparse
import sys

from devstack import commands, interrupts
from devstack.errors import CannotStartError
from devstack.process import NotReadyError

_INTERRUPTED = 130
_PASS_ON = (commands.test, commands.manage, commands.shell)
_COMMANDS = {
    command.__name__: command for command in (commands.demo, commands.run, commands.stop, *_PASS_ON)
}


def main() -> int:
    """Do what the command line asks for and return the exit status."""
    options = _parse()
    interrupts.stop_on_signals()
    try:
        return int(options.command(options))
    except (CannotStartError, NotReadyError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return _INTERRUPTED


def _parse() -> argparse.Namespace:
    """Return the options; words that `test`, `manage` and `shell` do not know go on to others."""
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="|".join(_COMMANDS))
    parsers = {name: verbs.add_parser(name, help=run.__doc__) for name, run in _COMMANDS.items()}
    for name, command in _COMMANDS.items():
        parsers[name].set_defaults(command=command)
    parsers["demo"].add_argument("--verbose", action="store_true", help="print the logs as well")
    parsers["run"].add_argument("--port", type=int, help="of the web server, 8000 by default")
    parsers["run"].add_argument("--quiet", action="store_true", help="do not print the logs")
    options, words = parser.parse_known_args()
    options.words = words
    if words and options.command not in _PASS_ON:
        parser.error(f"unrecognized arguments: {' '.join(words)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
