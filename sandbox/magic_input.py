"""What a magic input is, and what it can make the sandbox do."""

import dataclasses
import enum
from typing import Literal

Where = Literal["product", "card"]
Moment = Literal["quote", "book", "cancel", "confirm", "capture", "event", "-"]


class Does(enum.Enum):
    """What a magic input makes the sandbox do."""

    SUCCEED = "succeed"
    REFUSE = "refuse"
    REFUSE_LATE = "refuse late"
    CHANGE_PRICE = "change price"
    EXPIRE = "expire"
    EXPIRE_SOON = "expire soon"
    SLOW = "slow"
    DRIP = "drip"
    HANG_BEFORE = "hang before"
    HANG_AFTER = "hang after"
    LATE = "late"
    MUCH_LATER = "much later"
    ERROR = "error"
    GARBAGE = "garbage"
    DROP = "drop"
    CHALLENGE = "challenge"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    OMIT = "omit"


@dataclasses.dataclass(frozen=True)
class Magic:
    """One magic input: an offer's product, or a card's payment method token.

    `first_only`: only the first call is affected, counted per offer and reservation, or per payment intent.
    `code`: the refusal that the caller reads. `seconds`: how long it lasts, where that is not a share of the hang time.
    `also`: another magic input of the same kind, which acts as well.
    """

    name: str
    where: Where
    moment: Moment
    does: Does
    effect: str
    first_only: bool = False
    code: str = ""
    seconds: float = 0
    also: str = ""
