"""The folder of temporary files: this run's own, within an age and a size, gone at the end.

Knows no tab. Gradio's own `delete_cache` knows no size, and leaves empty folders, data: URLs and
uploads that broke off.
"""

import contextlib
import errno
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

BUDGET = 2e9  # bytes, unless told otherwise
AGE = 3600.0  # seconds that a file stays at most
STALLED = 30.0  # seconds after which an upload that stopped growing has broken off
EVERY = 5.0  # seconds between two looks
LEAST = 20e6  # bytes; with less room on the disk files stay STALLED seconds only
NO_ROOM = (
    "There is no room on this machine's disk for a file that this needs. "
    "Texts still work; try pictures again later."
)


@contextlib.contextmanager
def folder():
    """Make the folder, which Gradio writes everything to from now on; it is deleted in the end.

    Yields:
        Path in GRADIO_TEMP_DIR, where that is set, else where the system keeps temporary files.
    """
    parent = os.environ.get("GRADIO_TEMP_DIR")
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="keras_hands_on_", dir=parent)).resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(made)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def keep_within(blocks, folder, budget):
    """Clean the folder now and then, in a thread of its own; see `clean`."""

    def watch():
        while True:
            time.sleep(EVERY)
            clean(blocks, folder, budget)

    threading.Thread(target=watch, daemon=True, name="temporary files").start()


def clean(blocks, folder, budget):
    """Delete what is too old, uploads that broke off, and the oldest files over the budget.

    On a full disk files are too old sooner, those among them that were cut short.

    Args:
        blocks: the gr.Blocks served; the files of its examples stay.
        folder: Path. budget: float, bytes that the files may have in all.
    """
    kept = {file for block in blocks.blocks.values() for file in block.keep_in_cache}
    files, now = sorted(_files(folder)), time.time()
    held = sum(size for _, size, _ in files)
    age = AGE if shutil.disk_usage(folder).free > LEAST else STALLED
    gone = set()
    for changed, size, path in files:
        old = now - changed > (STALLED if path.parent == folder else age)
        if (old or held > budget) and str(path) not in kept:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # another file is in it
                path.parent.rmdir()
            gone.add(str(path))
            held -= size
    for remembered in blocks.temp_file_sets:
        remembered -= gone


def size(folder):
    """Return the bytes of all files in the folder."""
    return sum(size for _, size, _ in _files(folder))


def _files(folder):
    """Yield (time of the last change, bytes, path) of each file."""
    for place, _, names in os.walk(folder):  # which passes over what has just gone
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                state = path.lstat()
                yield state.st_ctime, state.st_size, path


def full(error):
    """Whether an exception, or what led to it, says that a disk has no room."""
    seen = set()  # what led to an exception may be itself
    while error and id(error) not in seen:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        seen.add(id(error))
        error = error.__cause__
    return False
