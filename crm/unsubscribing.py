"""Signed links with which a traveller declines further messages, without signing in (RFC 8058)."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing

_SALT: Final = "crm.unsubscribing"


class LinkRefused(ValueError):
    """The link was not written by us."""

    code = "unsubscribe_link_refused"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Which messages of which provider to whom."""

    provider_id: UUID
    account_id: UUID
    channel: str
    purpose: str


def link(*, provider_id: UUID, account_id: UUID, channel: str, purpose: str) -> str:
    """Return the URL to put into a message; it never expires, as a no must always be possible."""
    named = [provider_id.hex, account_id.hex, channel, purpose]
    token = signing.Signer(salt=_SALT).sign_object(named)
    return f"{settings.PUBLIC_URL}/api/v1/crm/unsubscribe/{token}"


def headers(url: str) -> dict[str, str]:
    """Return the mail headers that let a mail program offer its one-click button."""
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def read(token: str) -> Address:
    """Return what a link's token stands for.

    Raises:
        LinkRefused: forged or cut.
    """
    try:
        provider_id, account_id, channel, purpose = signing.Signer(salt=_SALT).unsign_object(token)
    except signing.BadSignature as error:
        raise LinkRefused("This link is not complete, or not one of ours.") from error
    return Address(
        provider_id=UUID(provider_id),
        account_id=UUID(account_id),
        channel=channel,
        purpose=purpose,
    )
