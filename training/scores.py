"""Measures the committed weights anew, and prints what came out.

Knows no model: each recipe measures its own. Rewrites the scores in the presets' training.json,
from which the catalogue reads them.

    python -m training.scores --data FOLDER              all bundled models
    python -m training.scores --data FOLDER resnet_cifar10
"""

import argparse
import subprocess
import sys
from pathlib import Path

from models import catalog
from models.checks import BadInput


def main(argv=None):
    """Measure the models named, by default all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.scores", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="an id (default: all)")
    parser.add_argument("--data", type=Path, help="folder with copies of the data sets")
    args = parser.parse_args(argv)
    try:
        rows = [catalog.get(name) for name in args.models] or catalog.MODELS
    except BadInput as error:
        parser.error(str(error))
    for row in rows:
        measure(row, args.data)
        measure(row, args.data, "--by-keras")
    print(table(rows))


def measure(row, data=None, *options):
    """Run a model's recipe on the preset that is there, in a process of its own."""
    command = [sys.executable, "-m", f"training.{row.id}", "--measure", *options]
    subprocess.run(command + (["--data", str(data)] if data else []), check=True)


def table(rows):
    """The scores of models as a Markdown table: as the app runs them, by Keras alone, on what."""
    lines = ["| model | score | by Keras alone | also | measured on |", "|" + " --- |" * 5]
    for row in rows:
        also, alone = ", ".join(further(row.record)), row.record.get("by_keras", "")
        lines.append(f"| `{row.id}` | {row.score} | {alone} | {also} | {row.record['held_out']} |")
    return "\n".join(lines)


def further(record):
    """The scores of a record besides its headline, each as "name figure", those of dicts too."""
    found = {}
    for key, value in record.items():
        if key in ("training", "by_keras"):
            continue
        for name, figure in value.items() if isinstance(value, dict) else [(key, value)]:
            if isinstance(figure, int | float) and figure != record["value"]:
                found.setdefault(name, f"{name.replace('_', ' ')} {_told(name, figure)}")
    return list(found.values())


def _told(name, figure):
    """A share in per cent; counts, losses and errors as they are."""
    share = isinstance(figure, float) and figure <= 1 and not name.endswith("error")
    return f"{100 * figure:.1f} %" if share else f"{figure:.4g}"


if __name__ == "__main__":
    main()
