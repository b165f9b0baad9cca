"""How counts become printed numbers: once, half up, from integers."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction


def percent(part: int, whole: int) -> Decimal | None:
    """100 x part / whole rounded half up to 0.01; None where whole is 0."""
    if whole <= 0:
        return None
    hundredths = (2 * 10_000 * int(part) + int(whole)) // (2 * int(whole))
    return Decimal(hundredths).scaleb(-2)


def rounded(value: float | Fraction | Decimal, places: int) -> Decimal:
    """value rounded half up to so many decimals, without a minus before zero."""
    exact = Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else Decimal(value)
    result = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return abs(result) if result == 0 else result


def volume_ml(voxels: int, voxel_ml: float) -> Decimal:
    """Volume of so many voxels, in ml with one decimal."""
    return rounded(int(voxels) * voxel_ml, 1)
