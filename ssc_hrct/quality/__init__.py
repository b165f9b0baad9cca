"""Is this scan fit to be scored? Header, image and mask checks give findings; nothing is measured here."""

from ssc_hrct.quality.given_lungs import check_given_lungs
from ssc_hrct.quality.header import check_header
from ssc_hrct.quality.image import check_extents, check_image
from ssc_hrct.quality.mask import check_mask, check_patterns

__all__ = [
    "check_extents", "check_given_lungs", "check_header", "check_image", "check_mask", "check_patterns",
]
