"""Every magic input in one table: the server obeys it, tests and demo draw from it, the documentation prints it."""

from sandbox.magic_cards import CARDS
from sandbox.magic_input import Does, Magic, Moment
from sandbox.magic_products import PRODUCTS

__all__ = ["CARDS", "PRODUCTS", "TABLE", "Does", "Magic", "Moment", "at", "markdown"]

TABLE = {magic.name: magic for magic in (*PRODUCTS, *CARDS)}


def at(name: str, moment: Moment) -> Magic | None:
    """Find the magic input of this name, or the one that it brings along, if it acts at this moment."""
    magic = TABLE.get(name)
    if magic and magic.moment != moment:
        magic = TABLE.get(magic.also)
    return magic if magic and magic.moment == moment else None


def markdown() -> str:
    """Write the table for the documentation."""
    rows = [f"| `{magic.name}` | {magic.where} | {magic.effect} |" for magic in TABLE.values()]
    return "\n".join(["| name | where | what happens |", "|---|---|---|", *rows])
