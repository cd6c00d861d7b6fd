"""Web processes that die, and clients that notice nothing or are told."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path

from app.store.keys import PROBE
from tests.faults import served
from tests.faults.parts import Load, Web, until
from tests.security import raw


def test_a_killed_web_process_costs_its_own_requests_and_is_started_again(valkey, tmp_path) -> None:
    served.publish(valkey.url)
    web = Web(valkey.url, tmp_path)
    web.start()
    try:
        first = {one.pid for one in web.workers()}
        with Load(web.port, "/serve_prediction", served.BODY).running() as load:
            until(lambda: len(load.answers) > 100, "answers")
            web.workers()[0].kill()
            killed, seen = time.monotonic(), len(load.answers)
            until(lambda: len(load.answers) > seen + 200, "answers of the other")
            until(lambda: len(web.workers()) == 2 and {one.pid for one in web.workers()} != first, "another", 15)
        lost = [begun for begun, status, _, _ in load.answers if status != 200]
        # One of each client at most, that had begun when the process died; the kernel tells some a moment later.
        assert len(lost) <= load.clients
        assert all(begun < killed + 1 for begun in lost)
        assert len({found for _, status, _, found in load.answers if status == 200}) == 1
    finally:
        web.stop()


def test_of_a_training_that_was_half_sent_to_a_killed_web_process_nothing_is_left(valkey, tmp_path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    web = Web(valkey.url, tmp_path, WEB_CONCURRENCY="1", TMPDIR=str(files))
    web.start()
    try:
        before = stored(valkey)
        (process,) = web.workers()
        with closing(raw.connected(web.port)) as client:
            head = b"POST /train_pipeline HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n" % (60 * 2**20)
            client.sendall(head + b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n")
            client.sendall(b'Content-Disposition: form-data; name="raw_data"; filename="t.csv"\r\n\r\n')
            for _ in range(3):
                client.sendall(b"1,2,3,4\n" * 2**17)
            until(lambda: any(str(files) in name for name in opened(process.pid)), "it is being written to disk")
            process.kill()
            assert raw.read(client).data == b""
        until(lambda: web.workers() not in ([], [process]), "another process", 15)
        assert web.service.get("/jobs").json() == []
        assert stored(valkey) == before
        assert not list(files.iterdir())
    finally:
        web.stop()


def opened(pid: int) -> list[str]:
    """Return the files that a process has open, as the kernel names them."""
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        # One may be closed meanwhile.
        with suppress(FileNotFoundError):
            found.append(os.readlink(one))
    return found


def stored(valkey) -> dict[bytes, bytes]:
    """Return all that is stored, but for what shows now and then whether Redis takes writes."""
    client = valkey.client()
    return {name: client.dump(name) for name in client.scan_iter() if name != PROBE.encode()}
