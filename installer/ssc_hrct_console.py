"""Start of the built command line."""

import sys

from ssc_hrct.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
