"""The door: `python -m ssc_hrct`, the command `ssc-hrct`, and `ssc-hrct-gui` without a console."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """The command line. Returns the exit code."""
    multiprocessing.freeze_support()
    from ssc_hrct.cli.run import run

    return run(sys.argv[1:])


def main_gui() -> int:
    """The window, where there may be no console. Returns the exit code."""
    multiprocessing.freeze_support()
    from ssc_hrct.cli.run import run

    return run(["gui", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
