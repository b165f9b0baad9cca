"""Some Qt bindings lose a reference to None with each call and crash after some thousands (PySide6 6.12 on 3.11)."""

import sys

import PySide6
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

CALLS = 1000


def _lost(call) -> int:
    call()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        call()
    return before - sys.getrefcount(None)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_drawing_a_thousand_times_keeps_the_references_of_none(qtbot, reading):
    picture, canvas = QImage(8, 8, QImage.Format.Format_RGB32), QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    view = reading.reading.axial
    try:
        lost = {
            "drawImage": _lost(lambda: painter.drawImage(QRectF(0, 0, 8, 8), picture)),
            "update": _lost(view.update),
            "setText": _lost(lambda: reading.line.setText("")),
        }
    finally:
        painter.end()
    assert max(lost.values()) < CALLS // 10, lost


def test_the_bindings_are_within_the_bound_that_was_tested():
    assert (6, 8) <= tuple(int(n) for n in PySide6.__version__.split(".")[:2]) < (6, 12)
