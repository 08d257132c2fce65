"""The bus's command line: workers, and what operators ask of it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventbus import commandline


class Command(BaseCommand):
    """Run `manage.py eventbus <subcommand>`."""

    help = "Run the event bus's workers, look into it, and settle what waits for a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare every subcommand."""
        commandline.declare(parser.add_subparsers(dest="subcommand", required=True))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand; exit 1 when it found something wrong."""
        try:
            text, healthy = options["run"](options)
        except commandline.REFUSALS as error:
            raise CommandError(str(error)) from error
        if text:
            self.stdout.write(text)
        if not healthy:
            raise SystemExit(1)
