"""The HTTP face of CRM, for the staff of providers."""
