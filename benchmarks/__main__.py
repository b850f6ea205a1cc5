"""Runs the benchmarks and prints their tables: `python -m benchmarks`.

Knows no model. Takes a quarter of an hour on two cores, which should have nothing else to do. The
figures go to benchmarks/results.json as well.
"""

import argparse
import datetime
import json
from pathlib import Path

PARTS = ("architectures", "bundled", "serving")
RESULTS = Path(__file__).with_name("results.json")


def main(argv=None):
    """Run the parts that are named, by default all; print the tables and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    args = parser.parse_args(argv)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are {PARTS}")
    found = json.loads(args.out.read_text()) if args.out.is_file() else {}
    for part in args.parts or PARTS:
        found[part] = run(part)
        found |= {"date": datetime.date.today().isoformat(), "machine": bounds()}
        args.out.write_text(json.dumps(found, indent=2) + "\n")
        print(table(part, found[part]), flush=True)


def run(part):
    """Measure one part; gives what goes into the JSON."""
    if part == "serving":
        from benchmarks import serving

        return serving.measure()
    from benchmarks import architectures, bundled

    return list(bundled.lines()) if part == "bundled" else architectures.lines()


def bounds():
    """The machine and its limits."""
    from benchmarks import machine

    return machine.bounds()


def table(part, found):
    """A part's figures as a Markdown table."""
    return _served(found) if part == "serving" else _timed(found)


def _timed(lines):
    engines = list(dict.fromkeys(name for line in lines for name in line["milliseconds"]))
    rows = [["median of calls in turns", *engines]]
    for line in lines:
        rows.append([line["name"], *(_cell(line, engine) for engine in engines)])
    return _markdown(rows)


def _cell(line, engine):
    if engine not in line["milliseconds"]:
        return ""
    spent, ratio = line["milliseconds"][engine], line["ratio"][engine]
    told = f"{spent:,.0f} ms" if spent >= 100 else f"{spent:.3g} ms"
    return told if ratio == 1 else f"{told} ({ratio:.3g} x)"


def _served(found):
    rows = [["start", "page", "first classification", "memory when idle"]]
    for name in ("first_start", "second_start"):
        page, first, held = found[name].values()
        rows.append([name.replace("_", " "), f"{page} s", f"{first} s", f"{held:,} MB"])
    load = [["clients", "classifications a second", "median", "p95"]]
    for count, each in found["clients"].items():
        rate, median, p95 = each.values()
        load.append([count, str(rate), f"{median} ms", f"{p95} ms"])
    return f"{_markdown(rows)}\n\n{_markdown(load)}"


def _markdown(rows):
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


if __name__ == "__main__":
    main()
