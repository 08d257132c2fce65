"""The HTTP face of Booking, /api/v1/."""
