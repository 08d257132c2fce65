"""The first page: today at a glance. Each app adds its panel; who may not see one is not shown it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

Facts = Callable[[HttpRequest], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A part of the page: the template that shows the `facts`, for whoever `may_see` it."""

    order: int
    template: str
    may_see: Callable[[HttpRequest], bool]
    facts: Facts


PANELS: list[Panel] = []


def panel(
    *, order: int, template: str, may_see: Callable[[HttpRequest], bool]
) -> Callable[[Facts], Facts]:
    """Add what the decorated function returns to the first page."""

    def add(facts: Facts) -> Facts:
        PANELS.append(Panel(order=order, template=template, may_see=may_see, facts=facts))
        PANELS.sort(key=lambda one: one.order)
        return facts

    return add


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the first page, with the panels that the login may see."""
    seen = [one for one in PANELS if one.may_see(request)]
    panels = [{"template": one.template, **one.facts(request)} for one in seen]
    return {**context, "panels": panels}
