"""Providers: a service inside the Booking context; orders from airlines, hotels and car rental companies. Door: services.py."""
