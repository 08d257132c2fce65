"""The points of each account, one row a trip."""

from django.db import models


class Award(models.Model):
    """Points for one confirmed trip."""

    reservation_id = models.UUIDField(primary_key=True)
    account_id = models.UUIDField(db_index=True)
    points = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.points} points for {self.reservation_id}"
