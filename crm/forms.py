"""The forms of the back office: a row about a customer of a provider one works for."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from crm import models, selectors
from crm.domain import CustomerUnknown
from crm.models import Purpose


class _AboutCustomer(forms.ModelForm):  # type: ignore[type-arg]
    """Ask for the customer's id, as their page shows it, instead of a list of everybody."""

    account_id = forms.UUIDField(label="Customer's account id", widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        """Refuse whoever is not a customer of the chosen provider."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        provider, account_id = cleaned.get("provider"), cleaned.get("account_id")
        if provider and account_id:
            try:
                selectors.relationship(provider_id=provider.pk, account_id=account_id)
            except CustomerUnknown as error:
                raise forms.ValidationError({"account_id": str(error)}) from error
        return cleaned


class NoteForm(_AboutCustomer):
    """A new note."""

    class Meta:
        model = models.Note
        fields = ("provider", "text")


class ConsentForm(_AboutCustomer):
    """A new word of a traveller."""

    class Meta:
        model = models.Consent
        fields = ("provider", "channel", "purpose", "granted", "basis", "evidence")

    def clean_purpose(self) -> str:
        """Refuse what is not a choice."""
        purpose: str = self.cleaned_data["purpose"]
        if purpose == Purpose.TRANSACTIONAL:
            raise forms.ValidationError("Messages about a booked trip are part of the booking.")
        return purpose
