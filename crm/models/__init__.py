"""What CRM remembers: projections of Booking's events, and what CRM itself owns."""

from crm.models.choices import Channel, Direction, Kind, MessageStatus, Purpose, Role, TripStatus
from crm.models.owned import Consent, Membership, Message, Note, Repeatable
from crm.models.projections import Profile, Provider, Relationship, Trip, TripShare
from crm.models.timeline import Interaction

__all__ = [
    "Channel",
    "Consent",
    "Direction",
    "Interaction",
    "Kind",
    "Membership",
    "Message",
    "MessageStatus",
    "Note",
    "Profile",
    "Provider",
    "Purpose",
    "Relationship",
    "Repeatable",
    "Role",
    "Trip",
    "TripShare",
    "TripStatus",
]
