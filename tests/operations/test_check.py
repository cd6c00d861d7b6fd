"""What `python -m app check` says: a good deployment is well, and each thing that is spoilt is named."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.auth import digest
from app.operations.check import wire
from app.settings import Settings, misspelt
from app.store.keys import Keys
from app.store.policy import Policy
from app.store.publications import Publications
from app.store.record import Version
from conftest import ROOT, SECRET
from tests.faults.parts import Valkey
from tests.store.making import a_record

GOOD = {"appendfsync": "everysec", "maxmemory": "200mb", "maxmemory_policy": "noeviction"}


@pytest.fixture
def serve(short_folder, request):
    """Return a function that starts a Redis with a model in it."""
    started = []

    def start(artifact, **options):
        server = Valkey(short_folder / f"check-{abs(hash(request.node.nodeid)) % 10**6}", **options)
        server.start()
        started.append(server)
        Publications(server.client(), SECRET).publish(Version(a_record("kept"), artifact, {}))
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def artifact():
    """A few bytes."""
    from app.store.artifact import Artifact

    return Artifact({"format": "none"}, {"estimator": b"bytes"})


def check(url, folder, **environment):
    """Return the status of the command and what it printed."""
    usual = {"REDIS_URL": url, "SIGNING_SECRET": SECRET, "DATA_DIR": str(folder), "TRAIN_MEMORY_MB": "256"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "check"],
        cwd=ROOT,
        env={**os.environ, **usual, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_deployment_is_well(serve, artifact, tmp_path):
    server = serve(artifact, **GOOD)
    keys = f"admin:{digest('an api key of the tests')}"
    status, said = check(server.url, tmp_path, API_KEYS=keys)
    assert status == 0
    assert "wrong" not in said
    assert "warn" not in said
    assert "has signed the newest model, kept" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "wrong REDIS_URL: evicts models (maxmemory-policy allkeys-lru)"),
        ({"appendonly": "no"}, "wrong REDIS_URL: keeps no append-only file"),
    ],
)
def test_a_redis_that_loses_models_is_wrong(serve, artifact, tmp_path, options, words):
    status, said = check(serve(artifact, **{**GOOD, **options}).url, tmp_path)
    assert (status, words in said) == (1, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"maxmemory_policy": "volatile-ttl"}, "warn  REDIS_URL: evicts results (maxmemory-policy volatile-ttl)"),
        ({"maxmemory": "0"}, "warn  REDIS_URL: maxmemory is not set"),
    ],
)
def test_a_redis_that_may_lose_something_is_doubtful(serve, artifact, tmp_path, options, words):
    status, said = check(serve(artifact, **{**GOOD, **options}).url, tmp_path)
    assert (status, words in said) == (0, True), said


def test_a_redis_that_is_nearly_full_is_doubtful(serve, artifact, tmp_path):
    server = serve(artifact, **GOOD)
    used = server.client().info("memory")["used_memory"]
    server.client().config_set("maxmemory", int(used * 1.1))
    status, said = check(server.url, tmp_path)
    assert (status, "MB are used" in said) == (0, True), said


def spoil_record(client):
    client.hset(Keys().records("kept"), "1", b"{}")


def lose_record(client):
    client.delete(Keys().records("kept"))


def lose_artifact(client):
    client.delete(Keys().artifact("kept", 1))


def lose_current(client):
    client.hdel(Keys().model("kept"), "current")


def spoil_artifact(client):
    client.append(Keys().artifact("kept", 1), b"\0")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_record, "wrong models/kept: the record of its current version, 1, is damaged"),
        (lose_record, "wrong models/kept: the record of its current version, 1, is missing"),
        (lose_artifact, "wrong models/kept: the artefact of its current version, 1, is missing"),
        (lose_current, "wrong models/kept: it has no current version"),
        (spoil_artifact, "wrong SIGNING_SECRET: has not signed the newest model"),
    ],
)
def test_what_a_model_lacks_is_named(serve, artifact, tmp_path, spoil, words):
    server = serve(artifact, **GOOD)
    spoil(server.client())
    status, said = check(server.url, tmp_path)
    assert (status, words in said) == (1, True), said


def test_another_secret_is_named_and_no_value_of_a_secret_told(serve, artifact, tmp_path):
    server = serve(artifact, **GOOD)
    other = "canary-of-another-secret-0123456789"
    status, said = check(server.url, tmp_path, SIGNING_SECRET=other)
    assert status == 1
    assert "damaged, or was signed with another SIGNING_SECRET" in said
    assert other not in said
    assert SECRET not in said


def test_a_redis_that_is_not_there_is_wrong(tmp_path):
    status, said = check(f"unix://{tmp_path}/nothing.sock", tmp_path)
    assert (status, "wrong REDIS_URL: this Redis does not answer" in said) == (1, True)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://redis.example", ["warn", "wrong"]),
        ("redis://:secret@redis.example", ["warn"]),
        ("rediss://:secret@redis.example", []),
        ("redis://127.0.0.1", []),
        ("redis://localhost", []),
        ("unix:///run/redis.sock", []),
    ],
)
def test_the_way_to_a_redis_elsewhere_needs_encryption_and_a_password(url, found):
    assert [finding.level for finding in wire(Settings(redis_url=url, allow_insecure_redis=True))] == found


def test_folders_keys_and_names_are_looked_at(serve, artifact, tmp_path):
    server = serve(artifact, **GOOD)
    tmp_path.chmod(0o777)
    keys = f"read:{digest('an api key of the tests')}"
    blocked = tmp_path / "file"
    blocked.write_text("")
    more = {"API_KEYS": keys, "TRAIN_WORKER": "3", "TRAIN_WORKERS": "64", "BATCH_URL": str(blocked)}
    status, said = check(server.url, tmp_path, **more)
    assert status == 1
    for words in (
        "wrong DATA_DIR: others may write into it",
        "warn  API_KEYS: no key has the role admin",
        "warn  TRAIN_WORKER: is no setting; TRAIN_WORKERS is",
        "warn  TRAIN_WORKERS: 64 on",
        "warn  TRAIN_MEMORY_MB",
        "wrong BATCH_URL",
    ):
        assert words in said, said


def test_a_folder_that_cannot_be_made_is_told_and_the_rest_is_looked_at(serve, artifact, tmp_path):
    (tmp_path / "file").write_text("")
    status, said = check(serve(artifact, **GOOD).url, tmp_path / "file" / "data")
    assert (status, "wrong DATA_DIR: cannot be made" in said, "REDIS_URL" in said) == (1, True, True), said


def test_without_a_redis_of_its_own_the_embedded_one_is_looked_at(short_folder):
    folder = short_folder / "of-check"
    usual = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "check"],
        cwd=ROOT,
        env={**usual, "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "ok    REDIS_URL: valkey" in done.stdout


@pytest.mark.parametrize(
    ("server", "version", "safe"),
    [
        ("redis", (8, 2, 1), False),
        ("redis", (8, 2, 2), True),
        ("redis", (8, 4, 0), True),
        ("redis", (7, 0, 15), False),
        ("redis", (7, 2, 10), False),
        ("redis", (7, 2, 11), True),
        ("redis", (6, 2, 20), True),
        ("redis", (6, 0, 99), False),
        ("valkey", (8, 1, 3), False),
        ("valkey", (8, 1, 4), True),
        ("valkey", (9, 1, 2), True),
        ("valkey", (), False),
    ],
)
def test_a_server_that_runs_the_code_of_its_clients_is_known_by_its_version(server, version, safe):
    assert Policy(server, version, "noeviction", 0, 0, True).safe is safe


def test_what_is_near_to_a_setting_is_told_and_what_is_not_is_not():
    assert misspelt({"REDIS_URLS": "", "PATH": "", "HOST": "", "SIGNING_SECRETS": ""}) == [
        ("REDIS_URLS", "REDIS_URL"),
        ("SIGNING_SECRETS", "SIGNING_SECRET"),
    ]


def test_secrets_are_in_no_representation_of_the_settings():
    planted = {
        "signing_secret": "canary-secret-0123456789-0123456789",
        "redis_url": "rediss://user:canary-password@host",
        "api_keys": {"c" * 64: "admin"},
    }
    settings = Settings(**planted)
    for text in (repr(settings), str(settings), f"{settings}"):
        assert "canary" not in text
        assert "c" * 64 not in text
