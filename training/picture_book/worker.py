"""Draws scenes in a process of its own: seeds and options come in, drawn scenes go out.

Knows no models, and imports none: a worker starts in a fraction of a second whoever asks.
"""

import pickle
import subprocess
import sys
from pathlib import Path

from training.picture_book.scene import scene

ROOT = Path(__file__).parents[2]


def drawn_apart(seeds, options, workers):
    """Yield the scenes of `seeds` in order, drawn by `workers` processes in turns."""
    command = [sys.executable, "-c", "from training.picture_book import worker; worker.main()"]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) for _ in range(workers)]
    try:
        for at, process in enumerate(started):
            pickle.dump((seeds[at::workers], options), process.stdin)
            process.stdin.close()
        for at in range(len(seeds)):
            yield pickle.load(started[at % workers].stdout)
    except EOFError as error:
        raise RuntimeError("a process drawing scenes ended early; see what it printed") from error
    finally:
        for process in started:
            process.stdout.close()
            process.terminate()
            process.wait()


def main():
    """Draw what standard input asks for."""
    seeds, options = pickle.load(sys.stdin.buffer)
    for seed in seeds:
        pickle.dump(scene(seed, **options), sys.stdout.buffer)
        sys.stdout.buffer.flush()
