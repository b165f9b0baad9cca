"""What class of reconstruction kernel a name means.

In: the text of ConvolutionKernel. Out: standard (soft to medium), lung (sharp), extreme (made for inner
ear or bone, or so smooth that lines vanish), or None where the name is not known. From the makers' naming:
GE by word, Siemens by a number that grows with sharpness (B10 to B90, Br36, Bl57, I50, D40), Philips by
letter, Canon/Toshiba by FC number. Names of kernels are coarse: where it matters, sharpness is measured.
"""

from __future__ import annotations

import re
from enum import StrEnum


class KernelClass(StrEnum):
    STANDARD = "standard"
    LUNG = "lung"
    EXTREME = "extreme"


_BY_WORD = {
    "SOFT": KernelClass.STANDARD, "STANDARD": KernelClass.STANDARD, "STND": KernelClass.STANDARD,
    "CHEST": KernelClass.STANDARD, "CHST": KernelClass.STANDARD, "DETAIL": KernelClass.STANDARD,
    "LUNG": KernelClass.LUNG, "BONE": KernelClass.LUNG, "BONEPLUS": KernelClass.LUNG,
    "EDGE": KernelClass.EXTREME, "ULTRA": KernelClass.EXTREME,
    # Philips
    "A": KernelClass.STANDARD, "B": KernelClass.STANDARD, "C": KernelClass.STANDARD,
    "L": KernelClass.LUNG, "YA": KernelClass.LUNG, "YB": KernelClass.LUNG, "YC": KernelClass.LUNG,
    "D": KernelClass.EXTREME, "E": KernelClass.EXTREME,
}
_SIEMENS = re.compile(r"[A-Z]{1,2}([1-9][0-9])[A-Z]?")
_CANON = re.compile(r"FC([0-9]{2})(?![0-9]).*")
_SIEMENS_SMOOTHEST, _SIEMENS_LUNG_FROM, _SIEMENS_LUNG_TO = 20, 46, 75


def kernel_class(kernel: str | None) -> KernelClass | None:
    """Class of a kernel's name; None where there is no name or it is not known."""
    words = (kernel or "").upper().replace("^", " ").replace("\\", " ").split()
    if not words:
        return None
    for word in words if len(words) == 1 else (words[0], " ".join(words).removeprefix("HD ").split()[0]):
        if word in _BY_WORD:
            return _BY_WORD[word]
        if match := _CANON.fullmatch(word):
            return _canon(int(match[1]))
        if match := _SIEMENS.fullmatch(word):
            return _siemens(int(match[1]))
    return None


def _siemens(sharpness: int) -> KernelClass:
    if sharpness < _SIEMENS_SMOOTHEST or sharpness > _SIEMENS_LUNG_TO:
        return KernelClass.EXTREME
    return KernelClass.LUNG if sharpness >= _SIEMENS_LUNG_FROM else KernelClass.STANDARD


def _canon(number: int) -> KernelClass | None:
    """FC01 to FC29 are made for body and head, FC50 to FC59 and FC80 to FC89 for lung; FC30 to FC49 for bone."""
    if 1 <= number <= 29:
        return KernelClass.STANDARD
    if 50 <= number <= 59 or 80 <= number <= 89:
        return KernelClass.LUNG
    return KernelClass.EXTREME if 30 <= number <= 49 else None
