"""Every test of this room gets the window's fixtures."""

from tests.gui.fixtures import nothing_left, open_window, reading, scored

__all__ = ["nothing_left", "open_window", "reading", "scored"]
