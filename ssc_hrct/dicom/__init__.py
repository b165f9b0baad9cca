"""Files in (find, choose, load) and out (CT, segmentations, reports, pages). The only room that knows DICOM."""

from ssc_hrct.dicom.choose import choose
from ssc_hrct.dicom.clean_pixels import NotWritten
from ssc_hrct.dicom.codes import LEARNED, ORGANS, PATTERNS, VESSELS
from ssc_hrct.dicom.deidentify import Dates, Rules, write_deidentified
from ssc_hrct.dicom.files import open_archives
from ssc_hrct.dicom.find import find
from ssc_hrct.dicom.index import Index
from ssc_hrct.dicom.load import load
from ssc_hrct.dicom.read_seg import is_dicom, read_seg_lungs
from ssc_hrct.dicom.series import ExamChoice, Found, Series
from ssc_hrct.dicom.source_headers import STUDY_UID, lacking, one_of
from ssc_hrct.dicom.write_ct import write_ct
from ssc_hrct.dicom.write_page import write_document, write_pictures
from ssc_hrct.dicom.write_seg import Segment, WrittenSeg, write_seg
from ssc_hrct.dicom.write_sr import write_sr

__all__ = [
    "LEARNED", "ORGANS", "PATTERNS", "STUDY_UID", "VESSELS", "Dates", "ExamChoice", "Found", "Index", "NotWritten",
    "Rules", "Segment", "Series", "WrittenSeg", "choose", "find", "is_dicom", "lacking", "load", "one_of",
    "open_archives", "read_seg_lungs", "write_ct", "write_deidentified", "write_document", "write_pictures",
    "write_seg", "write_sr",
]
