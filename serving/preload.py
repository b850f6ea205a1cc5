"""The lines by which a Space preloads checkpoints, pinned: `python -m serving.preload ID ...`.

Knows no tab. They go into the block at the top of README.md; a Space then downloads the files once,
when it is built, and the app finds them there.
"""

import argparse
import sys

from models import catalog, hub
from models.sources import HuggingFace, explained


def main(argv=None):
    """Print the lines for the checkpoints named, at the commits that the hub has now."""
    offered = {row.id: row for row in catalog.PUBLISHED if _repository(row)}
    parser = argparse.ArgumentParser(prog="python -m serving.preload", description=__doc__)
    parser.add_argument("checkpoints", nargs="+", metavar="ID", choices=offered)
    for_space = parser.parse_args(argv).checkpoints
    repositories = dict.fromkeys(_repository(offered[name]) for name in for_space)
    lines = [_line(each) for each in repositories]
    print("preload_from_hub:", *lines, sep="\n  - ")


def _repository(row):
    """The one repository of the Hugging Face hub that a checkpoint comes from, or None."""
    alone = (way[0] for way in row.ways if len(way) == 1)
    return next((source for source in alone if isinstance(source, HuggingFace)), None)


def _line(repository):
    try:
        commit, files = repository.pinned()
    except Exception as error:
        sys.exit(str(explained(error, repository, hub.cache())))
    return f"{repository.name} {','.join(files)} {commit}"


if __name__ == "__main__":
    main()
