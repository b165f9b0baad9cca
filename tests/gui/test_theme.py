"""Colours that can be read, and one source for them."""

import json
import re
from pathlib import Path

import pytest

from ssc_hrct.gui import theme as themes

ROOT = Path(__file__).resolve().parents[2]
LEAST = 4.5


@pytest.mark.parametrize("name", themes.THEMES)
@pytest.mark.parametrize("text", ["text", "quiet", "accent", "ok", "caution", "refused"])
@pytest.mark.parametrize("ground", ["ground", "panel", "raised"])
def test_text_can_be_read_on_every_surface(name, text, ground):
    theme = themes.read_theme(name)
    assert themes.contrast(getattr(theme, text), getattr(theme, ground)) >= LEAST


@pytest.mark.parametrize("name", themes.THEMES)
def test_text_on_buttons_marks_on_images_and_grades_can_be_read(name):
    theme = themes.read_theme(name)
    assert themes.contrast(theme.on_accent, theme.accent) >= LEAST
    assert themes.contrast(theme.on_image, theme.viewport) >= LEAST
    for fill, ink in theme.severity.values():
        assert themes.contrast(fill, ink) >= LEAST


@pytest.mark.parametrize("name", themes.THEMES)
def test_grades_are_one_blue_hue_that_goes_one_way_and_never_red(name):
    theme = themes.read_theme(name)
    assert list(theme.severity) == ["minimal", "mild", "moderate", "severe"]
    against_ground = [themes.contrast(fill, theme.ground) for fill, _ in theme.severity.values()]
    assert against_ground == sorted(against_ground)
    for fill, _ in theme.severity.values():
        red, green, blue = themes.rgb(fill)
        assert blue > green > red


def test_contrast_of_black_on_white_is_21_and_of_a_colour_on_itself_1():
    assert themes.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert themes.contrast("#5BA8FF", "#5BA8FF") == pytest.approx(1)


def test_views_use_tokens_alone():
    for file in (ROOT / "ssc_hrct/gui/views").glob("*.py"):
        assert not re.findall(r"#[0-9A-Fa-f]{6}\b", file.read_text()), file.name


def test_both_themes_have_the_same_tokens():
    dark, light = (json.loads((ROOT / f"resources/theme/{name}.json").read_text()) for name in themes.THEMES)
    assert list(dark) == list(light)


def test_every_icon_follows_the_theme():
    icons = list((ROOT / "resources/icons").glob("*.svg"))
    assert icons
    for file in icons:
        assert "currentColor" in file.read_text(), file.name
