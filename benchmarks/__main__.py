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
    found["date"] = datetime.date.today().isoformat()
    for part in args.parts or PARTS:
        if part == "architectures" or "machine" not in found:
            found["machine"] = bounds()  # beside what it bounds, since shared machines vary
        found[part] = run(part)
        args.out.write_text(json.dumps(found, indent=2) + "\n")
        print(table(part, found), flush=True)


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
    """A part's figures as a Markdown table; found is all of the results."""
    if part == "serving":
        return _served(found[part])
    return _timed(found[part], found["machine"])


def _timed(lines, limits):
    from benchmarks import machine

    engines = list(dict.fromkeys(name for line in lines for name in line["milliseconds"]))
    bounded = [machine.shortest(line, limits) if "gflop" in line else {} for line in lines]
    precisions = list(dict.fromkeys(key for each in bounded for key in each))
    bounds = [f"bound, {key}" for key in precisions]
    rows = [["median of calls in turns", *engines, *bounds]]
    for line, each in zip(lines, bounded, strict=True):
        cells = [_cell(line, engine) for engine in engines]
        least = [_milliseconds(each[key]) if key in each else "" for key in precisions]
        rows.append([line["name"], *cells, *least])
    return _markdown(rows)


def _cell(line, engine):
    if engine not in line["milliseconds"]:
        return ""
    told, ratio = _milliseconds(line["milliseconds"][engine]), line["ratio"][engine]
    return told if ratio == 1 else f"{told} ({ratio:.3g} x)"


def _milliseconds(spent):
    return f"{spent:,.0f} ms" if spent >= 100 else f"{spent:.3g} ms"


def _served(found):
    rows = [["start", "page", "first classification", "memory when idle", "with its processes"]]
    for name in ("first_start", "second_start"):
        page, first, held, whole = found[name].values()
        told = [f"{page} s", f"{first} s", f"{held:,} MB", f"{whole:,} MB"]
        rows.append([name.replace("_", " "), *told])
    load = [["clients", "classifications a second", "median", "p95"]]
    for count, each in found["clients"].items():
        rate, median, p95 = each.values()
        load.append([count, str(rate), f"{median} ms", f"{p95} ms"])
    seen = [["in a browser, from the choice of a picture to the result", "median", "p95"]]
    for tab, each in found.get("browser", {}).items():
        seen.append([tab, f"{each['median_ms']} ms", f"{each['p95_ms']} ms"])
    every = f"With every bundled model in memory the app holds {found['every_model_mb']:,} MB."
    tables = [_markdown(rows), every, _markdown(load)]
    return "\n\n".join(tables + ([_markdown(seen)] if len(seen) > 1 else []))


def _markdown(rows):
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body])


if __name__ == "__main__":
    main()
