"""Uploads that end in the middle, and disks that are full: nothing is left of them, and everybody else is served."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from conftest import ROOT
from tests.faults.parts import Web, serving, until
from tests.security import raw

FORM = b"Content-Type: multipart/form-data; boundary=edge"
FILE = b'--edge\r\nContent-Disposition: form-data; name="raw_data"; filename="t.csv"\r\n\r\n'
#: `METHOD /rule` of every route.
ROUTES = json.loads((ROOT / "tests" / "security" / "routes.json").read_text(encoding="utf-8"))

PATHS = ("/train_pipeline", "/profile", "/serve_prediction", "/batch_predictions")


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A disk of five megabytes."""
    folder = tmp_path_factory.mktemp("disk")
    made = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", folder], capture_output=True, text=True
    )
    assert made.returncode == 0, f"a small disk is made by `mount`, as root: {made.stderr}"
    yield folder
    subprocess.run(["/bin/umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def web(short_folder, tmp_path_factory, disk) -> Iterator[Web]:
    """One web process, whose temporary folder is small, and that waits for clients for a short time."""
    few = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "4", "REQUEST_SECONDS": "3", "MAX_PREDICT_MB": "64"}
    small = {"TMPDIR": str(disk), "BATCH_URL": str(disk / "batch")}
    with serving(short_folder / "valkey-uploads", tmp_path_factory.mktemp("uploads"), **few, **small) as (_, one):
        yield one


def held(web: Web, disk: Path) -> tuple[int, int]:
    """Return how many files a web process holds open that are no sockets, and the bytes of the disk in use."""
    (process,) = web.workers()
    files = []
    for one in Path(f"/proc/{process.pid}/fd").iterdir():
        # One may be closed meanwhile.
        with suppress(FileNotFoundError):
            files.append(os.readlink(one))
    used = os.statvfs(disk)
    return sum(str(disk) in one for one in files), (used.f_blocks - used.f_bfree) * used.f_bsize


def begun(web: Web, path: str, size: int) -> socket.socket:
    """Send the beginning of an upload of 60 MB."""
    client = raw.connected(web.port)
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\nContent-Length: %d\r\n\r\n"
    client.sendall(head % (path.encode(), FORM, 60 * 2**20) + FILE)
    for _ in range(size // 2**16):
        client.sendall(b"1,2,3,4\n" * 2**13)
    return client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "silent"])
def test_nothing_is_left_of_an_upload_whose_client_is_gone(web, disk, path, gone) -> None:
    (process,) = web.workers()
    before = held(web, disk)
    client = begun(web, path, 3 * 2**20)
    until(lambda: held(web, disk)[1] > before[1] + 2**20, "the upload is on disk")
    if gone:
        # Closed by a reset, as by a machine that has lost it.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    else:
        answer = raw.read(client)
        assert answer.statuses == [408], answer.data[:300]
        client.close()
    until(lambda: held(web, disk) == before, "it holds no more than before", 20)
    assert web.service.get("/jobs").json() == []
    assert web.workers() == [process]
    assert not web.lines(level="ERROR")


@pytest.mark.parametrize("path", PATHS)
def test_a_full_disk_is_told_and_what_was_written_is_removed(web, disk, path) -> None:
    (process,) = web.workers()
    before = held(web, disk)
    answer = web.service.post(path, files={"raw_data": ("t.csv", b"1,2,3,4\n" * 2**21), "params": "{}"})
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == "urn:problem:storage-unavailable"
    assert answer.headers["Retry-After"]
    until(lambda: held(web, disk) == before, "the room is there again", 20)
    assert web.service.get("/models").ok
    assert psutil.pid_exists(process.pid)
    assert web.workers() == [process]
    assert not web.lines(level="ERROR")


def counted(web: Web) -> set[str]:
    """Return what requests are counted by: each is a name with its labels."""
    lines = web.service.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0] for line in lines if line.startswith("automl_requests_total{")}


def test_numbers_are_counted_on_while_the_disk_is_full(web, disk) -> None:
    (process,) = web.workers()
    before = counted(web)
    full = disk / "full"
    full.write_bytes(b"x" * (5 * 2**20 - held(web, disk)[1]))
    try:
        # Each route, method and status is some more numbers of the files that are mapped into memory.
        for one in ROUTES:
            method, rule = one.split()
            path = re.sub(r"<(\w+:)?(\w+)>", lambda found: "1" if found[2] == "number" else "nothing", rule)
            web.service.request(method, path, data=b"", timeout=30)
        assert len(counted(web) - before) > 60
        assert str(disk) not in Path(f"/proc/{process.pid}/maps").read_text()
        ready = web.service.get("/health/ready").json()
        assert "/disk" in {note["pointer"] for note in ready["notes"]}
    finally:
        full.unlink()
    assert web.workers() == [process]
