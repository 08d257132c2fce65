"""What CRM does: `projections` keeps what it hears of Booking, `customers` what a provider's staff ask for."""
