"""One table of what may be doubtful or refused. CSV codes, sentences and the docs page come from it.

A caution stands beside a number; a refusal stands instead of it. Where a code may be either, the
limit that was passed decides, and the `Finding` carries its level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal


class Level(StrEnum):
    """How far a finding reaches. not_comparable is used between two scores alone."""

    CAUTION = "caution"
    REFUSED = "refused"
    NOT_COMPARABLE = "not_comparable"


Reach = Literal["caution", "refusal", "either"]


@dataclass(frozen=True, slots=True)
class FindingKind:
    """says: what is the matter, for a coordinator. do: what to do about it.

    level: what it can be: a caution, a refusal (of a pair: not comparable), or either, by the limit that was passed.
    """

    code: str
    says: str
    do: str
    level: Reach = "caution"


def _kinds(*rows: tuple[str, str, str] | tuple[str, str, str, Reach]) -> dict[str, FindingKind]:
    kinds = {row[0]: FindingKind(*row) for row in rows}
    if len(kinds) != len(rows):
        raise ValueError("a code stands twice in a table of findings")
    return kinds


SCAN_FINDINGS: dict[str, FindingKind] = _kinds(
    ("THICK_SLICES", "The slices are thicker than 1.5 mm, or their thickness is not known.",
     "Choose a thin series if the exam has one; the split into patterns is unsure on thick slices.", "either"),
    ("SPACED_SLICES", "The slices are spaced apart with unseen lung between them.",
     "Choose a contiguous series; spaced HRCT cannot be scored by volume.", "refusal"),
    ("MISSING_SLICES", "Slices are missing inside the stack.",
     "Ask for a complete export of the series.", "either"),
    ("DUPLICATE_SLICES", "Some slices are there more than once.",
     "Exact copies were left out; where copies differ, export the series again.", "either"),
    ("MIXED_ACQUISITIONS", "Two acquisitions share this series and cannot be told apart.",
     "Export each acquisition as a series of its own.", "refusal"),
    ("GANTRY_TILT", "The gantry was tilted, or is said to have been.",
     "Look at the coronal view before trusting the zones.", "either"),
    ("BAD_GEOMETRY", "Positions and orientations of the slices do not make a regular volume.",
     "Choose another series or export it again.", "refusal"),
    ("COARSE_PIXELS", "The pixels are larger than 1 mm.",
     "Choose a reconstruction with a smaller field of view.", "either"),
    ("FIELD_OF_VIEW", "The lungs touch the edge of the field of view, or it is very small.",
     "Choose a reconstruction that holds both lungs.", "either"),
    ("NOT_CT", "This is not a CT image of the chest in HU.", "Choose the CT series of the exam.", "refusal"),
    ("LOCALIZER", "This is a localizer (scout).", "Choose the axial series of the exam.", "refusal"),
    ("TOO_FEW_SLICES", "There are fewer than 20 slices.", "Choose the complete axial series.", "refusal"),
    ("DERIVED_SERIES", "This series was computed from another one.",
     "Choose the original axial series if it is at hand."),
    ("NOT_AXIAL", "The slices are coronal, sagittal or oblique.",
     "Choose the axial series of the exam.", "either"),
    ("LOSSY", "The images were compressed with loss.",
     "Prefer the original; fine lines may be smoothed away."),
    ("UNREADABLE", "The pixels of one or more slices could not be decoded.",
     "Export the series again; a file may be damaged or in a format that is not read.", "either"),
    ("HU_OFFSET", "Air or blood is not at its usual density.",
     "Check the scanner's calibration; densities may be shifted."),
    ("NOT_HU", "The values are not Hounsfield units: air is off by more than 150.",
     "Choose the original CT series.", "refusal"),
    ("KERNEL_UNKNOWN", "The reconstruction kernel is not known, or extreme.",
     "Compare visits only where the kernel is the same."),
    ("KVP_UNUSUAL", "The tube voltage is unknown or outside 100 to 140 kV.",
     "Compare visits only at the same voltage."),
    ("NOISY", "The image is noisy.", "Noise can look like fine reticulation; look at the overlay.", "either"),
    ("IMAGE_UNKNOWN", "Air, noise, sharpness, blood or motion could not be measured in the image.",
     "Look at the windpipe and its outline; noise, shifted densities or motion would not be seen."),
    ("CONTRAST", "Contrast medium was given.",
     "Lung density is raised a little; compare only with a visit with contrast."),
    ("PRONE", "The patient lay prone, as the header or the couch in the image tells.",
     "Compare only with another prone scan."),
    ("POSITION_UNKNOWN", "The patient's position is not known for certain.",
     "Look on which side the couch lies: dependent density can look like disease."),
    ("LOW_INSPIRATION", "The breath was not deep, or the lungs are dense throughout.",
     "Shallow breath looks like ground glass; look at the image and repeat if needed."),
    ("EXPIRATION", "Both lungs together hold under 1.5 litres: this looks like expiration.",
     "Score a scan at full inspiration.", "refusal"),
    ("CUT_OFF", "The scan does not hold the whole of both lungs.",
     "Choose a series that covers both apices and bases.", "either"),
    ("MOTION", "The patient moved: borders are doubled in some slices, or there is a step between slices.",
     "Motion can look like ground glass; look at those slices, the heart and the diaphragm."),
    ("NO_LUNGS", "Two lungs could not be found.",
     "Check that this is a chest CT that holds both lungs.", "refusal"),
    ("MASK_VOLUME", "The lung volume is outside what is expected of an adult.",
     "Look at the lung outline."),
    ("MASK_ASYMMETRY", "The share of the right lung is unusual.", "Look at the lung outline."),
    ("MASK_LEAK", "The airways are larger than they should be: they may have leaked into the lungs.",
     "Look at the lung outline."),
    ("MASK_AIRWAYS", "The windpipe and its large branches were not found, or only a small part of them.",
     "Look at the lung outline near them: airways that were not found count as lung."),
    ("MASK_PARTS", "The lung outline is in more large parts than two.", "Look at the lung outline."),
    ("MASK_HOLES", "The lung outline has holes.", "Look at the lung outline."),
    ("MASK_SIDES", "Right and left lung may be exchanged.",
     "Look on which side the heart lies; the zones are of the other side if they are exchanged."),
    ("MASK_STEP", "The lung outline jumps between neighbouring slices.",
     "Look at the lung outline in the coronal view."),
    ("MASK_MISSED_DISEASE", "Dense tissue between lung and ribs was left outside the lungs.",
     "Look there: it may be consolidation, which then is missing from the lungs, or fluid, which is none of them."),
    ("MASK_UNKNOWN", "A check of the lung outline could not be made.", "Look at the lung outline."),
    ("MASK_LOW_DENSITY", "Much of the lung is as empty as air: emphysema, or air outside the lungs.",
     "Look at the lung outline."),
    ("MASK_REFUSED", "The lung mask that was given does not fit this scan.",
     "Make the mask from this very series, and save it with the lungs alone.", "refusal"),
    ("MASK_RESAMPLED", "The lung mask that was given lies on another grid and was brought to that of the scan.",
     "Make the mask on the scan's own grid where you can; its border is rough."),
    ("MASK_DIFFERS", "The lung mask that was given differs from the lungs found here, or could not be compared.",
     "Look at the lung outline: one of the two may be wrong."),
    ("LUNGS_GIVEN", "The outline of the lungs was given, not found here.",
     "Compare only with a visit whose lungs came from the same program."),
    ("CONSOLIDATION", "Over 2 percent of the lung is consolidated.",
     "A reader must say what it is; it is not counted as ILD."),
    ("NO_NORMAL_LUNG", "Little of the lung looks normal, so the patient's own reference is unsure.",
     "Read the extent as a rough figure."),
    ("OUT_OF_RANGE", "Over 5 percent of the lung looks like nothing that the program learned from.",
     "Read the extent as a rough figure; its interval was doubled. Look at the overlay."),
    ("INTERVAL_WIDENED",
     "The intervals were doubled: the scan is not known well enough, or not like those they rest on.",
     "Read the extent with its interval."),
    ("SUBJECT_UNKNOWN", "Whose scan this is could not be told from the files.",
     "Name the subject, by option or manifest."),
    ("INTERNAL_ERROR", "The program failed on this exam. This is a fault of the program.",
     "Send the log to the maintainers; the other exams are not affected.", "refusal"),
    ("VISIT_NOT_GIVEN", "The visit was not named.", "Name the visit, by option or manifest."),
)

PAIR_FINDINGS: dict[str, FindingKind] = _kinds(
    ("SIDE_REFUSED", "One of the two scans was refused.", "Choose another series for that visit.", "refusal"),
    ("VERSION_DIFFERS", "The two scans were scored with different versions of the program.",
     "Score both with the same version.", "refusal"),
    ("PROTOCOL_DIFFERS", "The two scans were scored under different protocols.",
     "Score both under the same protocol.", "refusal"),
    ("IDENTITY_DIFFERS", "The two exams name different patients in their headers.",
     "Check that both are of one subject."),
    ("VOLUME_DIFFERS", "The lung volumes differ: one breath was deeper.",
     "A shallower breath looks like more disease; judge with spirometry.", "either"),
    ("VOLUME_UNKNOWN", "The lung volume of a side is not known.", "Score that visit again."),
    ("THICKNESS_DIFFERS", "The slice thickness differs.", "Compare series of equal thickness.", "either"),
    ("THICKNESS_UNKNOWN", "The slice thickness of a side is not known.",
     "Compare series of known thickness."),
    ("KERNEL_DIFFERS", "The kernels or the measured sharpness differ.",
     "Compare series of one kernel; fine lines depend on it."),
    ("KERNEL_UNKNOWN", "The kernel or the measured sharpness of a side is not known.",
     "Compare series of one known kernel; fine lines depend on it."),
    ("MANUFACTURER_DIFFERS", "The scanners are of different manufacturers.",
     "Read the change with care."),
    ("MANUFACTURER_UNKNOWN", "The manufacturer of a side is not known.", "Read the change with care."),
    ("RECONSTRUCTION_DIFFERS", "The reconstruction families differ.", "Compare like with like."),
    ("RECONSTRUCTION_UNKNOWN", "Only one of the two headers names an iterative or deep reconstruction.",
     "Ask how the other was reconstructed; compare like with like."),
    ("KVP_DIFFERS", "The tube voltages differ.", "Read the change with care."),
    ("KVP_UNKNOWN", "The tube voltage of a side is not known.", "Read the change with care."),
    ("CONTRAST_DIFFERS", "Contrast medium was given at one visit only.",
     "Contrast raises lung density; read the change with care."),
    ("CONTRAST_UNKNOWN", "Whether contrast medium was given is not known for a side.",
     "Read the change with care."),
    ("POSITION_DIFFERS", "The patient lay differently.", "Dependent density moves; compare like with like."),
    ("POSITION_UNKNOWN", "The position at a visit is not known.", "Read the change with care."),
    ("AIR_DIFFERS", "Air is over 15 HU apart between the scans.", "Check the scanner's calibration."),
    ("AIR_UNKNOWN", "Air in the windpipe of a side could not be measured.",
     "A shift of the densities would not be seen; check the scanner's calibration."),
    ("BLOOD_DIFFERS", "Blood is over 15 HU apart between the scans.", "Check the scanner's calibration."),
    ("BLOOD_UNKNOWN", "Blood of a side could not be measured.",
     "A shift of the densities would not be seen; check the scanner's calibration."),
    ("COVERAGE_DIFFERS", "One scan does not hold the whole of the lungs.",
     "Compare series that hold both lungs."),
    ("MOTION_DIFFERS", "The patient moved at one visit.", "Look at both scans."),
    ("DATES_REVERSED", "The follow-up is dated before the baseline.", "Check which scan is which."),
    ("DATES_UNKNOWN", "The date of a scan is not known.", "Check which scan is which."),
    ("VISIT_NOT_GIVEN", "The follow-up is not 44 to 52 weeks after baseline and was not named.",
     "Name the visit with --followup-visit."),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One caution or refusal. detail: the measured value, tag or place behind it, in plain words.

    pair: of two scans and not of one; some codes stand in both tables and say different things there.
    """

    code: str
    level: Level
    detail: str = ""
    pair: bool = False

    def __post_init__(self) -> None:
        if self.code not in self._table:
            raise ValueError(f"unknown finding {self.code} of {'two scans' if self.pair else 'a scan'}")

    @property
    def _table(self) -> dict[str, FindingKind]:
        return PAIR_FINDINGS if self.pair else SCAN_FINDINGS

    @property
    def kind(self) -> FindingKind:
        """The table's row."""
        return self._table[self.code]


def caution(code: str, detail: str = "") -> Finding:
    return Finding(code, Level.CAUTION, detail)


def refusal(code: str, detail: str = "") -> Finding:
    return Finding(code, Level.REFUSED, detail)


def pair_caution(code: str, detail: str = "") -> Finding:
    """Two scans may be compared, with care."""
    return Finding(code, Level.CAUTION, detail, pair=True)


def not_comparable(code: str, detail: str = "") -> Finding:
    """Two scans may not be compared."""
    return Finding(code, Level.NOT_COMPARABLE, detail, pair=True)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each code once, at its gravest; refusals first, VISIT_NOT_GIVEN last, else as the table.

    Details of one code and level are joined: what the header says and what the image shows stand together.
    """
    tables = {False: list(SCAN_FINDINGS), True: list(PAIR_FINDINGS)}
    gravest: dict[tuple[bool, str], Finding] = {}
    for finding in findings:
        known = gravest.get((finding.pair, finding.code))
        if known is None or (known.level is Level.CAUTION and finding.level is not Level.CAUTION):
            gravest[finding.pair, finding.code] = finding
        elif known.level is finding.level and finding.detail and finding.detail not in known.detail:
            joined = f"{known.detail} {finding.detail}".strip()
            gravest[finding.pair, finding.code] = replace(known, detail=joined)
    return tuple(sorted(
        gravest.values(),
        key=lambda f: (f.code == "VISIT_NOT_GIVEN", f.level is Level.CAUTION, f.pair, tables[f.pair].index(f.code)),
    ))


def is_refused(findings: Iterable[Finding]) -> bool:
    return any(f.level is Level.REFUSED for f in findings)
