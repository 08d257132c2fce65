"""Items by the names that travellers know them by."""

from uuid import UUID

from reservation import services as reservation


def found(reservation_id: UUID) -> reservation.ReservationDetails | None:
    """Return a reservation, or None where a flow is about something else."""
    try:
        return reservation.details(reservation_id=reservation_id)
    except reservation.ReservationNotFound:
        return None


def titles_of(details: reservation.ReservationDetails | None) -> dict[str, str]:
    """Return item id -> title."""
    return {str(item.item_id): item.title for item in details.items} if details else {}


def titled(text: str, titles: dict[str, str]) -> str:
    """Name items where a text has their ids."""
    for item, title in titles.items():
        text = text.replace(item, title)
    return text
