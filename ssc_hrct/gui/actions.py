"""One table of everything a hand can ask for: menus, toolbar, context menu, keys and the sheet of keys.

`calls` names a method of `gui/hands.py`. `when` is asked of the session. `reach`: "window" keys work
wherever the focus is; "images" keys work while the images have it, so that arrow keys still move
through a list. A `hold` action is on for as long as its key is down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ssc_hrct.gui.session import Session


def always(_: Session) -> bool:
    return True


def has_volume(session: Session) -> bool:
    return session.volume is not None


def has_overlay(session: Session) -> bool:
    return session.volume is not None and session.maps is not None


def can_score(session: Session) -> bool:
    return session.why_no_score() == ""


def is_scoring(session: Session) -> bool:
    return session.scoring is not None


def has_exam(session: Session) -> bool:
    return session.listing is not None


def can_give_lungs(session: Session) -> bool:
    return session.listed is not None and not session.listed.refused


def has_given_lungs(session: Session) -> bool:
    return session.read is not None and session.read.lungs is not None


def has_rows(session: Session) -> bool:
    return bool(session.rows) and not session.exporting


@dataclass(frozen=True, slots=True)
class Action:
    """id: stable name. menu: where it stands ("" only by key). icon: a name in resources/icons."""

    id: str
    text: str
    calls: str
    menu: str = ""
    keys: tuple[str, ...] = ()
    when: Callable[[Session], bool] = always
    icon: str = ""
    reach: Literal["window", "images"] = "window"
    checked: str = ""
    """Name of the session's property that shows whether it is on."""
    toolbar: bool = False
    context: bool = False
    hold: bool = False
    parts: bool = False
    """A line stands above it in its menu."""


ACTIONS: tuple[Action, ...] = (
    Action("file.open", "Open a folder…", "open_folder", "File", ("Ctrl+O",), icon="open", toolbar=True),
    Action("file.demo", "Open the demonstration", "open_demonstration", "File"),
    Action("file.export", "Export CSV…", "export", "File", ("Ctrl+E",), has_rows, icon="export", toolbar=True,
           parts=True),
    Action("file.files", "Files for other programs…", "show_files", "File", ("Ctrl+Shift+E",), has_exam),
    Action("file.quit", "Quit", "quit", "File", ("Ctrl+Q",), parts=True),

    Action("score.start", "Score this scan", "score", "Score", ("Ctrl+Return",), can_score, icon="score"),
    Action("score.cancel", "Cancel scoring", "cancel", "Score", ("Esc",), is_scoring, icon="cancel"),
    Action("score.lungs", "Use the lungs of another program…", "give_lungs", "Score", (), can_give_lungs, parts=True),
    Action("score.own", "Find the lungs here again", "find_lungs", "Score", (), has_given_lungs),

    Action("window.lung", "Lung window", "window_lung", "View", ("1",), has_volume, toolbar=True, context=True,
           checked="is_lung_window"),
    Action("window.mediastinum", "Mediastinum window", "window_mediastinum", "View", ("2",), has_volume, toolbar=True,
           context=True, checked="is_mediastinum_window"),
    Action("window.bone", "Bone window", "window_bone", "View", ("3",), has_volume, toolbar=True, context=True,
           checked="is_bone_window"),
    Action("overlay.show", "Overlay", "toggle_overlay", "View", ("O",), has_overlay, icon="overlay",
           checked="overlay_on", toolbar=True, context=True, parts=True),
    Action("overlay.hide", "Hide the overlay while held", "hold_overlay", "View", ("H",), has_overlay, hold=True),
    Action("overlay.less", "Overlay fainter", "overlay_fainter", "View", ("[",), has_overlay),
    Action("overlay.more", "Overlay stronger", "overlay_stronger", "View", ("]",), has_overlay),
    Action("crosshair.show", "Crosshair", "toggle_crosshair", "View", ("C",), has_volume, checked="crosshair_on",
           context=True),
    Action("layout.one", "Axial alone", "layout_one", "View", ("F1",), has_volume, checked="is_one", parts=True),
    Action("layout.two", "Axial and coronal", "layout_two", "View", ("F2",), has_volume, checked="is_two"),
    Action("layout.most", "One view alone, and back", "layout_most", "View", ("M",), has_volume, reach="images"),
    Action("zoom.in", "Zoom in", "zoom_in", "View", ("+", "="), has_volume, reach="images", parts=True),
    Action("zoom.out", "Zoom out", "zoom_out", "View", ("-",), has_volume, reach="images"),
    Action("zoom.fit", "Fit to the view", "zoom_fit", "View", ("0",), has_volume, reach="images", context=True),
    Action("panels.show", "Side panels", "toggle_panels", "View", ("Tab",), has_volume, icon="panels",
           reach="images", checked="panels_on", parts=True),
    Action("screen.full", "Full screen", "toggle_full_screen", "View", ("F11",)),
    Action("theme.switch", "Dark or light", "switch_theme", "View", ("Ctrl+T",), icon="theme", toolbar=True),

    Action("slice.up", "One slice towards the head", "slice_up", "Slice", ("Up",), has_volume, reach="images"),
    Action("slice.down", "One slice towards the feet", "slice_down", "Slice", ("Down",), has_volume, reach="images"),
    Action("slice.up10", "Ten slices towards the head", "slice_up_10", "Slice", ("PgUp",), has_volume, reach="images"),
    Action("slice.down10", "Ten slices towards the feet", "slice_down_10", "Slice", ("PgDown",), has_volume,
           reach="images"),
    Action("slice.first", "Top slice", "slice_top", "Slice", ("Home",), has_volume, reach="images"),
    Action("slice.last", "Bottom slice", "slice_bottom", "Slice", ("End",), has_volume, reach="images"),

    Action("help.keys", "Keys and mouse", "show_keys", "Help", ("?", "Shift+?"), icon="help", toolbar=True),
    Action("help.meaning", "What the numbers mean", "show_meaning", "Help"),
)

MENUS = ("File", "Score", "View", "Slice", "Help")

MOUSE: tuple[tuple[str, str], ...] = (
    ("Wheel", "Scroll through the slices"),
    ("Left drag", "Scroll through the slices"),
    ("Left click", "Move the other view to this place"),
    ("Right drag", "Window: across for width, up and down for level"),
    ("Double right click", "Back to the lung window"),
    ("Right click", "Menu"),
    ("Middle drag, Space and drag", "Move the picture"),
    ("Ctrl and wheel", "Zoom"),
    ("Double click", "One view alone, and back"),
    ("Strip beside the axial view", "Go to that height"),
    ("Click on a zone", "Go to the zone's worst slice"),
)


def by_id(name: str) -> Action:
    return next(action for action in ACTIONS if action.id == name)


def conflicts(actions: tuple[Action, ...] = ACTIONS) -> list[tuple[str, str, str]]:
    """Keys that two actions share: (key, one, other)."""
    seen: dict[str, str] = {}
    found = []
    for action in actions:
        for key in action.keys:
            name = key.lower()
            if name in seen:
                found.append((key, seen[name], action.id))
            seen.setdefault(name, action.id)
    return found
