"""From HU and labels to colours: one look-up table per setting, one gather per slice.

Plain numpy, tested without a window. The table maps (label, HU) to 0xffRRGGBB; window, opacity and
colours change the table alone. Voxels where nothing was measured are black whatever the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Region, both_lungs
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU

HU_STEPS = HIGHEST_HU - LOWEST_HU + 2
"""Step 0 stands for 'nothing measured'."""
AIRWAY, OUTLINE = 7, 8
"""Labels beside the patterns 0 to 6."""
TINTED = 16
"""Added to a label: the voxel lies in the zone that is pointed at."""
LABELS = 32
_OUTLINE_SHARE = 0.9
_TINT_SHARE = 0.16

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """Width and level in HU."""

    width: int
    level: int


@dataclass(frozen=True, slots=True)
class Paint:
    """opacity: 0 to 1, of the fill. colours: by label; a label without a colour stays grey."""

    opacity: float
    colours: dict[int, Rgb]
    tint: Rgb


def grey(window: Window) -> NDArray[np.float32]:
    """Grey 0 to 255 for each HU step. Linear VOI function of DICOM PS3.3 C.11.2.1.2.1."""
    hu = np.arange(LOWEST_HU - 1, HIGHEST_HU + 1, dtype=np.float32)
    width = max(float(window.width), 2.0)
    shade = np.clip(((hu - (window.level - 0.5)) / (width - 1.0) + 0.5) * 255.0, 0.0, 255.0)
    shade[0] = 0.0
    return np.asarray(shade, dtype=np.float32)


def table(window: Window, paint: Paint | None) -> NDArray[np.uint32]:
    """uint32 [LABELS, HU_STEPS] of 0xffRRGGBB. paint None: no overlay."""
    shade = grey(window)
    lut = np.empty((LABELS, HU_STEPS), dtype=np.uint32)
    lut[:] = _packed([shade, shade, shade])
    if paint is not None:
        for label in range(TINTED):
            parts = [shade, shade, shade]
            if label in paint.colours:
                share = paint.opacity if label != OUTLINE else (_OUTLINE_SHARE if paint.opacity > 0 else 0.0)
                parts = _mixed(parts, paint.colours[label], share)
                lut[label] = _packed(parts)
            if label <= OUTLINE:
                lut[label + TINTED] = _packed(_mixed(parts, paint.tint, _TINT_SHARE))
    lut[:, 0] = 0xFF000000
    return lut


def _mixed(parts: list[NDArray[np.float32]], colour: Rgb, share: float) -> list[NDArray[np.float32]]:
    return [part * np.float32(1.0 - share) + np.float32(c * share) for part, c in zip(parts, colour, strict=True)]


def _packed(parts: list[NDArray[np.float32]]) -> NDArray[np.uint32]:
    red, green, blue = (np.rint(part).astype(np.uint32) for part in parts)
    return np.uint32(0xFF000000) | red << np.uint32(16) | green << np.uint32(8) | blue


def labels(
    patterns: NDArray[np.uint8], regions: NDArray[np.uint8], zones: NDArray[np.uint8] | None, zone: int
) -> NDArray[np.uint8]:
    """Labels of one plane: pattern, airway, outline of the lungs; `TINTED` where `zones == zone`."""
    lung = both_lungs(regions)
    inner = lung.copy()
    inner[1:] &= lung[:-1]
    inner[:-1] &= lung[1:]
    inner[:, 1:] &= lung[:, :-1]
    inner[:, :-1] &= lung[:, 1:]
    plane: NDArray[np.uint8] = np.multiply(patterns, lung, dtype=np.uint8)
    np.copyto(plane, np.uint8(AIRWAY), where=regions == Region.AIRWAYS)
    np.copyto(plane, np.uint8(OUTLINE), where=lung & ~inner)
    if zone and zones is not None:
        plane += (zones == zone) * np.uint8(TINTED)
    return plane


def fill(
    lut: NDArray[np.uint32], hu: NDArray[np.int16], plane_labels: NDArray[np.uint8] | None, out: NDArray[np.uint32]
) -> None:
    """Write one plane into `out` (uint32, contiguous, the plane's shape)."""
    index = np.clip(hu, LOWEST_HU - 1, HIGHEST_HU).astype(np.int32)
    index -= LOWEST_HU - 1
    if plane_labels is not None:
        index += plane_labels.astype(np.int32) * HU_STEPS
    np.take(lut.reshape(-1), index, out=out, mode="clip")
