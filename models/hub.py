"""Published checkpoints: found on this machine, or downloaded once, with progress, and resumed.

Knows no model and no page. A checkpoint comes into a folder of its own beside where it will lie and
is moved there when every file has its size and hash, so what is found is whole. Loading it opens
no connection.
"""

import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "files.json"  # name to size of what a whole checkpoint holds
LEFT_OUT = (".gitattributes", ".md")  # endings of files that loading does not need
ROOM = 200_000_000  # bytes of disk to leave free
POLL = 0.25  # seconds between two looks at what has come
PIECE = 1_000_000  # bytes after which progress is told and stopping is possible
KAGGLE = "~/.cache/kagglehub"


class Trouble(RuntimeError):
    """A checkpoint did not come; the message says why and what to do."""


class _Cancelled(Exception):
    """Nobody waits for this download any more."""


@dataclass(frozen=True)
class Part:
    """What a checkpoint needs of one repository."""

    repo: str  # "owner/name" on the hub
    files: tuple = ()  # names in the repository; all but LEFT_OUT if empty

    def among(self, siblings):
        """Those of a repository's files that belong to it.

        Raises:
            Trouble: the repository lacks one.
        """
        if not self.files:
            return [each for each in siblings if not each.rfilename.endswith(LEFT_OUT)]
        named = {each.rfilename: each for each in siblings}
        for name in self.files:
            if name not in named:
                raise Trouble(f"{self.repo} on the hub has no {name} any more.")
        return [named[name] for name in self.files]


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


def cache():
    """Path of the folder of downloaded checkpoints, under XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "keras_hands_on" / "checkpoints"


def found(name, *parts):
    """The Path of a checkpoint's folder on this machine, or None; no connection is opened.

    Args:
        name: str, the preset's name.
        *parts: Parts of repositories. What huggingface_hub or kagglehub have downloaded for other
            programs is found too, where it is a repository whole.
    """
    folder = cache() / name
    if _whole(folder):
        return folder
    if len(parts) > 1 or parts[0].files:
        return None
    return _in_hub_cache(parts[0].repo) or _in_kaggle_cache(name)


def _whole(folder):
    try:
        sizes = json.loads((folder / MANIFEST).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _in_hub_cache(repo):
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repo, "config.json")
    folder = Path(config).parent if isinstance(config, str) else None
    return folder if folder and _weighty(folder) else None


def _in_kaggle_cache(name):
    home = Path(os.environ.get("KAGGLEHUB_CACHE") or KAGGLE).expanduser() / "models" / "keras"
    folders = [each for each in home.glob(f"*/keras/{name}/*") if each.name.isdigit()]
    whole = [each for each in folders if each.with_name(each.name + ".complete").exists()]
    return max(filter(_weighty, whole), key=lambda each: int(each.name), default=None)


def _weighty(folder):
    return any(folder.glob("*.weights.*"))


class Download:
    """One checkpoint on its way, in a thread; it ends when the last who waits for it has gone."""

    def __init__(self, name, parts):
        self.name, self.parts = name, parts
        self.repo = parts[0].repo  # the one that is asked now
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
                    self._fetch()
        except _Cancelled:
            self.trouble = Trouble("The download was stopped; it goes on from there next time.")
        except Trouble as trouble:
            self.trouble = trouble
        except Exception as error:
            self.trouble = _explained(error, self.repo)
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

    def _fetch(self):
        from huggingface_hub import HfApi, constants

        if constants.is_offline_mode():
            raise Trouble("The app runs offline, so nothing is downloaded.")
        files = list(self._listed(HfApi()))
        self._known = {each.rfilename: each.size for _, _, each in files}
        self.total = sum(self._known.values())
        self._partial.mkdir(parents=True, exist_ok=True)
        missing = self.total - self.done
        free = shutil.disk_usage(self._partial).free
        if free < missing + ROOM:
            raise Trouble(
                f"{missing / 1e9:.1f} GB are missing, but only {free / 1e9:.1f} GB of disk are "
                f"free in {cache()}. Make room and try again."
            )
        for self.repo, revision, each in files:
            self._fetch_file(each, revision)
        (self._partial / MANIFEST).write_text(json.dumps(self._known))
        folder = cache() / self.name
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(self._partial, folder)

    def _listed(self, api):
        """Yield (repository, its revision, the description of a file) of all that is needed."""
        for part in self.parts:
            self.repo = part.repo
            about = api.model_info(part.repo, files_metadata=True, timeout=20)
            for each in part.among(about.siblings):
                yield part.repo, about.sha, each

    def _fetch_file(self, about, revision):
        """Download one file, going on from what is there; once more if it is not what it should."""
        file = self._partial / about.rfilename
        if not file.resolve().is_relative_to(self._partial.resolve()):
            raise Trouble(f"{self.repo} names a file outside its folder: {about.rfilename}.")
        for _ in range(2):
            if not file.exists():
                self._stream(about, revision, file)
            if _intact(file, about):
                return
            file.unlink()
        raise Trouble(
            f"{about.rfilename} of {self.repo} came damaged twice. Try again later; the hub or "
            "the way to it changes what it sends."
        )

    def _stream(self, about, revision, file):
        from huggingface_hub import constants, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers, tqdm

        download = self

        class Meter(tqdm):
            """Lets each piece that comes ask whether anybody still waits."""

            def update(self, count=1):
                download.check()
                return super().update(count)

        constants.DOWNLOAD_CHUNK_SIZE = min(PIECE, constants.DOWNLOAD_CHUNK_SIZE)
        partial = _partial_of(file)
        partial.parent.mkdir(parents=True, exist_ok=True)
        if _size(partial) > about.size:
            partial.unlink()
        with partial.open("ab") as target:
            http_get(
                hf_hub_url(self.repo, about.rfilename, revision=revision),
                target,
                resume_size=_size(partial),
                headers=build_hf_headers(),
                expected_size=about.size,
                tqdm_class=Meter,
            )
        os.replace(partial, file)


_downloads = {}
_state = threading.Lock()


def fetch(name, *parts):
    """Download a checkpoint unless it is here; whoever asks meanwhile shares the one download.

    Args:
        name: str, the preset's name, which the folder is called by.
        *parts: Parts of repositories, which all go into that folder.

    Returns:
        A generator of Progress, which ends when the checkpoint is whole. Closing it leaves the
        download to the others who wait, or stops it; what has come is kept.

    Raises:
        Trouble: while it is iterated.
    """
    if found(name, *parts):
        return
    download = _join(name, parts)
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


def _join(name, parts):
    with _state:
        download = _downloads.get(name)
        if download is None:
            download = _downloads[name] = Download(name, parts)
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


def _intact(file, about):
    if file.stat().st_size != about.size:
        return False
    if about.lfs:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == about.lfs.sha256
    header = f"blob {about.size}\0".encode()  # git's own hash of a file
    return hashlib.sha1(header + file.read_bytes()).hexdigest() == about.blob_id


def _explained(error, repo):
    """Trouble that says in one sentence what a hub's failure means and what to do."""
    from huggingface_hub.errors import GatedRepoError

    page = f"https://huggingface.co/{repo}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError):
        return Trouble(
            f"{repo} asks to accept its licence first: sign in at {page}, accept it, "
            "and start the app with HF_TOKEN set to your token."
        )
    told = {
        401: f"The hub does not know who asks for {repo}. Set HF_TOKEN to a valid token.",
        403: f"The hub does not give {repo} to this account. See {page}.",
        404: f"The hub has no {repo}.",
        429: "The hub has had too many requests from here. Try again in some minutes.",
    }
    if status in told:
        return Trouble(told[status])
    if status is not None:
        return Trouble(f"The hub answers with error {status}. Try again later.")
    if isinstance(error, OSError) and error.errno:
        return Trouble(f"The download cannot be written to {cache()}: {os.strerror(error.errno)}.")
    return Trouble(
        f"The hub cannot be reached, or broke off ({type(error).__name__}). Look at the network "
        "and try again: what has come is kept. The bundled models work without it."
    )
