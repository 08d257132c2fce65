"""CRM: the context in which external providers look after their customers. Start with handlers.py."""
