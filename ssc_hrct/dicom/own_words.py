"""The patient's own names and numbers, and whether a text that may stay holds one of them.

In: a dataset, or an element of it. Out: words; and yes or no. Names are gathered wherever one may stand, in sequences
too. Case and accents do not count. Defined terms, and words that kernels, scanners and parts of the body are called by,
are nobody's own: a patient with the number LUNG-001 does not cost the kernel LUNG.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from ssc_hrct.dicom.kept_values import DECIMALS, TEXTS, texts

SHORTEST_NAME, LONG_ENOUGH = 2, 6
"""Parts of names and numbers are looked for as whole words from the first length on, anywhere in a text from the
second; signs of which one is a word (Chinese, Korean, Japanese) always."""
_FIRST_WORD_SIGN = 0x2E80
_SPLIT = re.compile(r"[\W_]+")
_OTHER_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i"})
"""What Unicode does not take apart into a letter and a mark."""
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_OWN = ("Patient", "OtherPatient", "Responsible", "Institution", "Station")
"""How the names of elements begin that say who or where; their code strings (position, sex) say neither."""
_OWN_TOO = frozenset((
    "PatientBirthDate", "AccessionNumber", "StudyID", "AdmissionID", "MedicalRecordLocator", "ClinicalTrialSubjectID",
    "RequestedProcedureID", "ScheduledStationName", "ScheduledStationAETitle", "PerformedStationName",
    "PerformedStationAETitle",
))

_COMMON_WORDS = """
    ct hrct ssc ild scan image series study test phantom none unknown other unspecified anonymous anonymized removed
    axial helical spiral mode localizer scout primary secondary original derived reformatted volume
    chest thorax lung lungs abdomen head neck pelvis heart spine
    standard stnd soft detail chst bone boneplus edge ultra sharp smooth kernel
    ge gems siemens philips toshiba canon hitachi fujifilm neusoft medical systems healthcare healthineers health
    lightspeed brightspeed discovery optima revolution vct somatom sensation definition emotion force flash drive
    naeotom aquilion brilliance ingenuity incisive
"""
COMMON = frozenset(_COMMON_WORDS.split())
"""Words that say nothing about anybody, wherever they stand, also as a part of a number."""
_TERM_WORDS = """
    hu us od hfs hfp hfdr hfdl ffs ffp ffdr ffdl monochrome monochrome1 monochrome2 yes no 00 01 cw cc
    iso_10918_1 iso_14495_1 iso_15444_1 iso_15444_15 fixed angular identity inverse sampled distorted mixed
    max_ip min_ip mean_ip volume_render surface_render mpr curved_mpr product research service color true_color
    sequenced constant_angle stationary free filter_back_proj iterative aluminum carbon copper molybdenum titanium lead
    wedge butterfly strip multiple flat r l u b 3d 3d_temporal resampled average addition filtered screensave
    chestabdomen chestabdpelvis wholebody tspine lspine extremity ya yb yc sn dcm srt sct snm3 fma umls
    image_addition ct_som5 ct_som7 xyz
"""
_PHRASES = ("projection image", "ct_som5 spi", "ct_som5 seq", "ct_som5 topo", "secondary capture")
_KNOWN = COMMON.union(_TERM_WORDS.split(), _PHRASES)
"""Values that stay whoever the patient is (PS3.3: the defined terms of what stays; and kernels by name)."""


def names_someone(element: pydicom.DataElement, own: frozenset[str]) -> bool:
    """Whether a text, or a number as a whole, holds a word of the patient's own."""
    if element.VR in DECIMALS:
        return any(len(text) >= LONG_ENOUGH and text in own for text in texts(element.value))
    return element.VR in TEXTS and any(text_names_someone(text, own) for text in texts(element.value))


def text_names_someone(text: str, own: frozenset[str]) -> bool:
    """Whether this value holds a word of the patient's own."""
    for form in _forms(text):
        parts = [part for part in _SPLIT.split(form) if part]
        if form in _KNOWN or all(part in COMMON for part in parts):
            continue
        joined = "".join(parts)
        if own.intersection((form, *parts)) or any(_is_long(word) and word in joined for word in own):
            return True
    return False


def own_words(old: Dataset) -> frozenset[str]:
    """The patient's and the exam's own names and numbers, as they are compared."""
    found: set[str] = set()
    for element in old.iterall():
        if not _is_own(element):
            continue
        for form in (form for text in texts(element.value) for form in _forms(text)):
            parts = [part for part in _SPLIT.split(form) if part]
            found |= {form, *parts}
            for one, other in pairwise(parts):
                found |= {one + other, other + one}
    return frozenset(word for word in found - COMMON if len(word) >= SHORTEST_NAME or _has_word_sign(word))


def _is_own(element: pydicom.DataElement) -> bool:
    if element.VR == "SQ":
        return False
    name = element.keyword
    if element.VR == "PN" or name in _OWN_TOO:
        return True
    return bool(name) and (kind := dictionary_VR(element.tag)) in TEXTS and kind != "CS" and (
        kind == "PN" or name.startswith(_OWN))


def _is_long(word: str) -> bool:
    return len(word) >= LONG_ENOUGH or _has_word_sign(word)


def _has_word_sign(word: str) -> bool:
    return any(ord(sign) >= _FIRST_WORD_SIGN for sign in word)


def _forms(text: str) -> Iterator[str]:
    """The text in small letters without accents, and once more with two letters for an umlaut where it has one."""
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    yield _bare(small)
    spelled = small.translate(_SPELLED_OUT)
    if spelled != small:
        yield _bare(spelled)


def _bare(small: str) -> str:
    apart = unicodedata.normalize("NFKD", small.translate(_OTHER_LETTERS))
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not unicodedata.combining(sign)))
