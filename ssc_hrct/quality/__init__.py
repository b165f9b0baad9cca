"""Is this scan fit to be scored? Header and image checks give findings; nothing is measured here."""

from ssc_hrct.quality.given_lungs import check_given_lungs
from ssc_hrct.quality.header import check_header
from ssc_hrct.quality.image import check_extents, check_image

__all__ = ["check_extents", "check_given_lungs", "check_header", "check_image"]
