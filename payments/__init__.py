"""Payments: a service inside the Booking context; authorises, captures, voids, refunds. Door: services.py."""
