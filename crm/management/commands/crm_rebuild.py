"""Build CRM's projections again from the first event; notes, consent, messages and staff stay."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.commands import projections
from eventbus import replay, subscribe
from eventbus.models import Cursor

_GROUP: Final = "crm"


class Command(BaseCommand):
    """Rebuild in one transaction: readers see the old rows until the new ones are complete."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Forget and replay; no mail is sent."""
        try:
            with transaction.atomic():
                # The consumer stands by until the new rows are there: whatever comes next adds to them.
                list(Cursor.objects.select_for_update().filter(group=_GROUP).order_by("pk"))
                projections.forget_projections()
                done = replay.replay(group=subscribe.GROUPS[_GROUP])
        except replay.ReplayFailed as error:
            raise CommandError(f"Nothing was changed: {error}") from error
        for part in done:
            self.stdout.write(
                f"{part.stream}: {part.events} events, {part.calls} calls of handlers"
            )
