"""Values of which nothing but what the dictionary says can stand in a copy without identity: by their kind and number.

In: an element. Out: whether its value is one of those that its tag may have. A file may write any bytes as any kind: a
name as a number, a text as bytes. What is text is looked through elsewhere (`own_words`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR

TEXTS = frozenset(("CS", "LO", "LT", "SH", "ST", "UC", "UT", "PN", "AE"))
DECIMALS = frozenset(("IS", "DS"))
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LONGEST_DECIMAL = 32
"""PS3.5 6.2 allows 16 signs; programs that write all digits of a double need up to 25."""
_SHORTS, _LONGS, _DOUBLES = ("US", "SS"), ("UL", "SL"), ("FD", "FL")
_LARGEST_INDEX = 2**20
"""More frames than any image has; three letters and more, read as a whole number, are above it."""
_SMALLEST_DOUBLE, _LARGEST_DOUBLE = 1e-9, 5e5
"""Letters, digits, spaces and carets, read as a double, are below or above these, what is measured is between."""


def is_sound(element: pydicom.DataElement) -> bool:
    """Whether the value is of a kind that the dictionary names for the tag, and within what that kind is used for.

    An element without a value is. Bytes never are.
    """
    if element.VR not in dictionary_VR(element.tag).split(" or "):
        return False
    values = [value for value in each(element.value) if value is not None and value != ""]
    if element.VR in TEXTS:
        return all(isinstance(value, str | pydicom.valuerep.PersonName) for value in values)
    if element.VR in DECIMALS:
        return all(_is_decimal(str(value)) for value in values)
    several = dictionary_VM(element.tag)
    if several.isdecimal() and len(values) not in (0, int(several)):
        return False
    return all(_is_number(value, element.VR) for value in values)


def _is_decimal(text: str) -> bool:
    return len(text) <= _LONGEST_DECIMAL and _DECIMAL.fullmatch(text.strip(" \0")) is not None


def _is_number(value: Any, kind: str) -> bool:
    if kind == "AT":
        return isinstance(value, int) and dictionary_has_tag(value)
    if kind in _SHORTS:
        return isinstance(value, int)
    if kind in _LONGS:
        return isinstance(value, int) and abs(value) < _LARGEST_INDEX
    if kind in _DOUBLES:
        size = abs(value) if isinstance(value, float) else float("nan")
        return isfinite(size) and (size == 0 or _SMALLEST_DOUBLE <= size <= _LARGEST_DOUBLE)
    return False


def each(value: Any) -> Iterable[Any]:
    """The values of an element that may have one or several."""
    return value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]


def texts(value: Any) -> Iterator[str]:
    """The values as texts, without spaces around; bytes as the letters that they look like."""
    if value is not None:
        yield from ((one.decode("latin-1") if isinstance(one, bytes) else str(one)).strip(" \0") for one in each(value))
