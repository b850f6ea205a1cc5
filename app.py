"""Entry point: arguments, the page from TABS, launch.

Knows no model. The page is served first; models are warmed up behind it, and what they are made of
is converted in a process of its own.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import gradio as gr

from models import augmentation_worker, catalog, converted, hub, loader, runtime, workshop
from models.sources import Trouble
from serving import errors, fairness, guard, metrics, sessions, temporary
from tabs import TABS, jobs, status

ROOT = Path(__file__).parent
TITLE = "Keras, hands on"
HEADER = """
<header class="masthead">
  <h1>Keras, hands on</h1>
  <p>Eight things that Keras models do, on your own pictures and words.
  Everything runs on this machine; the models that come with it are small and our own.</p>
</header>
"""
QUEUE = 32  # jobs waiting at most; the next visitor is told that the app is busy
UPLOAD = "20mb"
MODES = ("auto", "bundled", "pretrained")  # of --models


def arguments(argv=None):
    """Parse the command line; `--help` explains every option."""
    parser = argparse.ArgumentParser(prog="python app.py", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to listen on (default: GRADIO_SERVER_NAME, which hosts set, else this "
        "machine only)",
    )
    add("--port", type=int, default=None, help="port (default: the first free one from 7860)")
    add("--share", action="store_true", help="open a public link through Gradio (default: off)")
    add(
        "--models",
        choices=MODES,
        default=os.environ.get("KERAS_HANDS_ON_MODELS", "auto"),
        help="which models the pickers offer: bundled, only those that ship with the app; auto, "
        "published checkpoints as well, and one that is on this machine comes first; pretrained, "
        "the same, and each tab's first checkpoint is downloaded at the start (default: "
        "KERAS_HANDS_ON_MODELS, which a host without a command line can set, else auto)",
    )
    add(
        "--hub",
        choices=hub.FIRST,
        default=os.environ.get("KERAS_HANDS_ON_HUB", "huggingface"),
        help="where a checkpoint that lies in both places is asked for first (default: "
        "KERAS_HANDS_ON_HUB, else %(default)s); the other one helps where that fails",
    )
    add("--offline", action="store_true", help="never open a connection to a model hub")
    add(
        "--cache-budget",
        type=float,
        metavar="GB",
        help="memory that loaded models may hold (default: 60 %% of what is available)",
    )
    add(
        "--disk-budget",
        type=float,
        metavar="GB",
        default=temporary.BUDGET / 1e9,
        help="disk that what visitors send and get may take (default: %(default).0f)",
    )
    add(
        "--deadline",
        type=float,
        metavar="SECONDS",
        default=jobs.DEADLINE,
        help="longest that a job may take (default: %(default).0f)",
    )
    add(
        "--metrics",
        type=int,
        metavar="PORT",
        help="serve figures in Prometheus' format on this port (default: off)",
    )
    options = parser.parse_args(argv)
    for name, known in (("models", MODES), ("hub", tuple(hub.FIRST))):
        given = getattr(options, name)
        if given not in known:
            parser.error(f"KERAS_HANDS_ON_{name.upper()} is {given!r}, not one of {known}")
    if options.models == "pretrained" and options.offline:
        parser.error("--models pretrained downloads checkpoints, which --offline forbids")
    if options.cache_budget is not None and not options.cache_budget > 0:
        parser.error("--cache-budget has to be over 0 GB")
    if not options.disk_budget > 0:
        parser.error("--disk-budget has to be over 0 GB")
    if not options.deadline > 0:
        parser.error("--deadline has to be over 0 seconds")
    return options


def page():
    """Return the whole page, one tab per module in TABS."""
    with errors.Page(title=TITLE, analytics_enabled=False) as blocks:
        gr.HTML(HEADER, padding=False)
        status.build(blocks)
        with gr.Tabs(elem_classes="tabs"):
            for tab in TABS:
                with gr.Tab(tab.TITLE, id=tab.TITLE.lower()):
                    tab.build()
    return blocks


def theme():
    """Return the page's theme: neutral, one red, fonts that ship with Gradio."""
    sans = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    return gr.themes.Base(
        font=(sans, "system-ui", "sans-serif"),
        primary_hue=gr.themes.colors.red,
        neutral_hue=gr.themes.colors.stone,
        text_size=gr.themes.sizes.text_lg,
        radius_size=gr.themes.sizes.radius_md,
    )


def warm_up():
    """Load and compile what each tab asks first, in the order on screen.

    They need no Keras where an earlier start, or the workshop, has kept their programs.
    """
    for tab in TABS:
        try:
            tab.warm_up()
        except Exception:
            logging.getLogger(__name__).exception("warming up %s failed", tab.__name__)
    if runtime.known() is None:
        runtime.start()
    guard.ready.set()


def fetch_first():
    """Download the first light checkpoint of each capability that has one, behind the page."""
    firsts = {row.capability: row for row in reversed(catalog.PUBLISHED) if row.light}
    for row in firsts.values():
        try:
            for _ in hub.fetch(row.name, *row.ways):
                pass
        except Trouble as trouble:
            logging.getLogger(__name__).warning("%s was not downloaded: %s", row.id, trouble)


def launch(options):
    """Serve the page without blocking.

    Returns:
        The gr.Blocks that is being served; its `local_url` is the address.
    """
    # Statistics that Gradio makes anew after each job, for a page that is off: 10 ms, then more.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
    blocks = page().queue(
        api_open=False, max_size=QUEUE, default_concurrency_limit=fairness.RUNNING
    )
    fairness.share(blocks._queue, QUEUE // 4)
    blocks.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        theme=theme(),
        css_paths=ROOT / "assets" / "style.css",
        js=(ROOT / "assets" / "names.js").read_text(),
        max_file_size=UPLOAD,
        state_session_capacity=300,
        footer_links=["api"],
        enable_monitoring=False,
        ssr_mode=False,
        show_error=True,  # else what Gradio itself refuses has no message; ours go through jobs
        app_kwargs=guard.options(),
        prevent_thread_lock=True,
        quiet=True,
    )
    sessions.begin_at_once(blocks)
    return blocks


def figures(blocks, folder):
    """Return the server's figures: name to (what it means, function that gives it)."""
    return {
        "jobs_waiting": ("Jobs in the queue", lambda: len(blocks._queue)),
        "sessions": ("Visitors whose state is kept", lambda: len(blocks.state_holder.session_data)),
        "temporary_bytes": ("Disk that visitors' files take", lambda: temporary.size(folder)),
    }


def end(*_):
    """Take no more visitors, and end the main thread's wait."""
    guard.ready.clear()
    raise KeyboardInterrupt


def main(argv=None):
    """Run the app until it is told to stop."""
    options = arguments(argv)
    if options.offline or options.models == "bundled":
        hub.stay_offline()
    hub.prefer(options.hub)
    if options.models != "bundled":
        catalog.offer("here" if options.offline else "all")
    if options.cache_budget is not None:
        loader.set_budget(options.cache_budget * 1e9)
    jobs.set_deadline(options.deadline)
    jobs.start_cleaning()
    signal.signal(signal.SIGTERM, end)
    workshop.bundled.open()
    workshop.published.open()
    if runtime.known() and not converted.cache().is_dir():  # else nothing is converted
        workshop.bundled.start()
    with temporary.folder() as folder:
        blocks = launch(options)
        temporary.keep_within(blocks, folder, options.disk_budget * 1e9)
        if options.metrics:
            metrics.serve(options.host, options.metrics, figures(blocks, folder))
        print(f"{TITLE}: {blocks.local_url}", flush=True)
        threading.Thread(target=warm_up, daemon=True, name="warm-up").start()
        if options.models == "pretrained":
            threading.Thread(target=fetch_first, daemon=True, name="fetch").start()
        blocks.block_thread()
    workshop.stop()
    augmentation_worker.worker.stop()
    sys.stdout.flush()
    # A job in native code would abort the interpreter on its own way out.
    os._exit(0)


if __name__ == "__main__":
    main()
