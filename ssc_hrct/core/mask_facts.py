"""What `measure` found of the lung mask's shape; judged by `quality`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """None: could not be measured.

    parts_over_20_ml: connected parts of both lungs over 20 ml (two in a chest as expected, one where they touch).
    holes_ml: what is enclosed by the mask and does not belong to it, airways left aside.
    sides_swapped: the lungs' names disagree with the place of the heart, which bulges to the patient's left.
    largest_step: largest relative change of the mask's area between slices about 2 mm apart, or between neighbours
    that are further apart (less what such a distance changes by nature), in the middle of the lungs' height.
    missed_ml: soft tissue between the mask and the ribs, over about 10 mm thick: disease (or fluid) that was
    left outside the mask. 0 where there is none; None without ribs in the image.
    """

    parts_over_20_ml: int
    holes_ml: float
    sides_swapped: bool | None
    largest_step: float
    missed_ml: float | None
