"""``python -m modferry_agent``."""

import sys

from modferry_agent.main import main

if __name__ == "__main__":
    sys.exit(main())
