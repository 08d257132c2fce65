"""The project with one more context: an entry in the context map is all that is configured."""

import os
from pathlib import Path

from config import contexts

contexts.CONTEXTS["loyalty"] = ("loyalty",)

from config.settings import *  # noqa: E402, F403 - the map must be complete before it is read

# Where the catalogue is written, away from the project's own.
BASE_DIR = Path(os.environ["LOYALTY_DOCUMENTS"])
