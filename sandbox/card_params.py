"""Parameters of the card processor's requests, form-encoded in Stripe's manner."""

import re
from collections.abc import Mapping

from sandbox.exchange import Rejected
from sandbox.stripe_errors import invalid

FOREVER = 2**62
NESTED = re.compile(r"(\w+)\[(\w+)\](\[\w*\])*")


class Params:
    """The parameters of one request, each checked when it is taken."""

    def __init__(self, form: Mapping[str, str], *, allowed: frozenset[str]) -> None:
        """Refuse any parameter that the call does not know.

        Raises:
            Rejected: a parameter is unknown (400).
        """
        self._form = form
        for name in form:
            if name.partition("[")[0] not in allowed:
                message = f"Received unknown parameter: {name}"
                raise Rejected(invalid(message, code="parameter_unknown", param=name))

    def text(self, name: str) -> str | None:
        """Take a text; none and empty are the same."""
        return self._form.get(name) or None

    def required(self, name: str) -> str:
        """Take a text that must be there."""
        if text := self.text(name):
            return text
        message = f"Missing required param: {name}."
        raise Rejected(invalid(message, code="parameter_missing", param=name))

    def amount(self, name: str, *, required: bool = False) -> int | None:
        """Take a positive number of minor units."""
        text = self.required(name) if required else self.text(name)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,8}", text) or int(text) == 0:
            message = f"Invalid positive integer: {text}"
            raise Rejected(invalid(message, code="parameter_invalid_integer", param=name))
        return int(text)

    def whole(self, name: str, *, default: int, largest: int) -> int:
        """Take a number from 1 to `largest`."""
        number = self.amount(name) or default
        if number > largest:
            message = f"{name} must be at most {largest}."
            raise Rejected(invalid(message, code="parameter_invalid_integer", param=name))
        return number

    def span(self, name: str) -> range:
        """Take the seconds between `name[gte]` or `name[gt]` and `name[lte]` or `name[lt]`; all, if none is given."""
        bounds = {}
        for bound, text in self.nested(name).items():
            if bound not in {"gte", "gt", "lte", "lt"} or not re.fullmatch(r"[0-9]{1,12}", text):
                message = f"Invalid integer: {text}"
                raise Rejected(
                    invalid(message, code="parameter_invalid_integer", param=f"{name}[{bound}]")
                )
            bounds[bound] = int(text)
        first = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
        return range(first, min(bounds.get("lte", FOREVER - 1) + 1, bounds.get("lt", FOREVER)))

    def items(self, name: str) -> set[str]:
        """Take the members of the list `name[0]`, `name[1]`, ..."""
        return {value for full, value in self._form.items() if full.partition("[")[0] == name}

    def nested(self, name: str) -> dict[str, str]:
        """Take the members of `name[...]`."""
        found = {}
        for full, value in self._form.items():
            match = NESTED.fullmatch(full)
            if match and match[1] == name:
                found[match[2]] = value
        return found
