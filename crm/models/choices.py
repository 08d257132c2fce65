"""The closed vocabularies of CRM; the database checks each of them."""

from django.db import models


class TripStatus(models.TextChoices):
    """Where a trip stands, as far as CRM has heard."""

    OPEN = "open"
    FAILED = "failed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Channel(models.TextChoices):
    """How a customer can be reached; only e-mail is sent by CRM itself."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"


class Purpose(models.TextChoices):
    """Why a customer is contacted: it decides whose word is needed (see `crm.domain.suppression_of`)."""

    TRANSACTIONAL = "transactional"
    SERVICE = "service"
    MARKETING = "marketing"


class Role(models.TextChoices):
    """What a member of a provider's staff may do."""

    AGENT = "agent"
    MANAGER = "manager"
    READ_ONLY = "read_only"


class MessageStatus(models.TextChoices):
    """Where a message stands on its way out."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class Direction(models.TextChoices):
    """Who acted in an entry of the timeline, seen from the provider."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Kind(models.TextChoices):
    """What an entry of the timeline tells."""

    LEG_BOOKED = "leg_booked"
    LEG_REFUSED = "leg_refused"
    LEG_CANCELLED = "leg_cancelled"
    TRIP_CONFIRMED = "trip_confirmed"
    TRIP_FAILED = "trip_failed"
    TRIP_CANCELLED = "trip_cancelled"
    NOTE_ADDED = "note_added"
    PREFERENCE_CHANGED = "preference_changed"
    MESSAGE_SENT = "message_sent"
    MESSAGE_FAILED = "message_failed"
    MESSAGE_SUPPRESSED = "message_suppressed"
