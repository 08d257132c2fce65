"""The local operations of Reservation: hold, release, confirm. Effect and record are one transaction."""

from eventbus.publish import publish
from eventbus.together import write
from outbound.call import Call
from reservation.composition import OfferExpired
from reservation.domain import Status
from reservation.itinerary import refund_quote, row_of


class Hold:
    """Hold the offers of a reservation at the price that the traveller saw."""

    def apply(self, call: Call) -> None:
        """Move the reservation to held.

        Raises:
            OfferExpired: the time of an offer has run out; it must be asked for again.
        """
        reservation = row_of(call.subject_id)
        if reservation.status == Status.HELD:
            return
        expired = reservation.items.filter(expires_at__lte=call.now).order_by("position")
        if titles := list(expired.values_list("title", flat=True)):
            raise OfferExpired(f"expired: {', '.join(titles)}")
        reservation.hold(at=call.now)
        write(reservation)


class Release:
    """Give the hold back (compensates `Hold`); the state moves when the saga closes."""

    def apply(self, call: Call) -> None:
        """Note when the hold was given back."""
        reservation = row_of(call.subject_id)
        if reservation.released_at is not None:
            return
        reservation.release(at=call.now)
        write(reservation)


class QuoteRefund:
    """Write down what comes back, by the policies stored at booking, as of when the cancellation was asked for."""

    def apply(self, call: Call) -> None:
        """Keep the quote: however long the partners take, it stands."""
        reservation = row_of(call.subject_id)
        reservation.quote(refund_quote(reservation_id=call.subject_id).amount)
        write(reservation)


class WithdrawQuote:
    """Forget the quote (compensates `QuoteRefund`): the trip stands."""

    def apply(self, call: Call) -> None:
        """Keep no quote."""
        reservation = row_of(call.subject_id)
        reservation.quote(None)
        write(reservation)


class CloseCancellation:
    """Close a cancellation: every provider cancelled and the money is back."""

    def apply(self, call: Call) -> None:
        """Move the reservation to cancelled and tell it."""
        reservation = row_of(call.subject_id)
        if reservation.status == Status.CANCELLED:
            return
        publish(reservation.cancel(reason="by_traveller", at=call.now))
        write(reservation)


class Confirm:
    """Close the trip as booked and paid."""

    def apply(self, call: Call) -> None:
        """Move the reservation to confirmed and tell it, legs included."""
        reservation = row_of(call.subject_id)
        if reservation.status == Status.CONFIRMED:
            return
        publish(reservation.confirm(at=call.now))
        write(reservation)
