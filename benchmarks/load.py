"""Many visitors at once, for long: `python -m benchmarks.load --visitors 30 --minutes 10`.

Knows no tab. Starts the app as a host does and locust's visitors on it, over loopback only, and
prints what each kind of job took, what failed, and what the app held meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from benchmarks import serving

VISITORS = Path(__file__).with_name("visitors.py")
EVERY = 10  # seconds between two looks at the app
WAIT = 240  # seconds until it is ready at most


def main(argv=None):
    """Run the visitors and print the figures as JSON; gives them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args(argv)
    found = serving.with_app(None, lambda app, address, _: measure(app, address, args))
    print(json.dumps(found, indent=2))
    return found


def measure(app, address, args):
    """Let visitors come to a running app; gives what they met and what it held.

    Args:
        app: subprocess.Popen of the app. address: str. args: `visitors` and `minutes`.
    """
    ready(address)
    process, held = psutil.Process(app.pid), []
    found = crowd(address, args.visitors, args.minutes, lambda: held.append(state(process)))
    return {
        "visitors": args.visitors,
        "minutes": args.minutes,
        "jobs": found,
        "app": {"first_minute": held[min(6, len(held) - 1)], "end": state(process)},
        "most_mb": max(each["memory_mb"] for each in held),
    }


def crowd(address, visitors, minutes, look):
    """Let so many visitors use an app for so many minutes; gives `jobs` of what they met.

    Args:
        address: str. visitors: int. minutes: float.
        look: function without arguments, called every EVERY seconds meanwhile.
    """
    command = [sys.executable, "-m", "locust", "-f", str(VISITORS), "--headless", "--json"]
    command += ["--host", address.rstrip("/"), "--only-summary", "--users", str(visitors)]
    command += ["--spawn-rate", "3", "--run-time", f"{round(60 * minutes)}s"]
    folder = Path(__file__).parent.parent
    with tempfile.TemporaryFile("w+") as told:  # a pipe would be full before its end is read
        with subprocess.Popen(command, cwd=folder, stdout=told) as running:
            while running.poll() is None:
                look()
                time.sleep(EVERY)
        told.seek(0)
        return jobs(told.read())


def ready(address):
    """Wait until the default models of the app at an address are warm."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        try:
            if urllib.request.urlopen(f"{address}readyz", timeout=5).status == 200:
                return
        except urllib.error.URLError:
            time.sleep(0.5)
    raise RuntimeError("the app was not ready in time")


def state(process):
    """What a psutil.Process holds now, a dict."""
    return {
        "memory_mb": round(process.memory_info().rss / 1e6),
        "threads": process.num_threads(),
        "files": process.num_fds(),
    }


def jobs(stats):
    """What locust's JSON says of the jobs: dict of name to its figures, milliseconds."""
    return {each["name"]: _figures(each) for each in json.loads(stats) if each["method"] == "job"}


def _figures(each):
    times = sorted((float(ms), count) for ms, count in each["response_times"].items())
    return {
        "jobs": each["num_requests"],
        "failed": each["num_failures"],
        "median_ms": _quantile(times, 0.5),
        "p95_ms": _quantile(times, 0.95),
    }


def _quantile(times, share):
    left = share * sum(count for _, count in times)
    for spent, count in times:
        left -= count
        if left <= 0:
            return round(spent)
    return round(times[-1][0]) if times else 0


if __name__ == "__main__":
    main()
