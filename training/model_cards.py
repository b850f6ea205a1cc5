"""Writes each bundled model's card, assets/models/<id>/README.md, from what its recipe recorded.

Knows no model: the catalogue says what one is for, training.json how it came about and scored.

    python -m training.model_cards
"""

from models import catalog
from models.rows import BUNDLED
from training import scores

SHEETS = {
    "drawings.jpg": "What it draws",
    "edits.jpg": "What changed words leave",
    "failures.jpg": "Where it fails",
}


def main():
    """Write the cards of all models; gives the files."""
    files = [row.folder / "README.md" for row in catalog.MODELS]
    for file, row in zip(files, catalog.MODELS, strict=True):
        file.write_text(card(row))
    return files


def card(row):
    """A model's card as Markdown: for what, how good, where it fails, how to use and repeat it."""
    record = row.record
    parts = [
        f"# {row.title}",
        f"Knows {row.knows}. {row.limits}",
        _table(row, record),
        f"Measured on {record['held_out']}.",
        *_pictures(row),
        *_failures(record),
        f"## Use\n\n```python\n{_use(row)}\n```",
        f"## Repeat\n\n```bash\n{_repeat(row)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _table(row, record):
    training = record["training"]
    size = sum(file.stat().st_size for file in row.folder.rglob("*.h5")) / 1e6
    lines = [
        ("Score", row.score),
        *(("Also", "; ".join(also)) for also in [scores.further(record)] if also),
        ("Data", f"{row.trained_on}; {row.licence}; sources in NOTICE"),
        ("Size", f"{training['parameters']:,} parameters, {size:.1f} MB in half precision"),
        ("Training", f"{training['minutes']:g} minutes on {training['machine']}"),
        ("Date", training["date"]),
    ]
    body = "\n".join(f"| {name} | {value} |" for name, value in lines)
    return f"| | |\n| --- | --- |\n{body}"


def _pictures(row):
    """The sheets that the recipe wrote, each under its heading."""
    return [
        f"## {heading}\n\n![{heading}]({name})"
        for name, heading in SHEETS.items()
        if (row.folder / name).is_file()
    ]


def _failures(record):
    """What a model of texts got wrong in the recipe's own measuring, a paragraph each."""
    told = "\n\n".join(f"> {' '.join(text.split())}" for text in record.get("failures", ()))
    return [f"## Where it fails\n\n{told}"] if told else []


def _use(row):
    module, name = row.task.split(":")
    package, _, last = module.rpartition(".")
    return (
        f"from {package} import {last}\n\n"
        f'model = {last}.{name}.from_preset("{row.folder.relative_to(BUNDLED.parents[1])}")'
    )


def _repeat(row):
    command, rounds = f"python -m training.{row.id} --data FOLDER", row.record["training"]["rounds"]
    again = f"{command} --further"
    if rounds > 2:
        again = f"for round in {{2..{rounds}}}; do {again}; done"
    return "\n".join([command, again][:rounds])


if __name__ == "__main__":
    print(*main(), sep="\n")
