"""A disk that fills up while the app runs: a message, nothing half written, and texts work."""

import subprocess
import time

import pytest

from tests.faults.conftest import CLASSIFY, DRAW, WRITE, data_url, warmed
from tests.faults.test_pictures import uploaded

pytestmark = [pytest.mark.slow, pytest.mark.fault]
DETECT = ["retinanet_picture_book", 0.5, 0.5, []]
LINES = ["\n".join(f"a good film, number {number}" for number in range(400)), "bert_tiny_reviews"]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A disk of 12 MB."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes rights that this user has not")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def app(start_app, disk):
    """A Raw on an app whose temporary files lie on the small disk."""
    with start_app("--offline", GRADIO_TEMP_DIR=str(disk)) as address:
        yield warmed(address)


@pytest.fixture
def filled(app, disk, picture):
    """What stands for a picture uploaded before the disk got full; it has room again later."""
    sent = uploaded(app, picture().read_bytes())
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    yield sent
    filler.unlink(missing_ok=True)


def test_20_a_full_disk_is_said_and_texts_work(app, disk, filled, picture):
    before = {path for path in disk.rglob("*") if path.is_file()}
    other = picture("other.png", (400, 300), seed=1).read_bytes()
    answer = app.http.post("/gradio_api/upload", files={"files": ("a.png", other)})
    assert answer.status_code == 507 and "no room" in answer.text
    jobs = {
        "classify": [data_url(other), *CLASSIFY[1:]],
        "detect": [filled, *DETECT],
        "text_to_image": DRAW,
        "sentiment_lines": LINES,
    }
    for endpoint, data in jobs.items():
        assert "no room" in app.refused(endpoint, data), endpoint
    assert app.call("classify", [filled, *CLASSIFY[1:]])[0] == "complete"
    assert app.call("sentiment", ["a good film", "bert_tiny_reviews"])[0] == "complete"
    assert app.call("generate", WRITE)[0] == "complete"
    until = time.monotonic() + 60
    while left := {path for path in disk.rglob("*") if path.is_file()} - before:
        assert time.monotonic() < until, f"half written: {left}"
        time.sleep(1)
    (disk / "filler").unlink()
    again = uploaded(app, other)
    assert app.call("detect", [again, *DETECT])[0] == "complete"
    for endpoint in ("text_to_image", "sentiment_lines"):
        assert app.call(endpoint, jobs[endpoint])[0] == "complete"
