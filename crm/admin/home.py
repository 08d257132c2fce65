"""CRM on the first page: the customers of the providers that one works for, and what happened last."""

from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest

from backoffice.home import panel
from crm import models, selectors
from crm.admin.desks import user_of


def _works_for_one(request: HttpRequest) -> bool:
    return (
        request.user.has_perm("crm.view_relationship")
        and selectors.providers_of(user_id=user_of(request).pk).exists()
    )


@panel(order=5, template="crm/admin/home.html", may_see=_works_for_one)
def desk(request: HttpRequest) -> dict[str, Any]:
    """Return, for each provider of whoever is signed in, its customers in figures and the last entries."""
    mine = selectors.providers_of(user_id=user_of(request).pk)
    providers = mine.annotate(
        customers=Count("relationships"),
        confirmed=Sum("relationships__confirmed_trips"),
        cancelled=Sum("relationships__cancelled_trips"),
    ).order_by("name")
    entries = models.Interaction.told(models.Interaction.objects.filter(provider__in=mine))
    return {
        "providers": providers,
        "entries": entries.select_related("profile", "provider")[:8],
    }
