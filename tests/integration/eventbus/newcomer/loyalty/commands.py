"""What Loyalty does."""

from decimal import Decimal
from uuid import UUID

from loyalty.models import Award


def award_points(*, reservation_id: UUID, account_id: UUID, amount: Decimal) -> None:
    """Give one point for each whole unit of the trip's currency, once a trip."""
    Award.objects.get_or_create(
        reservation_id=reservation_id,
        defaults={"account_id": account_id, "points": int(amount)},
    )
