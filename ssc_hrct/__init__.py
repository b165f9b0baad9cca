"""ssc_hrct: extent and severity of interstitial lung disease on chest HRCT. Research software."""

from ssc_hrct.version import __version__

__all__ = ["__version__"]
