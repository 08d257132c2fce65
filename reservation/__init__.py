"""Reservation: a service inside the Booking context; holds, itinerary, price. Door: services.py."""
