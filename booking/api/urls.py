"""The URLs of Booking, under /api/v1/."""

from django.urls import path, re_path

from booking.api import accounts, flows, offers, refusals, reservations, sagas, streams, webhooks

refusals.register()

_ONE = "reservations/<uuid:reservation_id>"

urlpatterns = [
    path("accounts", accounts.Accounts.as_view(), name="accounts"),
    path("accounts/me", accounts.Me.as_view(), name="me"),
    path("accounts/me/export", accounts.Export.as_view(), name="me-export"),
    path("accounts/me/erase", accounts.Erasure.as_view(), name="me-erase"),
    path("offers", offers.Offers.as_view(), name="offers"),
    re_path(
        r"^offers/(?P<offer_id>[a-z0-9-]{1,50}:[A-Za-z0-9_.-]{1,140})/quote$",
        offers.Quote.as_view(),
        name="offer-quote",
    ),
    path("reservations", reservations.Reservations.as_view(), name="reservations"),
    path(_ONE, reservations.Reservation.as_view(), name="reservation"),
    path(f"{_ONE}/travellers", reservations.Travellers.as_view(), name="reservation-travellers"),
    path(f"{_ONE}/timeline", reservations.Timeline.as_view(), name="reservation-timeline"),
    path(f"{_ONE}/events", streams.Events.as_view(), name="reservation-events"),
    path(f"{_ONE}/payment", flows.Payment.as_view(), name="reservation-payment"),
    path(f"{_ONE}/confirm", flows.Confirm.as_view(), name="reservation-confirm"),
    path(f"{_ONE}/cancel", flows.Cancel.as_view(), name="reservation-cancel"),
    path("sagas/parked", sagas.ParkedSagas.as_view(), name="sagas-parked"),
    path("webhooks/cards", webhooks.Cards.as_view(), name="webhooks-cards"),
]
