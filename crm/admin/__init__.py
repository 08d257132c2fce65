"""CRM in the back office: a provider's staff see the rows of their provider, operators and support those of all.

Notes and preferences are added through commands, memberships by operators; the rest is to be looked at.
"""

from crm.admin import customers, home, staff, words

__all__ = ["customers", "home", "staff", "words"]
