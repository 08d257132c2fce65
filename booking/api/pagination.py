"""Cursor pagination: a page goes on where the last one ended, whatever was added meanwhile."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from rest_framework.request import Request

from identity import problems
from reservation import services as reservation

CURSOR_INVALID: Final = problems.declare(
    code="cursor_invalid", status=400, title="The cursor is not one of ours"
)


def cursor_of(summary: reservation.ReservationSummary) -> str:
    """Return the cursor of the page that follows a reservation."""
    place = f"{summary.created_at.isoformat()}|{summary.reservation_id.hex}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """Return (created_at, reservation_id) of the last reservation of the page before.

    Raises:
        problems.Problem: the text is no cursor of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created_at, _, reservation_id = base64.urlsafe_b64decode(padded).decode().partition("|")
        place = datetime.fromisoformat(created_at), UUID(hex=reservation_id)
    except (ValueError, binascii.Error) as error:
        raise problems.Problem(CURSOR_INVALID) from error
    if place[0].tzinfo is None:
        raise problems.Problem(CURSOR_INVALID)
    return place


def next_url(
    request: Request, found: Sequence[reservation.ReservationSummary], *, limit: int
) -> str | None:
    """Return the address of the next page when one more than `limit` was found, else None."""
    if len(found) <= limit:
        return None
    query = {**request.query_params.dict(), "limit": limit, "cursor": cursor_of(found[limit - 1])}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
