"""What Loyalty does when something happens in Booking."""

from booking.events import ReservationConfirmed
from eventbus.subscribe import Group
from loyalty import commands

loyalty = Group("loyalty", streams=["booking"], start="beginning")


@loyalty.on(ReservationConfirmed)
def award_points(event: ReservationConfirmed) -> None:
    """Give points for the trip."""
    commands.award_points(
        reservation_id=event.reservation_id, account_id=event.account_id, amount=event.amount
    )
