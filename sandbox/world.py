"""What every handler of one sandbox shares."""

import dataclasses
import threading

from sandbox.background import Background
from sandbox.ledger import Ledger
from sandbox.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The ledger, the settings, the two background threads, and the signal that the sandbox stops."""

    ledger: Ledger
    settings: Settings
    late_effects: Background
    webhooks: Background
    stopping: threading.Event
