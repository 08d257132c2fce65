"""The loser between contexts: Booking tells CRM what to do, and waits for it."""
