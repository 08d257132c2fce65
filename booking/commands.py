"""What a traveller can tell Booking to do: ids in, values out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from booking.confirmation import (
    PaymentDetailsMissing,
    TooLate,
    cancel_confirmed,
    cancel_reservation,
    confirm_reservation,
    wake_saga,
)
from booking.events import AccountErased, AccountRegistered
from booking.models import Account
from booking.orchestrator import store
from eventbus import erasure, streams
from eventbus.publish import publish
from identity import commands as identity
from payments import services as payments
from providers import services as providers
from reservation import services as reservation

__all__ = [
    "AccountBusy",
    "NewAccount",
    "PaymentDetailsClosed",
    "PaymentDetailsMissing",
    "PriceChanged",
    "Selection",
    "TooLate",
    "cancel_confirmed",
    "cancel_reservation",
    "check_prices",
    "close_account",
    "compose_reservation",
    "confirm_reservation",
    "enter_payment_details",
    "erase_account",
    "issue_token",
    "receive_card_webhook",
    "register_account",
    "wake_saga",
]

ERASED: Final = "erased"
PROVIDER_NAME: Final = "provider_name"
"""Where the snapshot of an offer keeps the name under which the traveller saw its provider."""

QUOTE_SECONDS: Final = 15.0
SHORTEST: Final = 0.2
"""How long all partners together may take to repeat their prices, and each of them at least."""


class PriceChanged(Exception):
    """An offer has another price than the traveller saw; `offers` are the current ones."""

    code = "price_changed"

    def __init__(self, offers: Sequence[providers.Offer]) -> None:
        super().__init__("The price has changed; compose the reservation again to accept it.")
        self.offers = offers


class PaymentDetailsClosed(Exception):
    """Payment details can be entered while a reservation is a draft, or after it failed."""

    code = "payment_details_closed"


class AccountBusy(Exception):
    """An account cannot be closed while one of its trips is being booked or cancelled."""

    code = "account_busy"


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """A traveller who just signed up, signed in."""

    account_id: UUID
    token: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """An offer at the price that the traveller saw, in major units."""

    offer_id: str
    amount: Decimal
    currency: str


def register_account(
    *, email: str, password: str, full_name: str, locale: str = "en"
) -> NewAccount:
    """Sign a traveller up: login, account, event and a first token, all or nothing.

    Raises:
        identity.EmailTaken: the address has a login.
        identity.PasswordRefused: the password is too easy to guess.
    """
    with transaction.atomic():
        user_id = identity.create_user(email=email, password=password, full_name=full_name)
        account = Account.objects.create(user_id=user_id, full_name=full_name, locale=locale)
        publish(
            AccountRegistered(
                account_id=account.id,
                email=account.user.email,
                full_name=full_name,
                locale=locale,
            )
        )
        token = identity.issue_token_for(user_id=user_id)
    return NewAccount(account_id=account.id, token=token.token, expires_at=token.expires_at)


def erase_account(*, account_id: UUID) -> None:
    """Forget who a traveller is, here and in the log of events, and tell whoever else keeps it.

    Reservations stay: they are the other side of payments and of the partners' orders. Repeating it
    changes nothing and tells it again.

    Raises:
        Account.DoesNotExist: there is no such account.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account_id)
        identity.erase_user(user_id=account.user_id)
        account.full_name = ERASED
        account.save(update_fields=["full_name"])
        # In this order: the log is overwritten up to here, and this event says nothing personal.
        publish(AccountErased(account_id=account_id))
        erasure.erase(stream=streams.stream_of(AccountErased.app), keys=[account_id])


def close_account(*, account_id: UUID, password: str) -> None:
    """Erase an account because its traveller, who knows the password, wants it.

    Raises:
        identity.CredentialsRefused: the password is wrong.
        AccountBusy: a trip is being booked or cancelled; its end would find nobody to tell.
    """
    identity.check_password(user_id=_user_id(account_id), password=password)
    if reservation.is_under_way(account_id=account_id):
        raise AccountBusy("Wait until the trip is booked or cancelled.")
    erase_account(account_id=account_id)


def issue_token(*, account_id: UUID) -> identity.IssuedToken:
    """Create another token for the traveller of an account."""
    return identity.issue_token_for(user_id=_user_id(account_id))


def _user_id(account_id: UUID) -> UUID:
    return Account.objects.values_list("user_id", flat=True).get(pk=account_id)


def check_prices(*, selections: Sequence[Selection]) -> list[providers.Offer]:
    """Ask every partner again, over the network; return the offers at the prices that still hold.

    Raises:
        PriceChanged: one costs something else now; nothing is bought silently.
        providers.OfferNotFound, providers.OfferExpired: one is not to be had any more.
        providers.PartnerUnavailable: one gave no usable answer in time.
    """
    deadline = time.monotonic() + QUOTE_SECONDS
    offers = [
        providers.quote(
            offer_id=selection.offer_id, seconds=max(deadline - time.monotonic(), SHORTEST)
        )
        for selection in selections
    ]
    agreed = [(selection.amount, selection.currency) for selection in selections]
    if [(offer.amount, offer.currency) for offer in offers] != agreed:
        raise PriceChanged(offers)
    return offers


def compose_reservation(
    *,
    account_id: UUID,
    offers: Sequence[providers.Offer],
    travellers: Sequence[Mapping[str, Any]],
) -> UUID:
    """Store a draft of offers whose prices were checked; return its id.

    Raises:
        reservation.CompositionRefused: the offers or the travellers do not fit together.
    """
    return reservation.compose(
        account_id=account_id,
        items=[_item(offer) for offer in offers],
        travellers=[reservation.NewTraveller(**traveller) for traveller in travellers],
        at=store.now(),
    )


def change_travellers(
    *, account_id: UUID, reservation_id: UUID, travellers: Sequence[Mapping[str, Any]]
) -> None:
    """Name others in place of who was to travel.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        reservation.TravellersClosed: it is being confirmed, or over.
    """
    reservation.of(account_id=account_id, reservation_id=reservation_id)
    reservation.change_travellers(
        reservation_id=reservation_id,
        travellers=[reservation.NewTraveller(**traveller) for traveller in travellers],
    )


def enter_payment_details(*, account_id: UUID, reservation_id: UUID, method: str) -> None:
    """Tell the card processor how the reservation will be paid; nothing is taken yet.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        PaymentDetailsClosed: it is being confirmed, or over.
        payments.PaymentDetailsRefused: the processor's token cannot be used.
    """
    trip = reservation.of(account_id=account_id, reservation_id=reservation_id)
    if trip.status not in reservation.OPEN:
        raise PaymentDetailsClosed(f"The reservation is {trip.status}.")
    payments.enter_payment_details(
        reservation_id=reservation_id,
        account_id=account_id,
        amount=trip.amount,
        currency=trip.currency,
        method=method,
    )


def receive_card_webhook(*, body: bytes, signature: str) -> None:
    """Take a message of the card processor as a hint: the waiting payment is asked about again.

    Raises:
        payments.WebhookForged: the signature does not fit the body.
    """
    with transaction.atomic():
        reservation_id = payments.receive_webhook(body=body, signature=signature)
        if reservation_id is not None:
            wake_saga(reservation_id=reservation_id)


def _item(offer: providers.Offer) -> reservation.NewItem:
    return reservation.NewItem(
        kind=offer.kind,
        provider_id=offer.provider_id,
        offer_id=offer.offer_id,
        title=offer.title,
        amount=offer.amount,
        currency=offer.currency,
        expires_at=offer.expires_at,
        starts_at=offer.starts_at,
        starts_at_local=offer.starts_at_local,
        starts_zone=offer.starts_zone,
        ends_at=offer.ends_at,
        ends_at_local=offer.ends_at_local,
        ends_zone=offer.ends_zone,
        details={**offer.details, PROVIDER_NAME: offer.provider_name},
        cancellation_policy=list(offer.cancellation_policy),
    )
