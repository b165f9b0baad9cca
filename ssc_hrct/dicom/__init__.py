"""Files in (find, choose, load) and out (write_ct). The only room that knows DICOM."""

from ssc_hrct.dicom.choose import choose
from ssc_hrct.dicom.deidentify import Dates, NotWritten, Rules, write_deidentified
from ssc_hrct.dicom.find import find
from ssc_hrct.dicom.load import load
from ssc_hrct.dicom.series import ExamChoice, Found, Series
from ssc_hrct.dicom.write_ct import write_ct

__all__ = [
    "Dates", "ExamChoice", "Found", "NotWritten", "Rules", "Series", "choose", "find", "load", "write_ct",
    "write_deidentified",
]
