"""Health, a limit for bodies, headers that protect visitors, and 404 for what is not there.

Knows no tab and no model. Uploads have a limit of Gradio's own; this one is for everything else.
"""

import logging
import threading

import httpx
from gradio.route_utils import FnIndexInferError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serving import temporary

BODY = 15_000_000  # bytes of a request that is no upload; a picture in a data: URL is 4/3 its size
TOO_LARGE = f"A request may have {BODY // 1_000_000} MB at most. Send a smaller picture or text."
UPLOADS = "/gradio_api/upload"
DIRECT = ("/gradio_api/run/", "/gradio_api/api/")  # calls of what has no queue: no model is run
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
}
# What Gradio's routes raise for a name or value that is not there; handlers' errors are no part of
# an answer, they come as events.
MISREAD = (KeyError, TypeError, AttributeError, ValueError, httpx.InvalidURL)
log = logging.getLogger(__name__)
ready = threading.Event()  # set once the default models are warm, cleared at the end


def options():
    """Return the arguments for Gradio's FastAPI app, a dict."""
    return {
        "middleware": [Middleware(Guard)],
        "routes": [Route("/healthz", _healthy), Route("/readyz", _readiness)],
        "exception_handlers": {
            FnIndexInferError: _unknown,
            OSError: _no_room,
            **dict.fromkeys(MISREAD, _misread),
        },
    }


async def _healthy(request):
    """200 as long as the server answers at all."""
    return PlainTextResponse("ok\n")


async def _readiness(request):
    """200 once the default models answer at once, else 503."""
    if ready.is_set():
        return PlainTextResponse("ready\n")
    return PlainTextResponse("not ready\n", status_code=503)


async def _unknown(request, error):
    return PlainTextResponse("There is no such endpoint; see /gradio_api/info.\n", status_code=404)


async def _misread(request, error):
    log.warning("%s in a request that no page sends", type(error).__name__)
    return PlainTextResponse("No page sends this; see /gradio_api/info.\n", status_code=400)


async def _no_room(request, error):
    if not temporary.full(error):
        raise error
    return PlainTextResponse(temporary.NO_ROOM, status_code=507)


class Guard:
    """ASGI middleware: refuses bodies over BODY as they come, adds HEADERS to each answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        """Pass one request on, within its limits."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if not scope["path"].endswith(UPLOADS):
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if not length.isdigit() or int(length) > BODY:
                return await _too_large(scope, receive, send)
            receive = _limited(receive)
        if scope["path"].startswith(DIRECT):
            send = _blameless(send)
        await self._ended(scope, receive, _protected(send))

    async def _ended(self, scope, receive, send):
        """Pass one request on; an answer that fails on its way is ended, not torn off."""
        on_its_way = False

        async def watched(message):
            nonlocal on_its_way
            on_its_way = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if not on_its_way:
                raise
            log.warning(
                "%s while an answer was on its way", type(error.__cause__ or error).__name__
            )
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _limited(receive):
    came = 0

    async def counted():
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > BODY:
            raise HTTPException(413, TOO_LARGE)
        return message

    return counted


def _protected(send):
    async def with_headers(message):
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers


def _blameless(send):
    """Call 400 what Gradio calls 500: such a handler fails on what no page sends."""

    async def with_status(message):
        if message["type"] == "http.response.start" and message["status"] == 500:
            message["status"] = 400
        await send(message)

    return with_status


async def _too_large(scope, receive, send):
    await PlainTextResponse(TOO_LARGE, status_code=413)(scope, receive, send)
