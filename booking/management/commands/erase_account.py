"""Erase a traveller's account: on request of the traveller, by an operator."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from booking import commands
from booking.models import Account


class Command(BaseCommand):
    """Forget who a traveller is, in every context."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for the account."""
        parser.add_argument("account_id", type=UUID)

    def handle(self, *args: Any, account_id: UUID, **options: Any) -> None:
        """Erase it.

        Raises:
            CommandError: there is no such account.
        """
        try:
            commands.erase_account(account_id=account_id)
        except Account.DoesNotExist as error:
            raise CommandError(f"There is no account {account_id}.") from error
        self.stdout.write(f"{account_id} is erased; what listens hears of it")
