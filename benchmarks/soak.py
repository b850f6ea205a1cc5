"""A crowd, then light traffic for long: `python -m benchmarks.soak --minutes 60`.

Knows no tab. What the app holds should not grow in that hour: prints its memory's slope, its
threads and open files, the sessions that it keeps, and its temporary files beside their budget.
"""

import argparse
import json
import time
import urllib.request

import httpx
import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import load, serving

CROWD, LIGHT = 30, 2  # visitors
SESSIONS = 300
BUDGET = 20e6  # bytes of temporary files, small enough that they reach it
SETTLE = 5.0  # minutes of light traffic before the slope is measured


def main(argv=None):
    """Run both parts and print the figures as JSON; gives them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="of the crowd, at least")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--minutes", type=float, default=60, help="of light traffic")
    args = parser.parse_args(argv)
    port = serving.free_port()
    options = ("--metrics", str(port), "--disk-budget", str(BUDGET / 1e9))

    def work(app, address, _):
        return measure(Watch(app.pid, port), address, args)

    found = serving.with_app(None, work, *options)
    print(json.dumps(found, indent=2))
    return found


def measure(watch, address, args):
    """Soak a running app; gives the figures.

    Args:
        watch: Watch of the app. address: str. args: `requests`, `sessions` and `minutes`.
    """
    load.ready(address)
    start, crowd = watch.look(), {"jobs": 0, "failed": 0}
    while crowd["jobs"] < args.requests:
        met = load.crowd(address, CROWD, min(1.0, args.minutes), watch.look)
        crowd = {name: crowd[name] + sum(each[name] for each in met.values()) for name in crowd}
    visit(address, args.sessions)
    after = watch.look()
    settle = min(SETTLE, args.minutes / 4)
    load.crowd(address, LIGHT, settle, watch.look)
    watch.seen.clear()
    light = load.crowd(address, LIGHT, args.minutes, watch.look)
    watch.look()
    return {
        "start": start,
        "crowd": crowd,
        "sessions": args.sessions,
        "after_the_crowd": after,
        "light": light,
        "minutes": args.minutes,
        "app": {"begin": watch.seen[0], "end": watch.seen[-1]},
        "most": {name: max(each[name] for each in watch.seen) for name in watch.seen[0]},
        "memory_slope_mb_per_hour": round(slope(watch.seen, "memory_mb"), 1),
        "temporary_budget_mb": round(BUDGET / 1e6),
    }


class Watch:
    """Looks at what an app holds: as the system sees it, and as the app's own figures say."""

    def __init__(self, number, port):
        self.process = psutil.Process(number)
        self.figures = f"http://127.0.0.1:{port}/metrics"
        self.seen, self.began = [], time.monotonic()

    def look(self):
        """Note and return what the app holds now."""
        told = self._told()
        workers = self.process.children(recursive=True)
        found = {
            "second": round(time.monotonic() - self.began),
            **load.state(self.process),
            "workers_mb": round(sum(each.memory_info().rss for each in workers) / 1e6),
            "sessions": round(told["sessions"]),
            "temporary_mb": round(told["temporary_bytes"] / 1e6, 1),
        }
        self.seen.append(found)
        return found

    def _told(self):
        text = urllib.request.urlopen(self.figures, timeout=30).read().decode()
        return {
            family.name.removeprefix("keras_hands_on_"): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def visit(address, count):
    """Come `count` times as somebody new, as a page does: ask for one thing, read it, and go."""
    with httpx.Client(base_url=address, timeout=120) as http:
        offered = http.get("config").json()["dependencies"]
        (number,) = [each["id"] for each in offered if each["api_name"] == "sentiment"]
        for visitor in range(count):
            session = f"visitor{visitor}"
            data = {"data": ["a quiet film", "bert_tiny_reviews"], "fn_index": number}
            asked = http.post("gradio_api/queue/join", json={**data, "session_hash": session})
            asked.raise_for_status()
            came = http.get("gradio_api/queue/data", params={"session_hash": session}).text
            if '"success":true' not in came:
                raise RuntimeError(came[-300:])


def slope(seen, name):
    """How much a figure grows in an hour, by least squares."""
    hours = np.array([each["second"] for each in seen]) / 3600
    return float(np.polyfit(hours, [each[name] for each in seen], 1)[0])


if __name__ == "__main__":
    main()
