"""Published checkpoints at full size, with random weights: time to load and answer, peak memory.

Knows no hub: each preset is written to a cache of its own, as a download would leave it, and a
process of its own loads it and answers twice, as the app does.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import resource
import tempfile
import time

import numpy as np
import psutil

from benchmarks import full_size
from models import catalog, hub

STEPS = 3  # of a drawing
TOKENS = 32


def lines(names):
    """Yield what `measure` says of each of the checkpoints named, as in `full_size.BUILD`.

    Of one that would take more memory than the machine has, how much it needs is all that is said.
    """
    apart = multiprocessing.get_context("spawn")
    for row in catalog.PUBLISHED:
        if row.id not in names:
            continue
        if row.memory > psutil.virtual_memory().total:
            yield {"name": row.id, "needs_mb": round(row.memory / 1e6)}
            continue
        with tempfile.TemporaryDirectory() as cache:
            for work in (_write, measure):
                with concurrent.futures.ProcessPoolExecutor(1, apart) as one:
                    found = one.submit(_in, cache, work, row.id).result()
        yield found


def _in(cache, work, name):
    """Run work(row) with all caches in a folder."""
    import os

    os.environ["XDG_CACHE_HOME"] = cache
    return work(catalog.get(name))


def _write(row):
    """Write a checkpoint of a row at full size, as a finished download."""
    from models import runtime

    runtime.start()
    folder = hub.cache() / row.name
    folder.mkdir(parents=True)
    counts = full_size.BUILD[row.id](folder)
    assert any(abs(count / row.parameters - 1) < 0.02 for count in counts), f"{row.id}: {counts}"
    files = (path for path in folder.rglob("*") if path.is_file())
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in files}
    (folder / hub.MANIFEST).write_text(json.dumps(sizes))


def measure(row):
    """Load a checkpoint and answer twice.

    Returns:
        dict: `name`, `load_s`, `first_s`, `next_s`, `peak_mb` of this process.
    """
    from models import loader

    loader.set_budget(64e9)
    began = time.perf_counter()
    loader.load(row.id)
    spent = [time.perf_counter() - began]
    for _ in range(2):
        began = time.perf_counter()
        ANSWER[row.capability](row.id)
        spent.append(time.perf_counter() - began)
    load, first, after = (round(each, 3) for each in spent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {
        "name": row.id,
        "load_s": load,
        "first_s": first,
        "next_s": after,
        "peak_mb": round(peak),
    }


def _classify(name):
    from models import classification

    classification.classify(_picture(), name)


def _detect(name):
    from models import detection

    detection.detect(_picture(), name)


def _score(name):
    from models import sentiment

    sentiment.score("good good", name)


def _write_on(name):
    from models import text_generation

    list(text_generation.generate("good good", name, TOKENS, "greedy"))


def _draw(name):
    from models import text_to_image

    list(text_to_image.generate("good", model=name, steps=STEPS, seed=0))


def _caption(name):
    from models import captioning

    captioning.caption(_picture(), name, count=1, method="greedy")


def _picture():
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


ANSWER = {
    "classification": _classify,
    "detection": _detect,
    "sentiment": _score,
    "text_generation": _write_on,
    "text_to_image": _draw,
    "captioning": _caption,
}


def main(argv=None):
    """Print a line for every checkpoint, or for those named; the README shows them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkpoints", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(full_size.BUILD)}")
    names = parser.parse_args(argv).names or list(full_size.BUILD)
    if unknown := set(names) - set(full_size.BUILD):
        parser.error(f"not built here: {', '.join(sorted(unknown))}")
    for line in lines(names):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
