"""A provider's customers: who they are, what happened, what they want, what is said to them.

Every view first asks for which provider the login works; every selector and command then names it.
"""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from crm import selectors
from crm.api import access, serializers
from crm.api.pages import PageQuery, Pages
from crm.commands import customers
from crm.domain import Choice
from identity.api.schema import KEY_SCHEMA, answers
from identity.endpoint import Endpoint

DESK = OpenApiParameter("provider", str, description="Slug; needed if the login works for several.")
SEARCH = OpenApiParameter(
    "search",
    {"type": "string", "maxLength": 200},
    description="A part of the e-mail address or the name.",
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    KEY_SCHEMA,
    OpenApiParameter.HEADER,
    description="Repeating a request with its key acts once.",
)
TAGS = ["crm"]


class Desks(Endpoint):
    """The providers for which a login works."""

    @extend_schema(
        operation_id="crm_providers_list",
        summary="List the providers one works for",
        tags=TAGS,
        responses=answers({200: serializers.Desks}, 401),
    )
    def get(self, request: Request) -> Response:
        """Return the memberships of the login."""
        memberships = selectors.memberships_of(user_id=access.user_id(request))
        return Response(serializers.Desks({"providers": memberships}).data)


class Customers(Endpoint):
    """The customers of a provider."""

    @extend_schema(
        operation_id="crm_customers_list",
        summary="List customers",
        tags=TAGS,
        parameters=[DESK, SEARCH, PageQuery],
        responses=answers({200: serializers.CustomerPage}, 400, 401, 403, 404),
    )
    def get(self, request: Request) -> Response:
        """Return one page, latest booking first."""
        provider_id = access.reading(request)
        search = access.search_of(request)
        pages = Pages("-recent_at", "-id")
        rows = pages.rows_of(
            selectors.customers_of(provider_id=provider_id, search=search), request
        )
        values = selectors.lifetime_values(
            provider_id=provider_id, account_ids=[row.profile_id for row in rows]
        )
        shown = serializers.Customer(rows, many=True, context={"values": values})
        return Response(pages.answer(shown.data))


class Customer(Endpoint):
    """One customer."""

    @extend_schema(
        operation_id="crm_customers_get",
        summary="Show a customer",
        tags=TAGS,
        parameters=[DESK],
        responses=answers({200: serializers.Customer}, 400, 401, 403, 404),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the profile and what the two have been through together."""
        provider_id = access.reading(request)
        row = selectors.relationship(provider_id=provider_id, account_id=account_id)
        values = selectors.lifetime_values(provider_id=provider_id, account_ids=[account_id])
        return Response(serializers.Customer(row, context={"values": values}).data)


class Timeline(Endpoint):
    """What happened between a provider and a customer."""

    @extend_schema(
        operation_id="crm_timeline_list",
        summary="Show a customer's timeline",
        tags=TAGS,
        parameters=[DESK, PageQuery],
        responses=answers({200: serializers.InteractionPage}, 400, 401, 403, 404),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return one page, newest first."""
        rows = selectors.timeline(provider_id=access.reading(request), account_id=account_id)
        pages = Pages("-occurred_at", "-position", "id")
        shown = serializers.Interaction(pages.rows_of(rows, request), many=True)
        return Response(pages.answer(shown.data))


class Preferences(Endpoint):
    """What a customer wants to receive."""

    @extend_schema(
        operation_id="crm_preferences_get",
        summary="Show a customer's preferences",
        tags=TAGS,
        parameters=[DESK],
        responses=answers({200: serializers.Preferences}, 400, 401, 403, 404),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return the latest word for each channel and purpose."""
        return self._current(access.reading(request), account_id)

    @extend_schema(
        operation_id="crm_preferences_put",
        summary="Record what a customer wants",
        tags=TAGS,
        parameters=[DESK],
        request=serializers.Preferences,
        responses=answers({200: serializers.Preferences}, 400, 401, 403, 404),
    )
    def put(self, request: Request, account_id: UUID) -> Response:
        """Append to the ledger what is new; what is not named stays as it was."""
        provider_id = access.writing(request)
        body = serializers.Preferences(data=request.data)
        body.is_valid(raise_exception=True)
        customers.record_preferences(
            provider_id=provider_id,
            account_id=account_id,
            choices=[Choice(**row) for row in body.validated_data["preferences"]],
            source="staff",
            recorded_by=access.user_id(request),
        )
        return self._current(provider_id, account_id)

    def _current(self, provider_id: UUID, account_id: UUID) -> Response:
        rows = selectors.preferences(provider_id=provider_id, account_id=account_id)
        return Response(serializers.Preferences({"preferences": rows}).data)


class Notes(Endpoint):
    """What agents want to remember about a customer."""

    @extend_schema(
        operation_id="crm_notes_list",
        summary="List notes",
        tags=TAGS,
        parameters=[DESK, PageQuery],
        responses=answers({200: serializers.NotePage}, 400, 401, 403, 404),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return one page, newest first."""
        rows = selectors.notes(provider_id=access.reading(request), account_id=account_id)
        pages = Pages("-created_at", "id")
        shown = serializers.Note(pages.rows_of(rows, request), many=True)
        return Response(pages.answer(shown.data))

    @extend_schema(
        operation_id="crm_notes_create",
        summary="Add a note",
        tags=TAGS,
        parameters=[DESK, KEY],
        request=serializers.Note,
        responses=answers({201: serializers.Note}, 400, 401, 403, 404, 422),
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Keep a note."""
        provider_id = access.writing(request)
        body = serializers.Note(data=request.data)
        body.is_valid(raise_exception=True)
        note = customers.add_note(
            provider_id=provider_id,
            account_id=account_id,
            author_id=access.user_id(request),
            key=access.key_of(request),
            **body.validated_data,
        )
        return Response(
            serializers.Note(note).data, status.HTTP_201_CREATED, headers=access.replayed(note)
        )


class Messages(Endpoint):
    """What was, is or will be said to a customer."""

    @extend_schema(
        operation_id="crm_messages_list",
        summary="List messages",
        tags=TAGS,
        parameters=[DESK, PageQuery],
        responses=answers({200: serializers.MessagePage}, 400, 401, 403, 404),
    )
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return one page, newest first."""
        rows = selectors.messages(provider_id=access.reading(request), account_id=account_id)
        pages = Pages("-queued_at", "id")
        shown = serializers.Message(pages.rows_of(rows, request), many=True)
        return Response(pages.answer(shown.data))

    @extend_schema(
        operation_id="crm_messages_create",
        summary="Queue a message",
        description="Whether it may leave is decided when it is sent: see `status` and `reason`.",
        tags=TAGS,
        parameters=[DESK, KEY],
        request=serializers.Message,
        responses=answers({202: serializers.Message}, 400, 401, 403, 404, 422),
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        """Queue one message."""
        provider_id = access.writing(request)
        body = serializers.Message(data=request.data)
        body.is_valid(raise_exception=True)
        message = customers.queue_message(
            provider_id=provider_id,
            account_id=account_id,
            author_id=access.user_id(request),
            key=access.key_of(request) or access.new_key(),
            **body.validated_data,
        )
        return Response(
            serializers.Message(message).data,
            status.HTTP_202_ACCEPTED,
            headers=access.replayed(message),
        )
