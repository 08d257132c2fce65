"""The partners of the network, with what each promises about repeated calls."""

import dataclasses
from typing import Literal

Kind = Literal["flight", "stay", "car"]
Idempotency = Literal["A", "B", "C", "D"]


@dataclasses.dataclass(frozen=True)
class Partner:
    """A company that sells offers.

    `idempotency`: A books once per key, and a cancelled key can never be booked again; B books once per key only;
    C books anew at each call, and can be asked by reference; D books anew at each call, and cannot be asked.
    `lists_orders`: shows the orders that were booked within a window, page by page.
    """

    slug: str
    name: str
    kind: Kind
    idempotency: Idempotency
    code: str
    lists_orders: bool = True

    @property
    def keyed(self) -> bool:
        """Whether orders are placed under the caller's key."""
        return self.idempotency in {"A", "B"}


PARTNERS = {
    partner.slug: partner
    for partner in (
        Partner("skyways", "SkyWays Airlines", "flight", "A", "SW"),
        Partner("restwell", "RestWell Hotels", "stay", "A", "RW"),
        Partner("wheelio", "Wheelio Rent a Car", "car", "A", "WH"),
        Partner("budgetair", "BudgetAir", "flight", "B", "BU"),
        Partner("oldinn", "The Old Inn", "stay", "C", "OI", lists_orders=False),
        Partner("dialacar", "Dial-a-Car", "car", "D", "DC", lists_orders=False),
    )
}


def as_json(partner: Partner) -> dict[str, str | bool]:
    """Describe a partner as the network's directory does."""
    return {
        "slug": partner.slug,
        "name": partner.name,
        "kind": partner.kind,
        "idempotency": partner.idempotency,
        "lists_orders": partner.lists_orders,
    }
