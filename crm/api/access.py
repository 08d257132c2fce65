"""For which provider a request works: its login's membership decides, never the path."""

import uuid
from typing import Final, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request

from crm import selectors
from crm.domain import ChannelUnsupported, CustomerUnknown, KeyReused, NotAChoice
from crm.models import Membership, Repeatable, Role
from identity import problems
from identity.api import idempotency_key
from identity.models import User

NO_MEMBERSHIP: Final = problems.declare(
    code="no_membership", status=403, title="This login works for no provider"
)
PROVIDER_REQUIRED: Final = problems.declare(
    code="provider_required", status=400, title="This login works for several providers"
)
PROVIDER_UNKNOWN: Final = problems.declare(
    code="provider_unknown", status=404, title="This login does not work for such a provider"
)
READ_ONLY: Final = problems.declare(
    code="read_only_member", status=403, title="This login may look, not write"
)
problems.register(CustomerUnknown, status=404, title="There is no such customer")
problems.register(NotAChoice, status=400, title="Transactional messages are not a choice")
problems.register(ChannelUnsupported, status=400, title="Only e-mail is sent from here")
problems.register(KeyReused, status=422, title="The Idempotency-Key was used with another body")


def user_id(request: Request) -> UUID:
    """Return who asks."""
    return cast(User, request.user).pk


def reading(request: Request) -> UUID:
    """Return the provider whose rows the request may read.

    Raises:
        problems.Problem: no membership, not the named one, or several and none named.
    """
    return _membership(request).provider_id


def writing(request: Request) -> UUID:
    """Return the provider for which the request may write.

    Raises:
        problems.Problem: as for `reading`, or the role may only look.
    """
    membership = _membership(request)
    if membership.role == Role.READ_ONLY:
        raise problems.Problem(READ_ONLY)
    return membership.provider_id


def key_of(request: Request) -> str | None:
    """Return the request's Idempotency-Key, made unique to its user; None if it has none.

    Raises:
        problems.Problem: the key cannot be used.
    """
    key = idempotency_key.key_of(request)
    return None if key is None else f"{user_id(request).hex}:{key}"


def replayed(row: Repeatable) -> dict[str, str]:
    """Return the header that says so where a repeated request was answered with what it had made."""
    return idempotency_key.REPLAYED if row.was_there else {}


def new_key() -> str:
    """Return a key for a request that brought none."""
    return f"request:{uuid.uuid4()}"


def _membership(request: Request) -> Membership:
    memberships = list(selectors.memberships_of(user_id=user_id(request)))
    if not memberships:
        raise problems.Problem(NO_MEMBERSHIP)
    slug = request.query_params.get("provider")
    if slug is None and len(memberships) > 1:
        raise problems.Problem(PROVIDER_REQUIRED, detail="Name one: ?provider=<slug>.")
    found = [row for row in memberships if slug in (None, row.provider.slug)]
    if not found:
        raise problems.Problem(PROVIDER_UNKNOWN)
    return found[0]


def search_of(request: Request) -> str:
    """Return what the request searches for, "" for nothing.

    Raises:
        ValidationError: a text that no row can hold.
    """
    field = serializers.CharField(max_length=200, allow_blank=True, required=False)
    try:
        return str(field.run_validation(request.query_params.get("search", "")))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"search": error.detail}) from error
