"""What is added about a customer: notes, and the traveller's word about messages."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from crm import forms, models
from crm.admin.desks import AddingDesk, user_of
from crm.commands import customers


@admin.register(models.Note)
class NoteAdmin(AddingDesk):
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
            author_id=user_of(request).pk,
            text=obj.text,
        )
        obj.pk, obj.profile_id = note.pk, note.profile_id


@admin.register(models.Consent)
class ConsentAdmin(AddingDesk):
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
            recorded_by=user_of(request).pk,
        )
        latest = models.Consent.latest(provider_id=obj.provider_id, account_id=account_id)
        entry = latest.get(channel=obj.channel, purpose=obj.purpose)
        obj.pk, obj.profile_id = entry.pk, entry.profile_id
