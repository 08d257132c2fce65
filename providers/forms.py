"""The form of the back office about partners."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from providers.gateways import registry
from providers.models import Partner
from providers.partners import PartnerInvalid, check_partner


class PartnerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new partner, as it is described to us."""

    gateway = forms.ChoiceField(
        choices=lambda: [(name, name) for name in registry.known_names()],
        widget=UnfoldAdminSelectWidget,
        help_text="How it is spoken to, and how far a repeated call can be trusted.",
    )

    class Meta:
        model = Partner
        fields = ("slug", "name", "kind", "gateway", "base_url")

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be a partner."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"kind", "gateway", "base_url"} <= cleaned.keys():
            try:
                check_partner(
                    kind=cleaned["kind"], gateway=cleaned["gateway"], base_url=cleaned["base_url"]
                )
            except PartnerInvalid as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned
