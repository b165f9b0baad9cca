"""Start of the built window, which has no console."""

import sys

from ssc_hrct.__main__ import main_gui

if __name__ == "__main__":
    sys.exit(main_gui())
