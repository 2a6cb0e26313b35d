"""``python -m brainage`` is the command line."""

import sys

from brainage.cli import main

if __name__ == "__main__":
    sys.exit(main())
