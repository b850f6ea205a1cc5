"""Published checkpoints: found on this machine, or downloaded once, with progress, and resumed.

Knows no model and no page. A checkpoint comes into a folder of its own beside where it will lie and
is moved there when every file has its size and hash, so what is found is whole. Loading it opens
no connection. A way is a tuple of sources that a checkpoint consists of; where there are several
ways, the next one is tried when one fails.
"""

import contextlib
import json
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from models.sources import HuggingFace, Kaggle, Trouble, explained

FIRST = {"huggingface": HuggingFace, "kaggle": Kaggle}  # what `prefer` knows
MANIFEST = "files.json"  # name to size of what a whole checkpoint holds
ROOM = 200_000_000  # bytes of disk to leave free
POLL = 0.25  # seconds between two looks at what has come
PIECE = 1_000_000  # bytes after which progress is told and stopping is possible
_first = HuggingFace  # it says sizes and hashes of all files at once


class _Cancelled(Exception):
    """Nobody waits for this download any more."""


@dataclass(frozen=True)
class Progress:
    """How far a download is."""

    done: int  # bytes here, those of an earlier try included
    total: int  # bytes in all; 0 until the hub has said
    rate: float  # bytes a second since the caller waits
    note: str = ""  # what it waits for

    @property
    def left(self):
        """Seconds to go, None while nobody can tell."""
        return (self.total - self.done) / self.rate if self.total and self.rate else None


def stay_offline():
    """Open no connection to a hub from now on, neither here nor in what this process starts."""
    from huggingface_hub import constants

    os.environ["HF_HUB_OFFLINE"] = "1"
    constants.HF_HUB_OFFLINE = True  # it was read when the package was imported


def prefer(name):
    """Say which source is asked first, where there are several: a key of FIRST."""
    global _first
    _first = FIRST[name]


def ordered(*ways):
    """Return ways in the order that they are tried in, a list."""
    return sorted(ways, key=lambda way: not isinstance(way[0], _first))


def cache():
    """Path of the folder of downloaded checkpoints, under XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "keras_hands_on" / "checkpoints"


def found(name, *ways):
    """The Path of a checkpoint's folder on this machine, or None; no connection is opened.

    Args:
        name: str, the preset's name.
        *ways: tuples of sources. What huggingface_hub or kagglehub have downloaded for other
            programs is found too, where it is one source whole.
    """
    folder = cache() / name
    if _whole(folder):
        return folder
    alone = (way[0].cached() for way in ways if len(way) == 1)
    return next(filter(None, alone), None)


def _whole(folder):
    try:
        sizes = json.loads((folder / MANIFEST).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


class Download:
    """One checkpoint on its way, in a thread; it ends when the last who waits for it has gone."""

    def __init__(self, name, ways):
        self.name = name
        self.ways = ordered(*ways)
        self.source = self.ways[0][0]  # the one that is asked now
        self.total, self.note, self.trouble = 0, "", None
        self.waiting = 0
        self.ended, self._thread = threading.Event(), None
        self._partial = cache() / f"{name}.part"
        self._known = {}  # name to size, once the hub has said

    def start(self):
        """Begin, unless it has begun."""
        with _state:
            if self._thread is None:
                name = f"download {self.name}"
                self._thread = threading.Thread(target=self._run, daemon=True, name=name)
                self._thread.start()

    @property
    def done(self):
        """Bytes that are here."""
        files = (self._partial / name for name in self._known)
        return sum(_size(file) + _size(_partial_of(file)) for file in files)

    def _run(self):
        try:
            with self._alone():
                if not _whole(cache() / self.name):
                    self._fetch_any_way()
        except _Cancelled:
            self.trouble = Trouble("The download was stopped; it goes on from there next time.")
        except Exception as error:
            self.trouble = explained(error, self.source, cache())
        finally:
            with _state:
                if _downloads.get(self.name) is self:
                    del _downloads[self.name]
            self.ended.set()

    @contextlib.contextmanager
    def _alone(self):
        """One process at a time; the others wait and find it done."""
        from filelock import FileLock, Timeout

        cache().mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache() / f"{self.name}.lock")
        while True:
            try:
                lock.acquire(timeout=POLL)
                break
            except Timeout:
                self.note = "another program on this machine downloads it"
                self.check()
        self.note = ""
        try:
            yield
        finally:
            lock.release()

    def check(self):
        """Raise _Cancelled once nobody waits; whoever asks from then on begins another download."""
        with _state:
            if not self.waiting:
                _downloads.pop(self.name, None)
                raise _Cancelled

    def _fetch_any_way(self):
        """Fetch it the first way that works, else raise what the first one raised."""
        from huggingface_hub import constants

        if constants.is_offline_mode():
            raise Trouble("The app runs offline, so nothing is downloaded.")
        troubles = []
        for way in self.ways:
            try:
                return self._fetch(way)
            except _Cancelled:
                raise
            except Exception as error:
                troubles.append(explained(error, self.source, cache()))
        raise troubles[0]

    def _fetch(self, way):
        files = list(self._listed(way))
        self._known = {file.name: file.size for file in files}
        self.total = sum(self._known.values())
        self._partial.mkdir(parents=True, exist_ok=True)
        missing = self.total - self.done
        free = shutil.disk_usage(self._partial).free
        if free < missing + ROOM:
            raise Trouble(
                f"{missing / 1e9:.1f} GB are missing, but only {free / 1e9:.1f} GB of disk are "
                f"free in {cache()}. Make room and try again."
            )
        for file in files:
            self.source = file.source
            self._fetch_file(file)
        (self._partial / MANIFEST).write_text(json.dumps(self._known))
        folder = cache() / self.name
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(self._partial, folder)

    def _listed(self, way):
        """Yield the Files of all sources that are needed."""
        for self.source in way:
            yield from self.source.listed()

    def _fetch_file(self, file):
        """Download one file, going on from what is there; once more if it is not what it should."""
        path = self._partial / file.name
        if not path.resolve().is_relative_to(self._partial.resolve()):
            raise Trouble(f"{self.source.name} names a file outside its folder: {file.name}.")
        for _ in range(2):
            self.check()
            located = file.source.located(file)
            if not path.exists():
                self._stream(located, path)
            if located.intact(path):
                return
            path.unlink()
        raise Trouble(
            f"{file.name} of {self.source.name} came damaged twice. Try again later; "
            f"{self.source.title} or the way to it changes what it sends."
        )

    def _stream(self, file, path):
        from huggingface_hub import constants
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import tqdm

        download = self

        class Meter(tqdm):
            """Lets each piece that comes ask whether anybody still waits."""

            def update(self, count=1):
                download.check()
                return super().update(count)

        constants.DOWNLOAD_CHUNK_SIZE = min(PIECE, constants.DOWNLOAD_CHUNK_SIZE)
        partial = _partial_of(path)
        partial.parent.mkdir(parents=True, exist_ok=True)
        if _size(partial) > file.size:
            partial.unlink()
        with partial.open("ab") as target:
            http_get(
                file.url,
                target,
                resume_size=_size(partial),
                headers=file.source.headers(),
                expected_size=file.size,
                tqdm_class=Meter,
            )
        os.replace(partial, path)


_downloads = {}
_state = threading.Lock()


def fetch(name, *ways):
    """Download a checkpoint unless it is here; whoever asks meanwhile shares the one download.

    Args:
        name: str, the preset's name, which the folder is called by.
        *ways: tuples of sources, whose files all go into that folder.

    Returns:
        A generator of Progress, which ends when the checkpoint is whole. Closing it leaves the
        download to the others who wait, or stops it; what has come is kept.

    Raises:
        Trouble: while it is iterated.
    """
    if found(name, *ways):
        return
    download = _join(name, ways)
    before, began = download.done, time.monotonic()
    try:
        while not download.ended.wait(POLL):
            done = download.done
            before = before if download.total else done  # what lay there is counted from then on
            rate = max(0.0, done - before) / (time.monotonic() - began)
            yield Progress(done, download.total, rate, download.note)
    finally:
        with _state:
            download.waiting -= 1
    if download.trouble:
        raise download.trouble


def _join(name, ways):
    with _state:
        download = _downloads.get(name)
        if download is None:
            download = _downloads[name] = Download(name, ways)
        download.waiting += 1
    download.start()
    return download


def _partial_of(file):
    return file.with_name(file.name + ".part")


def _size(file):
    try:
        return file.stat().st_size
    except FileNotFoundError:  # not begun, or just done and renamed
        return 0
