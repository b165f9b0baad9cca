"""What calibration measured in one volume; judged by `quality`, used by the classifier."""

from __future__ import annotations

from dataclasses import dataclass

FWHM_PER_SIGMA = 2.3548
"""Of a Gaussian: 2 sqrt(2 ln 2)."""


@dataclass(frozen=True, slots=True)
class ImageStats:
    """None: could not be measured.

    noise_hu: SD in tracheal air, or (noise_in_blood) in heart and great vessels, scaled to 1 mm slices. air_hu:
    median of tracheal air. blood_hu: median of heart and great vessels. fwhm_mm: width of the point spread in the
    image plane, from the tracheal wall. normal_mode_hu, normal_width_hu: mode and SD of the patient's own normal
    lung. normal_share: part of the lung within reach of that mode. gravity_hu_per_mm: rise of normal density along
    +y, toward the back; negative in a prone patient. lung_ml, right_share: volume of both lungs; the right one's
    part. airways_ml: volume of trachea and bronchi found. cut_off_percent: part of the lungs estimated to lie beyond
    the first or last slice; cut_off_lesser_percent: beyond that of the two with less, 0 where one end alone is cut.
    view_percent: part of the lung surface at the edge of the field of view. low_density_percent: part of the lung
    under -970 HU. supine: True, False (prone), None (unknown): by the couch in the image, else by the header, else by
    density. table_behind: the couch in the image lies behind the patient (False: in front). density_supine: normal
    lung grows denser to the back (False: to the front). normal_predicted: the mode follows from the lung volume,
    because too little normal lung was left to measure. air_around_hu: median of the air in front of the patient,
    where that in the windpipe could not be measured. windpipe_bow_mm: how far the middle of the windpipe's back wall
    lies in front of its sides. moved_slices: indices of the volume's slices with signs of motion (none seen, though
    too little of the borders could be looked at: None).
    """

    lung_ml: float
    right_share: float
    airways_ml: float
    noise_hu: float | None
    air_hu: float | None
    blood_hu: float | None
    fwhm_mm: float | None
    normal_mode_hu: float
    normal_width_hu: float
    normal_share: float
    gravity_hu_per_mm: float
    cut_off_percent: float
    view_percent: float
    low_density_percent: float
    supine: bool | None
    table_behind: bool | None = None
    density_supine: bool | None = None
    normal_predicted: bool = False
    windpipe_bow_mm: float | None = None
    moved_slices: tuple[int, ...] | None = ()
    noise_in_blood: bool = False
    air_around_hu: float | None = None
    cut_off_lesser_percent: float = 0.0
