"""Fields that take what the document says and nothing that merely looks like it: 5 is not "5"."""

import re
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

AMOUNT: Final = r"^[0-9]{1,10}(\.[0-9]{1,4})?$"
WHOLE: Final = re.compile(r"-?[0-9]{1,9}")


class Text(serializers.CharField):
    """Text, not a number that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text.

        Raises:
            ValidationError: it is something else.
        """
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Email(Text, serializers.EmailField):
    """The text of an e-mail address."""


class Pattern(Text, serializers.RegexField):
    """Text that a pattern describes."""


@extend_schema_field({"type": "string", "pattern": AMOUNT, "examples": ["412.50"]})
class Price(Pattern):
    """An amount in major units, as a decimal string: a JSON number would be a float somewhere."""

    def __init__(self, **options: Any) -> None:
        super().__init__(AMOUNT, **options)

    def to_internal_value(self, data: Any) -> Decimal:  # type: ignore[override]
        """Return the exact number; the pattern is checked before, as validators come after."""
        text = Text.to_internal_value(self, data)
        if re.fullmatch(AMOUNT, text) is None:
            self.fail("invalid")
        return Decimal(text)

    def run_validators(self, value: Any) -> None:
        """Nothing is left to check: the pattern has judged the text."""


class Flag(serializers.BooleanField):
    """true or false, not a word for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value.

        Raises:
            ValidationError: it is something else.
        """
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Count(serializers.IntegerField):
    """A whole number in a query, in plain digits."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number.

        Raises:
            ValidationError: it is something else.
        """
        if WHOLE.fullmatch(str(data)) is None:
            self.fail("invalid")
        return super().to_internal_value(data)
