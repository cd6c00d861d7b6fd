"""What becomes of stored models when bits flip, files are cut off or damaged, and the disk is full."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import StoreFull
from app.store.artifact import Artifact
from app.store.connection import connect
from app.store.embedded import Damaged, EmbeddedRedis
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from app.store.soundness import soundness
from conftest import ROOT, SECRET
from tests.faults.parts import Web
from tests.store import freeze
from tests.store.making import a_record

FROZEN = sorted(freeze.FOLDER.glob("protocol-*.json.gz"))[-1]


def publish(client, name, size=1000):
    """Publish a version of that many bytes."""
    artifact = Artifact({"format": "none"}, {"estimator": name.encode() * (size // len(name))})
    return Publications(client, SECRET).publish(Version(a_record(name, job_id=f"job of {name}"), artifact, {}))


def flip(client, generator):
    """Flip one bit of something stored; return what puts it back."""
    key = generator.choice([one for one in sorted(client.scan_iter("automl:*")) if client.type(one) != b"stream"])
    kind = client.type(key)
    if kind == b"string":
        value = client.get(key)
        client.set(key, flipped(value, generator))
        return lambda: client.set(key, value)
    if kind == b"hash":
        field = generator.choice(sorted(client.hkeys(key)))
        value = client.hget(key, field)
        if generator.random() < 0.2:
            other = flipped(field, generator)
            client.hdel(key, field)
            client.hset(key, other, value)
            return lambda: (client.hdel(key, other), client.hset(key, field, value))
        client.hset(key, field, flipped(value, generator))
        return lambda: client.hset(key, field, value)
    member = generator.choice(sorted(client.smembers(key)))
    other = flipped(member, generator)
    client.srem(key, member)
    client.sadd(key, other)
    return lambda: (client.srem(key, other), client.sadd(key, member))


def flipped(value, generator):
    data = bytearray(value)
    data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    return bytes(data)


def ask_everything(client, answers):
    """Ask for all that is stored, and return {what was asked: body} of what was answered with 200; nothing may fail."""
    found = {}
    for one in answers:
        name = one["asked"]["pipeline_id"]
        answer = client.post("/serve_prediction", json=one["asked"])
        assert answer.status_code in (200, 404, 503), answer.text
        if answer.status_code == 200:
            found[f"a prediction of {name}"] = answer.get_json()
    names = [one["asked"]["pipeline_id"] for one in answers]
    paths = [f"/models/{name}{rest}" for name in names for rest in ("", "/versions", "/versions/1", "/explanations")]
    paths += [f"/models/{name}/versions/1/{rest}" for name in names for rest in ("report", "code", "artifact")]
    for path in ["/models", "/v1/models", "/v2/models/birds", "/", *paths]:
        answer = client.get(path)
        assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text)
        # The page has a token of its own each time, and shows scores, which are kept plain.
        if answer.status_code == 200 and path != "/":
            found |= entries(path, answer)
    return found


def entries(path, answer):
    """Return {what was asked: body}; of a list each entry by itself, as what cannot be read is left out of lists."""
    if path in ("/models", "/v1/models"):
        told = answer.get_json()
        each = told.items() if path == "/models" else ((name, True) for name in told["models"])
        return {f"{name} of {path}": entry for name, entry in each}
    if path.endswith("/versions"):
        told = answer.get_json()
        each = {f"version {entry['version']} of {path}": entry for entry in told.pop("versions")}
        return {path: told, **each}
    return {path: answer.data}


def ask_anew(settings, answers):
    """Ask for everything by another process, which has not loaded anything yet."""
    from app import create_app

    return ask_everything(create_app(settings).test_client(), answers)


def flips(client_of_redis, settings, count, seed):
    found = json.loads(gzip.decompress(FROZEN.read_bytes()))
    freeze.put(client_of_redis, found["stored"])
    right = ask_anew(settings, found["answers"])
    for one in found["answers"]:
        name = one["asked"]["pipeline_id"]
        assert right[f"a prediction of {name}"] == one["answer"]
        assert {
            f"{name} of /models",
            f"/models/{name}/versions/1/report",
            f"/models/{name}/versions/1/artifact",
        } <= right.keys()
    generator = random.Random(seed)  # noqa: S311  which bit is no secret
    for _ in range(count):
        undo = flip(client_of_redis, generator)
        answered = ask_anew(settings, found["answers"])
        assert [what for what, body in answered.items() if what not in right or right[what] != body] == []
        undo()
    assert ask_anew(settings, found["answers"]) == right


def test_no_flipped_bit_gives_another_answer_or_a_failure(client_of_redis, settings):
    flips(client_of_redis, settings, count=20, seed=1)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_none_of_four_hundred_flipped_bits_gives_another_answer(client_of_redis, settings):
    flips(client_of_redis, settings, count=400, seed=2)


@pytest.fixture
def folder(short_folder, request):
    """A data folder with a short path."""
    path = short_folder / f"files-{abs(hash(request.node.nodeid)) % 10**6}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def stored(folder):
    """Twenty models in the files of a server that has ended, and the largest of the files."""
    server = EmbeddedRedis(folder)
    server.start()
    with connect(server.url) as client:
        for number in range(20):
            publish(client, f"m{number:02}")
    server.stop()
    return max((folder / "redis" / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("cut", [1, 100, 2000])
def test_a_file_whose_end_was_cut_off_costs_what_was_written_last(folder, stored, cut):
    os.truncate(stored, stored.stat().st_size - cut)
    server = EmbeddedRedis(folder)
    server.start()
    try:
        with connect(server.url) as client:
            store = ModelStore(client, SECRET)
            kept = store.models()
            # Each is there whole or not at all.
            assert len(kept) >= 18
            for record in kept:
                name = str(record.pipeline_id)
                assert store.artifact(name, 1).parts["estimator"] == name.encode() * (1000 // 3)
            assert soundness(client, SECRET) == []
            client.delete(Keys().artifact("m00", 1))
            (fault,) = soundness(client, SECRET)
            assert fault.pointer == "/models/m00"
            assert "artefact" in fault.detail
    finally:
        server.stop()


def test_a_damaged_file_ends_the_start_with_steps_that_work_as_they_stand(folder, stored, tmp_path):
    before = damage(stored)
    said, status = run(folder)
    assert status == 3
    assert "Bad file format reading the append only file" in said
    assert stored.read_bytes() == before
    # The steps, as they are printed.
    lines = [line.strip()[3:] for line in said.splitlines() if line.strip()[:3] in ("2. ", "3. ")]
    script = "\n".join(lines).replace("DATA_DIR", str(folder)).replace("aof.N.incr", "aof.1.incr")
    script = script.replace("./valkey-check-aof", "yes | ./valkey-check-aof").replace(
        "$(python ", f"$({sys.executable} "
    )
    subprocess.run(["/bin/sh", "-ec", script], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    server = EmbeddedRedis(folder)
    server.start()
    with connect(server.url) as client:
        assert 5 < len(ModelStore(client, SECRET).models()) < 20
    server.stop()


def damage(path):
    """Spoil a command in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[data.index(b"\r\nMULTI\r\n", len(data) // 2) - 2] = ord("Q")
    path.write_bytes(data)
    return bytes(data)


def run(folder, *words):
    """Run the program to its end; return what it said and its status."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), "SIGNING_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout, done.returncode


def test_from_damaged_files_an_export_is_restored_into_another_folder(folder, stored, tmp_path):
    assert run(folder, "export", str(tmp_path / "kept"))[1] == 0
    damage(stored)
    assert run(folder, "export", str(tmp_path / "none"))[1] == 3
    said, status = run(folder / "new", "import", str(tmp_path / "kept"))
    assert status == 0
    assert "20 of 20 versions were stored" in said
    server = EmbeddedRedis(folder / "new")
    server.start()
    with connect(server.url) as client:
        assert len(ModelStore(client, SECRET).models()) == 20
    server.stop()


def test_a_base_that_is_damaged_is_told_too(folder, stored):
    base = next((folder / "redis" / "appendonlydir").glob("*.base.rdb"))
    data = bytearray(base.read_bytes())
    data[len(data) // 2] ^= 0xFF
    base.write_bytes(data)
    with pytest.raises(Damaged):
        EmbeddedRedis(folder).start()


@pytest.fixture
def small_disk(folder):
    """A data folder on a disk of 16 MB."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "automl", folder], check=False)  # noqa: S607
    if mounted.returncode:
        pytest.fail("a disk that fills up has to be mounted: run the tests as root with the right to, as CI does")
    yield folder
    subprocess.run(["umount", folder], check=True)  # noqa: S607


def test_a_full_disk_refuses_by_its_name_and_all_that_was_told_is_there_after(small_disk, tmp_path):
    server = EmbeddedRedis(small_disk)
    server.start()
    client = connect(server.url)
    answers = json.loads(gzip.decompress(FROZEN.read_bytes()))
    freeze.put(client, answers["stored"])
    web = Web(server.url, tmp_path, WEB_CONCURRENCY="1")
    web.start("/health/live")
    told = []
    try:
        for number in range(40):
            try:
                publish(client, f"m{number:02}", 2**20)
                told.append(f"m{number:02}")
            except StoreFull:
                break
        assert 3 < len(told) < 40
        # Models that are there go on answering.
        for one in answers["answers"]:
            answer = web.service.post("/serve_prediction", json=one["asked"])
            assert (answer.status_code, answer.json()) == (200, one["answer"])
        # And requests may come: no other process could do better.
        assert web.service.get("/health/ready").status_code == 200
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)  # noqa: S607
        published = False
        for _ in range(600):
            try:
                published = publish(client, "after", 2**20).version == 1
                break
            except StoreFull:
                signal.sigtimedwait([], 0.1)
        assert published, "a disk with room again is written to again"
    finally:
        web.stop()
        server.stop()
    server.start()
    store = ModelStore(connect(server.url), SECRET)
    kept = {str(record.pipeline_id) for record in store.models()}
    # What was written while the disk filled up may be cut off at the very end.
    assert {*told[:-1], "after"} <= kept
    for name in kept & set(told):
        assert store.artifact(name, 1)
    server.stop()


def test_a_start_on_a_full_disk_leaves_no_half_of_a_key(small_disk):
    (small_disk / "filler").write_bytes(b"")
    with (small_disk / "filler").open("wb") as file:
        try:
            while True:
                file.write(bytes(2**16))
                file.flush()
        except OSError:
            pass
    done = subprocess.run(
        [sys.executable, "-m", "app", "check"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "SIGNING_SECRET"} | {"DATA_DIR": small_disk},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "DATA_DIR: signing.key cannot be made or read: No space left on device\n",
    )
    assert not Path(small_disk, "signing.key").exists()
