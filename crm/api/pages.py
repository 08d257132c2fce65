"""Cursor pagination: a page stays where it is while rows are added before it."""

from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from identity.api import fields


class PageQuery(serializers.Serializer[Any]):
    """Which page of a list."""

    cursor = fields.Pattern(
        r"^[A-Za-z0-9+/=]{1,500}$",
        required=False,
        help_text="Where the page begins: taken from `next` or `previous`.",
    )
    limit = fields.Count(default=50, min_value=1, max_value=200, help_text="Rows on a page.")


class Pages(CursorPagination):
    """Pages ordered by an instant, newest first."""

    def __init__(self, *ordering: str) -> None:
        self._fields = ordering

    def get_ordering(self, *args: Any) -> tuple[str, ...]:
        """Return the fields to sort by; the first is the instant."""
        return self._fields

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor.

        Raises:
            ValidationError: it is not one that a page gave out.
        """
        try:
            cursor: Cursor | None = super().decode_cursor(request)
        except NotFound as error:
            raise _not_ours() from error
        if cursor is not None and cursor.position is not None:
            _check_instant(str(cursor.position))
        return cursor

    def get_page_size(self, request: Request) -> int:
        """Return how many rows are asked for.

        Raises:
            ValidationError: it is no number from 1 to 200.
        """
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return int(query.validated_data["limit"])

    def rows_of(self, rows: QuerySet[Any], request: Request) -> list[Any]:
        """Return the rows of the page that the request asks for."""
        return self.paginate_queryset(rows, request) or []

    def answer(self, results: Any) -> dict[str, Any]:
        """Return the page as it travels: links to its neighbours beside the results."""
        return {
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
            "results": results,
        }


def _check_instant(text: str) -> None:
    try:
        instant = parse_datetime(text)
    except ValueError as error:
        raise _not_ours() from error
    if instant is None or instant.tzinfo is None:
        raise _not_ours()


def _not_ours() -> serializers.ValidationError:
    return serializers.ValidationError({"cursor": ["This cursor was not given out by a page."]})
