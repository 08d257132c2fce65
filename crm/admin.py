"""CRM in the back office: a provider's staff see the rows of their provider, operators see all.

Notes and preferences are added through commands, memberships by operators; the rest is to be looked at.
"""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from crm import forms, models, selectors
from crm.commands import customers
from identity.models import User


class _Desk(ModelAdmin):  # type: ignore[misc]
    """Rows of the providers for which the login works; nobody changes or deletes them here."""

    path_to_provider = "provider"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the login may see."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if _user(request).is_superuser:
            return rows
        mine = selectors.providers_of(user_id=_user(request).pk)
        return rows.filter(
            **{f"{self.path_to_provider}__in": mine.values("provider_id")}
        ).distinct()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let in operators and whoever works for a provider."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let in operators and whoever works for a provider; `get_queryset` says which rows."""
        user = _user(request)
        if not (user.is_active and user.is_staff):
            return False
        return user.is_superuser or selectors.providers_of(user_id=user.pk).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


class _AddingDesk(_Desk):
    """A page on which a row about a customer is added, through a command."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to whoever may write for a provider."""
        user = _user(request)
        return bool(user.is_staff) and _writable(user).exists()

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the providers for which the login may write."""
        if db_field.name == "provider":
            kwargs["queryset"] = _writable(_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(models.Provider)
class ProviderAdmin(_Desk):
    """The tenants."""

    path_to_provider = "pk"
    list_display = ("name", "kind", "slug")


@admin.register(models.Profile)
class ProfileAdmin(_Desk):
    """Travellers, as far as they are customers."""

    path_to_provider = "relationships__provider"
    list_display = ("full_name", "email", "locale", "first_seen_at")
    search_fields = ("full_name", "email")


@admin.register(models.Relationship)
class RelationshipAdmin(_Desk):
    """What a provider and a traveller have been through together."""

    list_display = ("profile", "provider", "confirmed_trips", "cancelled_trips", "failed_trips")
    list_filter = ("provider__kind",)
    list_select_related = ("profile", "provider")
    search_fields = ("profile__full_name", "profile__email")


@admin.register(models.Interaction)
class InteractionAdmin(_Desk):
    """The timeline."""

    list_display = ("occurred_at", "kind", "profile", "provider", "summary")
    list_filter = ("kind", "direction")
    list_select_related = ("profile", "provider")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the login may see; a trip that never reached the provider is not told."""
        rows = super().get_queryset(request)
        return rows if _user(request).is_superuser else models.Interaction.told(rows)


@admin.register(models.Note)
class NoteAdmin(_AddingDesk):
    """Notes."""

    form = forms.NoteForm
    fields = ("provider", "account_id", "text")
    list_display = ("created_at", "profile", "provider", "text")
    list_select_related = ("profile", "provider")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Show who wrote it, once it is there."""
        return ("provider", "profile", "author_id", "text", "created_at") if obj else self.fields

    def save_model(self, request: HttpRequest, obj: models.Note, form: Any, change: bool) -> None:
        """Add the note through its command."""
        note = customers.add_note(
            provider_id=obj.provider_id,
            account_id=form.cleaned_data["account_id"],
            author_id=_user(request).pk,
            text=obj.text,
        )
        obj.pk, obj.profile_id = note.pk, note.profile_id


@admin.register(models.Consent)
class ConsentAdmin(_AddingDesk):
    """The consent ledger."""

    form = forms.ConsentForm
    fields = ("provider", "account_id", "channel", "purpose", "granted", "basis", "evidence")
    list_display = ("recorded_at", "profile", "provider", "channel", "purpose", "granted", "source")
    list_filter = ("channel", "purpose", "granted")
    list_select_related = ("profile", "provider")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Show whose word it is and how it is known, once it is there."""
        seen = ("profile", "source", "recorded_by", "recorded_at")
        return (
            (*(name for name in self.fields if name != "account_id"), *seen) if obj else self.fields
        )

    def save_model(
        self, request: HttpRequest, obj: models.Consent, form: Any, change: bool
    ) -> None:
        """Append the word through its command; one that says nothing new shows the last one."""
        account_id: UUID = form.cleaned_data["account_id"]
        customers.record_preferences(
            provider_id=obj.provider_id,
            account_id=account_id,
            choices=[obj.as_choice()],
            source="back office",
            recorded_by=_user(request).pk,
        )
        latest = models.Consent.latest(provider_id=obj.provider_id, account_id=account_id)
        entry = latest.get(channel=obj.channel, purpose=obj.purpose)
        obj.pk, obj.profile_id = entry.pk, entry.profile_id


@admin.register(models.Message)
class MessageAdmin(_Desk):
    """Messages, and how far they have got."""

    list_display = ("queued_at", "profile", "provider", "purpose", "subject", "status", "reason")
    list_filter = ("status", "purpose")
    list_select_related = ("profile", "provider")


@admin.register(models.Membership)
class MembershipAdmin(_Desk):
    """Who works for which provider: operators decide."""

    list_display = ("user", "provider", "role")
    list_select_related = ("user", "provider")
    autocomplete_fields = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to operators."""
        return bool(_user(request).is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow it to operators."""
        return bool(_user(request).is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow it to operators."""
        return bool(_user(request).is_superuser)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _writable(user: User) -> QuerySet[models.Provider]:
    if user.is_superuser:
        return models.Provider.objects.all()
    return selectors.providers_of(user_id=user.pk, writing=True)
