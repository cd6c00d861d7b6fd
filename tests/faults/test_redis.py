"""A Redis that is frozen, lost or full: what a caller is told, how soon, and what goes on."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from app import create_app, readiness
from app.errors import StoreFull, StoreUnavailable
from app.jobs.records import JobRecords
from app.settings import Settings
from app.store.artifact import Artifact
from app.store.connection import connect
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from conftest import SECRET
from tests.faults.parts import Valkey
from tests.store.making import a_record

#: Seconds within which a caller is told that Redis is silent, several questions together; a hang would be minutes.
SOON = 10.0


def publish(client, pipeline_id, size=1000):
    """Publish a version of that many bytes."""
    artifact = Artifact({"format": "none"}, {"estimator": b"e" * size})
    made = Version(a_record(pipeline_id, job_id=f"job-{time.monotonic_ns()}"), artifact, {})
    return Publications(client, SECRET).publish(made)


def refusal(kind, act):
    """Return how long it took to be refused."""
    begun = time.monotonic()
    with pytest.raises(kind) as refused:
        act()
    assert type(refused.value) is kind
    return time.monotonic() - begun


def test_a_frozen_redis_is_told_at_once_and_asked_again_when_it_thaws(valkey):
    store = ModelStore(valkey.client(), SECRET)
    publish(valkey.client(), "kept")
    valkey.signal(signal.SIGSTOP)
    try:
        for ask in (store.ping, store.models, lambda: store.artifact("kept", 1), lambda: store.promote("kept", 1)):
            assert refusal(StoreUnavailable, ask) < SOON / 2
    finally:
        valkey.signal(signal.SIGCONT)
    assert [record.pipeline_id for record in store.models()] == ["kept"]


def test_a_silent_server_is_not_asked_three_times(valkey):
    """One wait of 0.9 s: three would be past the two seconds within which a web process answers."""
    client = valkey.client()
    client.ping()
    valkey.signal(signal.SIGSTOP)
    try:
        assert refusal(StoreUnavailable, ModelStore(client, SECRET).ping) < 2.5
    finally:
        valkey.signal(signal.SIGCONT)


def test_a_connection_that_a_restart_has_closed_is_made_again(valkey):
    store = ModelStore(valkey.client(), SECRET)
    publish(valkey.client(), "kept")
    assert len(store.models()) == 1
    valkey.client().waitaof(1, 0, 10_000)
    valkey.kill()
    valkey.start()
    assert len(store.models()) == 1


def test_whoever_is_patient_waits_for_a_server_that_is_silent_for_seconds(valkey):
    """As one is that writes its file to a slow disk: a training's end waits for it."""
    client = connect(valkey.url, patient=True)
    client.ping()
    valkey.signal(signal.SIGSTOP)
    threading.Timer(2.5, valkey.signal, [signal.SIGCONT]).start()
    assert publish(client, "late").version == 1


@pytest.fixture
def small(short_folder):
    """A Redis with little memory that evicts nothing."""
    server = Valkey(short_folder / "small", maxmemory="24mb", maxmemory_policy="noeviction")
    server.start()
    yield server
    server.stop()


def test_a_full_redis_refuses_by_its_name_and_reads_on(small):
    client = small.client()
    store, stored = ModelStore(client, SECRET), []
    for number in range(40):
        try:
            publish(client, f"m{number}", 2**20)
            stored.append(f"m{number}")
        except StoreFull:
            break
    assert 5 < len(stored) < 40
    # What was acknowledged is there, and of what was refused there is nothing.
    assert sorted(record.pipeline_id for record in store.models()) == sorted(stored)
    assert all(len(store.artifact(name, 1).parts["estimator"]) == 2**20 for name in stored)
    # A plain write is refused by the same name as a transaction.
    small.client().config_set("maxmemory", "1mb")
    assert refusal(StoreFull, lambda: JobRecords(client, SECRET, 7).report("job", {})) < SOON
    small.client().config_set("maxmemory", "0")
    assert publish(client, "more", 2**20).version == 1


def test_readiness_tells_of_a_redis_that_evicts_by_now_and_of_models_that_lack_a_part(valkey, tmp_path, monkeypatch):
    monkeypatch.setattr(readiness, "_EXAMINED", 0.0)
    publish(valkey.client(), "whole")
    publish(valkey.client(), "half")
    held = Settings(redis_url=valkey.url, data_dir=tmp_path, signing_secret=SECRET)
    web = create_app(held).test_client()
    assert "/models" not in web.get("/health/ready").text
    valkey.client().delete(Keys().artifact("half", 1))
    ready = web.get("/health/ready")
    assert ready.status_code == 200
    detail = "1 lack a part; python -m app check names them"
    assert {"pointer": "/models", "detail": detail} in ready.get_json()["notes"]
    # Whoever asks has shown no key.
    assert "half" not in ready.text
    valkey.client().config_set("maxmemory-policy", "allkeys-lru")
    ready = web.get("/health/ready")
    assert ready.status_code == 503
    assert "/redis/maxmemory-policy" in ready.text
    valkey.client().config_set("maxmemory-policy", "noeviction")
    assert web.get("/health/ready").status_code == 200
