"""The command line: `python -m tests.crash`."""

import sys

from tests.crash import campaign

if __name__ == "__main__":
    sys.exit(campaign.main())
