"""`manage.py saga`: look at sagas, run the sweeper, settle what waits for a person."""

import json
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from booking.management.saga import VERBS
from booking.management.saga.answer import Answer, Declined


class Command(BaseCommand):
    """Run one of the subcommands in `booking/management/saga/`.

    Exit status: 0 done; 1 looked and found something wrong; 2 bad arguments; 3 no such saga or
    flow; 4 its state does not allow it, nothing was done.
    """

    help = f"Operate the sagas: {', '.join(VERBS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare every subcommand, each with `--json`."""
        subparsers = parser.add_subparsers(dest="verb", required=True)
        for name, verb in VERBS.items():
            declared = subparsers.add_parser(name, help=verb.HELP, description=verb.__doc__)
            verb.declare(declared)
            declared.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: object, **options: Any) -> None:
        """Run the subcommand and print its answer."""
        try:
            answer: Answer = VERBS[options["verb"]].run(options)
        except Declined as error:
            if options["json"]:
                self._print_json({"error": error.code, "message": error.message})
            raise CommandError(str(error), returncode=error.status) from error
        if options["json"]:
            self._print_json(answer.value)
        for line in [] if options["json"] else answer.lines:
            self.stdout.write(line)
        if answer.status:
            raise SystemExit(answer.status)

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False))
