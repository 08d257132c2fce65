"""Signing up, as Booking would have to do it if it commanded CRM. The winner: `booking.commands.register_account`."""

import os
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction

from booking.models import Account
from identity import commands as identity
from outbound import http
from outbound.deadline import Deadline

SECONDS: Final = 2.0
"""How long a traveller who signs up waits for CRM."""


class CrmRefused(Exception):
    """CRM answered that it did not create the profile."""


def register_account(*, email: str, password: str, full_name: str, locale: str = "en") -> UUID:
    """Sign a traveller up and have CRM create the profile: both, or as good as possible neither.

    Raises:
        NotSent, NoAnswer: CRM is down, or silent; then nobody can sign up.
        CrmRefused: CRM said no.
    """
    with transaction.atomic():
        user_id = identity.create_user(email=email, password=password, full_name=full_name)
        account = Account.objects.create(user_id=user_id, full_name=full_name, locale=locale)
        identity.issue_token_for(user_id=user_id)
        _create_profile(account, email=email)
    return account.id


def _create_profile(account: Account, *, email: str) -> None:
    """Send CRM its command, in CRM's own words and to CRM's own address."""
    command = {
        "account_id": str(account.id),
        "email": email,
        "full_name": account.full_name,
        "locale": account.locale,
        "at": account.created_at.isoformat(),
    }
    answer = http.send(
        method="POST",
        url=f"{os.environ['CRM_URL']}/commands/create-profile",
        deadline=Deadline.within(SECONDS),
        headers={"content-type": "application/json"},
        content=msgspec.json.encode(command),
    )
    if answer.status != 201:
        raise CrmRefused(f"{answer.status}: {answer.body[:200]!r}")
