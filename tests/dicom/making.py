"""Made-up CT series for this room's tests: written by `write_ct`, then bent as each test needs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    UID,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from ssc_hrct import dicom
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import UPRIGHT, Grid, Triple
from ssc_hrct.core.volume import Volume

SHAPE = (24, 20, 28)
SPACING = (2.0, 0.8, 0.6)
ORIGIN = (-7.3, 11.9, -140.5)


def uids(root: str = "2.25.77") -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"{root}.{next(counter)}"


def facts(slices: int = SHAPE[0], **changes: Any) -> Acquisition:
    given: dict[str, Any] = {
        "study_instance_uid": "2.25.1", "series_instance_uid": "2.25.2", "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": slices, "kernel": "LUNG", "kvp": 120.0, "slice_thickness_mm": 2.0, "patient_position": "HFS",
        "scan_date": "2020-02-03",
    }
    return Acquisition(**(given | changes))


def noise_volume(seed: int = 1, shape: tuple[int, int, int] = SHAPE, origin_mm: Triple = ORIGIN) -> Volume:
    """A volume in which no two voxels' surroundings are alike, so that a wrong turn cannot hide."""
    hu = np.random.default_rng(seed).integers(-1000, 1000, shape, dtype=np.int16)
    return Volume(hu, Grid(shape, SPACING, origin_mm), facts(shape[0]))


def write(volume: Volume, folder: Path, *, series: str = "2.25.2", study: str = "2.25.1", **more: Any) -> list[Path]:
    given: dict[str, Any] = {"patient_id": "MADE-UP", "frame_of_reference_uid": "2.25.3"}
    given |= {"new_uid": uids(f"{series}.9")} | more
    return list(dicom.write_ct(volume, folder, study_instance_uid=study, series_instance_uid=series, **given))


def change(files: Sequence[Path], how: Callable[[FileDataset, int], None]) -> None:
    """Rewrite each file after `how(dataset, index)`."""
    for index, file in enumerate(files):
        dataset = pydicom.dcmread(file)
        how(dataset, index)
        dataset.save_as(file)


def found(*paths: Path) -> tuple[dicom.Series, ...]:
    return dicom.find(paths).series


def only(*paths: Path) -> dicom.Series:
    (series,) = found(*paths)
    return series


@dataclass(frozen=True, slots=True)
class World:
    """A density that is linear in space, so that interpolation of it is exact: HU = base + slope . position."""

    base: float = -300.0
    slope: Triple = (2.0, -3.0, 1.5)

    def hu(self, lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.base + lps_mm @ np.asarray(self.slope))


def write_sampled(
    folder: Path, *, row: ArrayLike, column: ArrayLike, positions: Sequence[ArrayLike],
    world: World | None = None, rows: int = 16, columns: int = 20, pixel_spacing: tuple[float, float] = (0.9, 0.7),
) -> list[Path]:
    """Slices of a `World` with any orientation and positions, as a scanner would store them."""
    world = world or World()
    shape = (len(positions), rows, columns)
    grid = Grid(shape, (1.0, *pixel_spacing), direction=UPRIGHT)
    files = write(Volume(np.zeros(shape, np.int16), grid, facts(len(positions))), folder)
    turned = np.concatenate([np.asarray(row, float), np.asarray(column, float)])
    j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")

    def sample(dataset: FileDataset, index: int) -> None:
        where = (
            np.asarray(positions[index]) + i[..., None] * pixel_spacing[1] * turned[:3]
            + j[..., None] * pixel_spacing[0] * turned[3:]
        )
        dataset.ImageOrientationPatient = [round(float(v), 9) for v in turned]
        dataset.ImagePositionPatient = [round(float(v), 6) for v in np.asarray(positions[index])]
        dataset.PixelData = (np.rint(world.hu(where)) + 1024).astype("<i2").tobytes()

    change(files, sample)
    return files


def _group(image: FileDataset, named: dict[str, tuple[str, ...]]) -> Dataset:
    """A functional group: for each sequence an item with these elements of the image, where it has them."""
    group = Dataset()
    for sequence, names in named.items():
        item = Dataset()
        for name in names:
            if name in image:
                setattr(item, name, image[name].value)
        setattr(group, sequence, Items([item]))
    return group


def write_enhanced(files: Sequence[Path], out: Path, syntax: UID) -> Path:
    """The images of `files`, in their order, as one Enhanced CT image of many frames (PS3.3 A.38)."""
    images = [pydicom.dcmread(file) for file in files]
    made = FileDataset(str(out), {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "PatientID", "StudyDate",
                 "PatientIdentityRemoved", "PatientPosition", "Manufacturer", "ManufacturerModelName",
                 "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
                 "SamplesPerPixel", "PhotometricInterpretation", "PixelPaddingValue"):
        if name in images[0]:
            setattr(made, name, images[0][name].value)
    made.SOPClassUID, made.SOPInstanceUID, made.NumberOfFrames = EnhancedCTImageStorage, "2.25.88.1", len(images)
    made.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    made.SharedFunctionalGroupsSequence = [_group(images[0], {
        "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"), "CTXRayDetailsSequence": ("KVP",),
    })]
    made.PerFrameFunctionalGroupsSequence = [_group(image, {
        "PlanePositionSequence": ("ImagePositionPatient",), "PlaneOrientationSequence": ("ImageOrientationPatient",),
        "CTReconstructionSequence": ("ConvolutionKernel",),
        "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "RescaleType"),
    }) for image in images]
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = syntax
    arrays = [image.pixel_array for image in images]
    if syntax == JPEGLSLossless:
        made.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(a.view(np.uint16))) for a in arrays])
        made["PixelData"].VR = "OB"
    else:
        made.PixelData = np.stack(arrays).astype("<i2").tobytes()
        made["PixelData"].VR = "OW"
    if syntax == RLELossless:
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(out, enforce_file_format=True)
    return out


def complete_enhanced(file: Path) -> Path:
    """Add to what `write_enhanced` wrote all that PS3.3 A.38 wants of an Enhanced CT image."""
    change([file], _complete)
    return file


def _complete(made: FileDataset, _: int) -> None:
    for name, value in {
        "PatientName": "CANARYLAST^Canaryfirst", "PatientBirthDate": "", "PatientSex": "", "StudyTime": "101500",
        "ReferringPhysicianName": "", "StudyID": "7", "AccessionNumber": "", "SeriesNumber": 3,
        "PatientPosition": "HFS", "PositionReferenceIndicator": "", "Manufacturer": "Maker",
        "ManufacturerModelName": "Model", "DeviceSerialNumber": "CANARYSERIAL", "SoftwareVersions": "1.0",
        "InstanceNumber": 1, "ContentDate": "20200203", "ContentTime": "101500",
        "AcquisitionDateTime": "20200203101500", "AcquisitionDuration": 5.0, "AcquisitionNumber": 1,
        "PixelPresentation": "MONOCHROME", "VolumetricProperties": "VOLUME", "VolumeBasedCalculationTechnique": "NONE",
        "ContentQualification": "PRODUCT", "BurnedInAnnotation": "NO", "LossyImageCompression": "00",
        "PresentationLUTShape": "IDENTITY", "AcquisitionContextSequence": [],
        "DimensionOrganizationSequence": [_item(DimensionOrganizationUID="2.25.3002")],
        "DimensionIndexSequence": [_item(
            DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111, DimensionOrganizationUID="2.25.3002")],
    }.items():
        setattr(made, name, value)
    chest = _code("43799004", "SCT", "Chest")
    frame_type = _item(FrameType=list(made.ImageType), PixelPresentation="MONOCHROME", VolumetricProperties="VOLUME",
                       VolumeBasedCalculationTechnique="NONE")
    (shared,) = made.SharedFunctionalGroupsSequence
    shared.CTXRayDetailsSequence = [_item(KVP=120, FocalSpots=[1.0], FilterType="WEDGE", FilterMaterial="ALUMINUM")]
    shared.FrameAnatomySequence = [_item(FrameLaterality="U", AnatomicRegionSequence=[chest])]
    shared.IrradiationEventIdentificationSequence = [_item(IrradiationEventUID=["2.25.3003", "2.25.3004"])]
    shared.CTImageFrameTypeSequence = [frame_type]
    shared.CTAcquisitionTypeSequence = [_item(
        AcquisitionType="SPIRAL", ConstantVolumeFlag="NO", FluoroscopyFlag="NO")]
    shared.CTAcquisitionDetailsSequence = [_item(
        RotationDirection="CW", RevolutionTime=0.5, SingleCollimationWidth=0.6, TotalCollimationWidth=40.0,
        TableHeight=150.0, GantryDetectorTilt=0.0, DataCollectionDiameter=500.0)]
    shared.CTTableDynamicsSequence = [_item(TableSpeed=40.0, TableFeedPerRotation=20.0, SpiralPitchFactor=1.0)]
    shared.CTGeometrySequence = [_item(DistanceSourceToDetector=1000.0, DistanceSourceToDataCollectionCenter=550.0)]
    shared.CTExposureSequence = [_item(
        ExposureTimeInms=500.0, XRayTubeCurrentInmA=200.0, ExposureInmAs=100.0, ExposureModulationType="NONE",
        CTDIvol=5.0)]
    for number, frame in enumerate(made.PerFrameFunctionalGroupsSequence, start=1):
        frame.FrameContentSequence = [_item(
            FrameAcquisitionNumber=1, FrameReferenceDateTime="20200203101500",
            FrameAcquisitionDateTime="20200203101500", FrameAcquisitionDuration=500.0, StackID="1",
            InStackPositionNumber=number, DimensionIndexValues=[number])]
        frame.CTPositionSequence = [_item(
            TablePosition=float(number), DataCollectionCenterPatient=[0.0, 0.0, 0.0],
            ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0])]
        (made_by,) = frame.CTReconstructionSequence
        made_by.ReconstructionAlgorithm, made_by.ConvolutionKernelGroup = "FILTER_BACK_PROJ", "LUNG"
        made_by.ReconstructionDiameter, made_by.ReconstructionAngle, made_by.ImageFilter = 400.0, 360.0, "NONE"
        made_by.ReconstructionPixelSpacing = [0.6, 0.6]


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
