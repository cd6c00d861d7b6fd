"""The embedded Redis, killed at any moment: what was told a moment before is there, and nothing is there by half."""

from __future__ import annotations

import threading
import time

import pytest

from app.errors import ServiceError
from app.store.artifact import Artifact
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from app.store.soundness import soundness
from conftest import SECRET
from tests.store.making import a_record

#: Seconds after which a write is in the file: one, and as much again where the disk is slow.
KEPT = 2.5


@pytest.fixture
def server(short_folder, request):
    """A server of this test's own."""
    started = EmbeddedRedis(short_folder / f"kill-{abs(hash(request.node.nodeid)) % 10**6}")
    started.start()
    yield started
    started.stop()


def publish(client, name, size):
    """Publish a version of that many bytes."""
    artifact = Artifact({"format": "none"}, {"estimator": name.encode() * (size // len(name))})
    return Publications(client, SECRET).publish(Version(a_record(name, job_id=f"job of {name}"), artifact, {}))


def kill(server):
    """Kill the server and let it be started again, as the supervisor does; return when it was dead."""
    server._process.kill()
    server._process.wait()
    dead = time.monotonic()
    server.look()
    return dead


@pytest.mark.parametrize(("count", "size"), [(20, 2**20), (300, 2**10)])
def test_what_was_told_is_there_after_a_kill(server, count, size):
    with connect(server.url) as client:
        for number in range(count):
            publish(client, f"m{number:04}", size)
        time.sleep(KEPT)
        kill(server)
        store = ModelStore(client, SECRET)
        assert len(store.models()) == count
        assert soundness(client, SECRET) == []
        assert store.artifact(f"m{count - 1:04}", 1)


def test_a_kill_in_the_midst_of_writes_leaves_nothing_by_half_and_loses_the_last_moment_alone(server):
    told: list[tuple[str, float]] = []
    over = threading.Event()

    def write(one):
        client, number = connect(server.url), 0
        while not over.wait(0.01):
            name = f"{one}-{number:04}"
            try:
                publish(client, name, 50_000)
                told.append((name, time.monotonic()))
            except ServiceError:
                time.sleep(0.05)
            number += 1
        client.close()

    threads = [threading.Thread(target=write, args=(one,)) for one in "ab"]
    for thread in threads:
        thread.start()
    killed = []
    for _ in range(3):
        # Long enough that most of what is told in it has to be there.
        time.sleep(KEPT + 0.5)
        killed.append(kill(server))
    time.sleep(0.4)
    over.set()
    for thread in threads:
        thread.join(30)
    with connect(server.url) as client:
        store = ModelStore(client, SECRET)
        there = {str(record.pipeline_id) for record in store.models()}
        assert soundness(client, SECRET) == []
        for name in sorted(there)[::7]:
            assert store.artifact(name, 1)
    assert there
    # Owed is what was told after the last kill, and of what was told before it all but the last moment before a kill.
    owed = {name for name, when in told if not any(0 <= at - when < KEPT for at in killed)}
    assert len(owed) > 10
    assert {name for name, when in told if name in owed and when < killed[0]}
    assert owed <= there
