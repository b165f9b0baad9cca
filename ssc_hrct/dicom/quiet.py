"""Reading files that break the rules without noise: pydicom neither warns, logs nor validates here.

Published and hospital files carry values that break the standard; their warnings quote values, and
a value may be an identifier. What matters of them comes back as findings.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block pydicom is silent and lenient; what was set before is set again after."""
    logger = logging.getLogger("pydicom")
    level, mode = logger.level, config.settings.reading_validation_mode
    logger.setLevel(logging.CRITICAL + 1)
    config.settings.reading_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        config.settings.reading_validation_mode = mode
