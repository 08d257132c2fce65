"""The one error that the person at the keyboard can answer."""


class CannotStartError(Exception):
    """Something outside the project stands in the way; the message names it and says what to do."""
