"""Deeds: what a person does to a row, asked for once more, with a reason, and written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice import audit
from backoffice.pages import Page


class DeedForm(forms.Form):
    """Ask why; `rows` is what the deed would be done to."""

    reason = forms.CharField(
        label="Reason", max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 3})
    )

    def __init__(self, *args: Any, rows: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows


Act = Callable[[Any, str, Mapping[str, Any]], str]
"""Takes a row, the name of whoever acts, and the form's values; returns what to tell them."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that can be done; `act` raises one of `refusals` when it cannot be.

    `name` is the admin action's, `title` a question's noun ("Retry"), `explains` what will happen.
    """

    name: str
    title: str
    explains: str
    act: Act
    refusals: tuple[type[Exception], ...] = ()
    form: type[DeedForm] = DeedForm
    danger: bool = False
    shows: Callable[[Any], str] = field(default=str)


class DoesDeeds:
    """A page with deeds: each is asked for on a page of its own, done, and written down.

    An admin action calls `ask_and_do`; the buttons on a row's own page post the same action.
    """

    deeds: ClassVar[tuple[Deed, ...]] = ()

    def ask_and_do(
        self: Any, request: HttpRequest, rows: QuerySet[Any], deed: Deed
    ) -> HttpResponse:
        """Ask for the reason, or, when it is given, do the deed to every row."""
        found = list(rows)
        asked = request.POST if "confirmed" in request.POST else None
        form = deed.form(asked, rows=found)
        if not form.is_valid():
            return _question(self, request, found, deed, form)
        for row in found:
            _do(self, request, row, deed, form.cleaned_data)
        return HttpResponseRedirect(_way_back(self, request))


def _do(page: Page, request: HttpRequest, row: Model, deed: Deed, said: Mapping[str, Any]) -> None:
    told = {name: str(value) for name, value in said.items() if name != "reason" and value}
    target, reason = f"{row._meta.verbose_name} {row.pk}", str(said["reason"])
    try:
        with audit.deed(request, deed.name, target=target, reason=reason, **told):
            answer = deed.act(row, str(request.user), said)
    except deed.refusals as error:
        page.message_user(request, str(error), messages.WARNING)
    else:
        page.message_user(request, answer, messages.SUCCESS)


def _question(
    page: Page, request: HttpRequest, rows: list[Any], deed: Deed, form: DeedForm
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": deed.title,
        "deed": deed,
        "form": form,
        "opts": page.model._meta,
        "rows": [(row.pk, deed.shows(row)) for row in rows],
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "changelist": _changelist(page),
        "next": _way_back(page, request),
    }
    return TemplateResponse(request, "backoffice/confirm.html", context)


def _way_back(page: Page, request: HttpRequest) -> str:
    """Return the page that the deed was asked for from, if it is one of ours."""
    asked = request.POST.get("next", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return _changelist(page)


def _changelist(page: Page) -> str:
    opts = page.model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
