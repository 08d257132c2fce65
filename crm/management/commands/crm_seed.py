"""Give every provider that CRM knows a login for its staff; running it again changes nothing."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from backoffice import roles
from crm.models import Membership, Provider, Role
from identity.models import User

DEVELOPMENT_PASSWORD = "agents-look-after-travellers"  # noqa: S105 - set while DJANGO_DEBUG=1 only

ROLE = "provider staff"
"""What they may do in the back office."""


class Command(BaseCommand):
    """Create staff-<slug>@example.com for each provider and print the logins as JSON.

    In production the logins have no password: their owners set one through the password reset.
    """

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Create what is missing."""
        providers = Provider.objects.filter(slug__isnull=False).order_by("slug")
        self.stdout.write(json.dumps({"staff": [_staff_of(row) for row in providers]}, indent=2))


@transaction.atomic
def _staff_of(provider: Provider) -> dict[str, str | None]:
    email = f"staff-{provider.slug}@example.com"
    password = DEVELOPMENT_PASSWORD if settings.DEBUG else None
    user = User.objects.filter(email=email).first() or User.objects.create_user(
        email, password, full_name=f"Staff of {provider.name}", is_staff=True
    )
    if not user.is_staff:
        raise CommandError(f"{email} is the login of somebody who is not staff; nothing was given.")
    user.groups.add(roles.group(ROLE))
    Membership.objects.get_or_create(
        user=user, provider=provider, defaults={"role": Role.AGENT.value}
    )
    return {"provider": provider.slug, "email": email, "password": password}
