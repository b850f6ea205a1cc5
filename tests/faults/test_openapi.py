"""Requests that the app's own descriptions of itself lead to: none makes the server fail.

FUZZ_EXAMPLES lengthens it: `FUZZ_EXAMPLES=500 python -m pytest tests/faults/test_openapi.py -s`.
"""

import json
import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from tests.faults.conftest import Raw

pytestmark = [pytest.mark.slow, pytest.mark.fault]
FUZZ = os.environ.get("FUZZ_EXAMPLES")
BUSY = 503
# What Gradio writes of a list of files and of JSON, which is no OpenAPI.
ODD = {'"type":"filepath"': '"type":"string"', '"type":{}': '"type":"array"'}
ENDLESS = ("/heartbeat/",)  # streams that stay open
fuzzed = settings(
    max_examples=int(FUZZ or 5),
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def app(start_app):
    """A Raw on an app of its own, since this fills its queue."""
    with start_app("--offline", "--deadline", "2") as address:
        yield Raw(address)


@pytest.mark.parametrize("described", ["/gradio_api/openapi.json", "/openapi.json"])
def test_no_request_makes_the_server_fail(app, described):
    came, failed = Counter(), set()
    text = app.http.get(described).text
    for odd, meant in ODD.items():
        text = text.replace(odd, meant)
    for found in schemathesis.openapi.from_dict(json.loads(text)).get_all_operations():
        operation = found.ok()
        if any(part in operation.path for part in ENDLESS):
            continue

        @fuzzed
        @given(operation.as_strategy())
        def ask(case):
            answer = case.call(app.address, timeout=60)
            came[answer.status_code] += 1
            if answer.status_code >= 500 and answer.status_code != BUSY:
                failed.add((answer.status_code, case.as_curl_command()[:200]))

        ask()
    print(f"{sum(came.values()):,} requests to {described}: {dict(sorted(came.items()))}")
    assert sum(came.values()) > 50 and not failed, failed
    assert app.http.get("/healthz").status_code == 200
    assert app.call("sentiment", ["a good film", "bert_tiny_reviews"])[0] == "complete"
