"""What the session asks of the use cases, in one place that a test can replace.

Each function imports what it needs when it is called, in a job's thread: the first window does not
wait for numpy or pydicom.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_hrct.app.words import plural
from ssc_hrct.app.worker_client import ScoringWorker
from ssc_hrct.app.worker_messages import Event
from ssc_hrct.core.progress import Progress

if TYPE_CHECKING:
    from ssc_hrct.app.listing import ListedSeries
    from ssc_hrct.app.opening import Index, Listing
    from ssc_hrct.core.rows import Row
    from ssc_hrct.core.volume import Volume


class Backend:
    """The real use cases."""

    def prefetch(self, progress: Progress) -> None:
        """Import what opening a folder needs, while the person looks for it."""
        import ssc_hrct.app.opening
        import ssc_hrct.gui.views.reading  # noqa: F401

    def __init__(self) -> None:
        self._index: Index | None = None

    def list_series(self, paths: Sequence[Path], progress: Progress, so_far: Callable[[Listing], None]) -> Listing:
        """so_far: told now and then of what is known until then. Unchanged files are read once."""
        from ssc_hrct.app.opening import Index, list_series

        if self._index is None:
            self._index = Index()
        return list_series(paths, index=self._index, so_far=so_far, progress=progress)

    def with_pseudonyms(self, listing: Listing) -> tuple[Listing, str]:
        """The list with its nameless subjects under pseudonyms, and a line on the secret that was made for them."""
        from ssc_hrct.app.opening import with_pseudonyms
        from ssc_hrct.app.secret import secret_place

        named = with_pseudonyms(listing)
        if named.no_pseudonyms:
            return named, ""
        return named, (f"Pseudonyms are made with the secret that is kept in '{secret_place()}'. "
                       "Copy that file to get the same ones elsewhere.")

    def load(self, listed: ListedSeries, progress: Progress, early: Callable[[Volume], None]) -> Volume:
        """early: told of the volume when its middle slice is there, while the others still come."""
        from ssc_hrct.app.opening import load_series

        return load_series(listed, early=early, progress=progress)

    def missing_for(self, formats: Sequence[str], listed: ListedSeries) -> str:
        """A sentence on what the files lack for these formats; empty where nothing."""
        from ssc_hrct.app.objects import missing_for

        return missing_for(formats, listed.series)

    def frames_sha256(self, volume: Volume) -> str:
        from ssc_hrct.app.result import frames_sha256

        return frames_sha256(volume.source)

    def make_demonstration(self, progress: Progress) -> tuple[Path, Path]:
        """Folders of baseline and week 48 of the made-up subject, made once and then kept."""
        import platformdirs

        from ssc_hrct.app.demo import make_demo_subject
        from ssc_hrct.version import __version__

        kept = platformdirs.user_cache_path("ssc-hrct", appauthor=False) / f"demonstration-{__version__}"
        note = kept / "folders.txt"
        if note.is_file():
            folders = [kept / name for name in note.read_text(encoding="utf-8").splitlines()]
            if len(folders) == 2 and all(folder.is_dir() for folder in folders):
                return folders[0], folders[1]
        shutil.rmtree(kept, ignore_errors=True)  # one that was stopped half way
        made: tuple[Path, Path] = make_demo_subject(kept, progress=progress)
        names = [folder.relative_to(kept).as_posix() for folder in made]
        note.write_text("\n".join(names), encoding="utf-8")
        return made

    def save(self, folder: Path, rows: Sequence[Row], progress: Progress) -> str:
        """Write the rows; a sentence on what was written."""
        from ssc_hrct.app.save import doubtful, save_scores, scores_file

        replaced = save_scores(folder, rows)
        sentence = f"{plural(len(rows), 'row')} written to {scores_file(folder).name}."
        if replaced:
            sentence += f" {plural(len(replaced), 'older row')} of the same exams replaced."
        return " ".join((sentence, *doubtful(folder, rows)))

    def worker(self, on_event: Callable[[Event], None]) -> ScoringWorker:
        return ScoringWorker(on_event)
