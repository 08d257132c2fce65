"""Fill a development installation: the sandbox's partners, an operator, a traveller."""

import json
from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice import roles
from booking import commands
from booking.models import Account
from identity.models import User
from providers import services as providers

OPERATOR: Final = "operator@example.com"
TRAVELLER: Final = "traveller@example.com"
SUPPORT: Final = "support@example.com"
OFFICER: Final = "privacy@example.com"


class Command(BaseCommand):
    """Seed; a second run changes nothing."""

    help = "Register the sandbox's partners and create demo logins; print them as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let the passwords be chosen."""
        parser.add_argument("--password", default="sandbox-demo-login", help="for all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, unless this is production.

        Raises:
            CommandError: these logins would be an open door in production.
        """
        if not settings.DEBUG:
            raise CommandError("seed creates known passwords: it runs with DJANGO_DEBUG=1 only.")
        providers.register_sandbox_partners(base_url=settings.SANDBOX_URL)
        password = options["password"]
        _create_operator(password)
        _create_traveller(password)
        _create_staff(SUPPORT, "support", password)
        _create_staff(OFFICER, "privacy officer", password)
        logins = [
            {"role": "operator", "email": OPERATOR, "password": password},
            {"role": "traveller", "email": TRAVELLER, "password": password},
            {"role": "support", "email": SUPPORT, "password": password},
            {"role": "privacy officer", "email": OFFICER, "password": password},
        ]
        self.stdout.write(json.dumps({"logins": logins}))


def _create_operator(password: str) -> None:
    if not User.objects.filter(email=OPERATOR).exists():
        User.objects.create_superuser(OPERATOR, password, full_name="Olga Operator")


def _create_staff(email: str, role: str, password: str) -> None:
    if not User.objects.filter(email=email).exists():
        user = User.objects.create_user(email, password, full_name=role.title(), is_staff=True)
        user.groups.add(roles.group(role))


def _create_traveller(password: str) -> None:
    if not Account.objects.filter(user__email=TRAVELLER).exists():
        commands.register_account(email=TRAVELLER, password=password, full_name="Toni Traveller")
