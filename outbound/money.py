"""The database column of an amount of money, in major units."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _DecimalField = models.DecimalField[Decimal | int | str, Decimal]
else:
    _DecimalField = models.DecimalField


class AmountField(_DecimalField):
    """A `numeric` column that gives an amount back with the digits it was stored with.

    A fixed scale would turn 120.00 EUR into 120.000 as soon as one currency has three decimals.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 18, "decimal_places": 3, **kwargs})

    def db_type(self, connection: Any) -> str:
        """Return the column type without precision and scale."""
        return "numeric"
