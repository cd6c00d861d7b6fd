"""All models in a file, and back into an empty store: the same versions, the same answers."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from app.operations import archive
from app.operations.archive import export_models, import_models
from app.settings import Settings
from app.store.artifact import Artifact
from app.store.embedded import EmbeddedRedis
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from app.store.restoring import RestoreError
from conftest import ROOT, SECRET
from tests.faults.parts import Valkey, until
from tests.store import freeze
from tests.store.making import a_record
from tests.wire import Wire

#: Models of this release, as they are stored, and what they answer.
FROZEN = json.loads(gzip.decompress(sorted(freeze.FOLDER.glob("*.gz"))[-1].read_bytes()))

OTHER = "the secret that is to take its place from now on"


@pytest.fixture(scope="module")
def servers(short_folder):
    """A server with models, and an empty one."""
    found = [Valkey(short_folder / name) for name in ("full", "void")]
    for server in found:
        server.start()
    yield found
    for server in found:
        server.stop()


@pytest.fixture(scope="module")
def full(servers):
    """A client of the server with models of several kinds, two versions, and another namespace."""
    client = servers[0].client()
    freeze.put(client, FROZEN["stored"])
    publish(client, 9, "first")
    publish(client, 9, "second")
    publish(client, 9, "third")
    ModelStore(client, SECRET).promote(9, 2)
    ModelStore(client, SECRET).delete_version(9, 3)
    Publications(client, SECRET).keep_explanations(ModelStore(client, SECRET).record(9, 1), {"kept": 1})
    publish(client, "going", "on", provisional=True)
    publish(client, "theirs", "theirs", namespace="other")
    return client


@pytest.fixture
def void(servers):
    """A client of the empty server."""
    client = servers[1].client()
    client.flushall()
    return client


def publish(client, name, job, namespace="default", size=100, **changes):
    """Publish a few bytes."""
    artifact = Artifact({"format": "none"}, {"estimator": job.encode() * size})
    record = a_record(name, job_id=job, **changes)
    return Publications(client, SECRET, namespace).publish(Version(record, artifact, {"told": job}))


@pytest.fixture(scope="module")
def exported(full, tmp_path_factory):
    """The file."""
    path = tmp_path_factory.mktemp("export") / "models.export"
    assert export_models(full, SECRET, path) == 0
    return path


def everything(client, namespace="default"):
    """Return all that a caller can read of finished versions."""
    store = ModelStore(client, SECRET, namespace)
    return {
        (record.pipeline_id, record.version): (
            record,
            store.artifact(record.pipeline_id, record.version),
            store.report(record.pipeline_id, record.version),
            store.explanations(record.pipeline_id, record.version),
            store.current(record.pipeline_id),
            store.scores([str(record.pipeline_id)]),
        )
        for name in [model.pipeline_id for model in store.models()]
        for record in store.versions(name)
        if not record.provisional
    }


def test_what_is_restored_into_an_empty_store_is_what_was_there(full, void, exported):
    assert import_models(void, SECRET, exported) == 0
    assert everything(void) == everything(full)
    assert everything(void, "other") == everything(full, "other")
    assert len(everything(void)) > 5
    # Not what was still trained, whose training goes on elsewhere.
    assert "going" not in {name for name, _ in everything(void)}


def test_restored_models_predict_the_same(full, void, exported, servers, tmp_path):
    import_models(void, SECRET, exported)
    webs = [create_app(Settings(redis_url=server.url, data_dir=tmp_path, signing_secret=SECRET)) for server in servers]
    for one in FROZEN["answers"]:
        before, after = (web.test_client().post("/serve_prediction", json=one["asked"]) for web in webs)
        assert before.get_json() == one["answer"]
        assert after.data == before.data


def test_a_number_that_was_given_is_not_given_again(void, exported):
    import_models(void, SECRET, exported)
    # Of the third version, which was deleted, nothing is in the file: numbers go on from what is.
    assert publish(void, 9, "next").version == 3
    assert ModelStore(void, SECRET).current(9) == 3


def test_done_twice_is_done_once(void, exported, capsys):
    import_models(void, SECRET, exported)
    before = everything(void)
    capsys.readouterr()
    assert import_models(void, SECRET, exported) == 0
    assert capsys.readouterr().out.startswith("0 of ")
    assert everything(void) == before


def test_a_store_in_use_keeps_its_own(void, exported):
    publish(void, "own", "own")
    import_models(void, SECRET, exported)
    assert ModelStore(void, SECRET).current("own") == 1


def test_another_version_under_the_same_number_is_not_overwritten(void, exported):
    publish(void, 9, "of another life")
    with pytest.raises(RestoreError, match="has another version 1 already"):
        import_models(void, SECRET, exported)
    assert ModelStore(void, SECRET).artifact(9, 1).parts["estimator"].startswith(b"of another life")


def test_what_is_damaged_is_repaired(void, exported, full):
    import_models(void, SECRET, exported)
    void.set(Keys().artifact("birds", 1), b"damaged")
    assert import_models(void, SECRET, exported) == 0
    assert ModelStore(void, SECRET).artifact("birds", 1) == ModelStore(full, SECRET).artifact("birds", 1)


@pytest.mark.parametrize("kind", ["changed", "cut", "longer", "empty"])
def test_a_file_that_was_changed_is_refused_and_nothing_is_stored(void, exported, tmp_path, kind):
    whole = exported.read_bytes()
    path = tmp_path / "changed"
    for place in range(0, len(whole), len(whole) // 37):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes({"changed": bytes(data), "cut": whole[:place], "longer": whole + b"\0", "empty": b""}[kind])
        with pytest.raises(RestoreError, match="was not written by an export with this SIGNING_SECRET"):
            import_models(void, SECRET, path)
    assert void.dbsize() == 0


def test_a_file_of_another_secret_is_refused_and_of_a_replaced_one_restored(void, exported):
    with pytest.raises(RestoreError, match="SIGNING_SECRET"):
        import_models(void, OTHER, exported)
    assert void.dbsize() == 0
    assert import_models(void, f"{OTHER},{SECRET}", exported) == 0
    # It is signed by the new one: the old one is needed no more.
    assert ModelStore(void, OTHER).artifact(9, 2).parts


def test_the_file_is_its_owners_alone_and_whole_or_not_there(full, exported, tmp_path):
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert list(exported.parent.iterdir()) == [exported]
    (tmp_path / "here.part").symlink_to(exported)
    size = exported.stat().st_size
    export_models(full, SECRET, tmp_path / "here")
    assert exported.stat().st_size == size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "here.part"]


def test_what_cannot_be_read_is_left_out_and_told(void, exported, tmp_path, capsys):
    import_models(void, SECRET, exported)
    void.delete(Keys().artifact("birds", 1))
    assert export_models(void, SECRET, tmp_path / "part") == 1
    assert "left out: birds version 1: " in capsys.readouterr().err
    void.flushall()
    assert import_models(void, SECRET, tmp_path / "part") == 0
    assert ("birds", 1) not in everything(void)
    assert ("doubles", 1) in everything(void)


@pytest.mark.parametrize("current", [None, b"\xff"])
def test_of_a_model_whose_current_version_is_not_known_all_are_exported(void, exported, tmp_path, current):
    import_models(void, SECRET, exported)
    whole = {key: told[:4] for key, told in everything(void).items()}
    if current is None:
        void.hdel(Keys().model("birds"), "current")
    else:
        void.hset(Keys().model("birds"), "current", current)
    assert export_models(void, SECRET, tmp_path / "again") == 0
    void.flushall()
    import_models(void, SECRET, tmp_path / "again")
    assert {key: told[:4] for key, told in everything(void).items()} == whole


@pytest.mark.parametrize("name", ["", "..", "folder", "pipe"])
def test_what_is_no_file_is_not_replaced(void, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RestoreError, match=r"^The file cannot be written: "):
        export_models(void, SECRET, Path(name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_of_two_exports_at_once_each_is_whole_and_the_last_has_the_name(full, void, tmp_path, monkeypatch):
    path, write = tmp_path / "models", archive._write

    def beside(file, client, secret, lost):
        monkeypatch.setattr(archive, "_write", write)
        assert export_models(client, secret, path) == 0
        assert import_models(void, secret, path) == 0
        return write(file, client, secret, lost)

    monkeypatch.setattr(archive, "_write", beside)
    assert export_models(full, SECRET, path) == 0
    assert import_models(void, SECRET, path) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(void, tmp_path):
    with pytest.raises(RestoreError, match="cannot be written: No such file"):
        export_models(void, SECRET, tmp_path / "none" / "models.export")


def command(*words, **environment):
    """Begin a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env={**os.environ, "SIGNING_SECRET": SECRET, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_commands_work_on_a_redis_and_on_a_data_folder(servers, full, void, short_folder, tmp_path):
    path = str(tmp_path / "file")
    out, _ = command("export", path, REDIS_URL=servers[0].url).communicate()
    assert "versions were written" in out
    folder = str(short_folder / "of-import")
    done = command("import", path, DATA_DIR=folder)
    assert "versions were stored" in done.communicate()[0]
    assert done.returncode == 0
    refused = command("import", str(tmp_path / "nothing"), DATA_DIR=folder)
    assert refused.communicate()[0] == "The file cannot be read: No such file or directory.\n"
    assert refused.returncode == 1
    # And on a folder that is in use, without a word of where its Redis is.
    running = EmbeddedRedis(short_folder / "of-import")
    running.start()
    again = command("export", str(tmp_path / "again"), DATA_DIR=folder)
    again.communicate()
    assert running.alive
    running.stop()
    import_models(void, SECRET, tmp_path / "again")
    assert everything(void) == everything(full)


def test_an_import_that_was_killed_is_completed_by_another(servers, void, tmp_path):
    source, path = servers[1].client(), tmp_path / "many"
    for number in range(60):
        publish(source, f"m{number:02}", "job" + str(number), size=200_000)
    export_models(source, SECRET, path)
    expected = everything(source)
    void.flushall()
    first = command("import", str(path), REDIS_URL=servers[1].url)
    until(lambda: void.scard(Keys().models) > 2, "the first models")
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    halfway = void.scard(Keys().models)
    assert everything(void).items() <= expected.items()
    assert import_models(void, SECRET, path) == 0
    assert everything(void) == expected
    assert 2 < halfway < 60


def test_an_import_that_is_killed_in_the_midst_of_a_version_leaves_nothing_of_it(servers, void, short_folder, tmp_path):
    source, path = servers[1].client(), tmp_path / "large"
    publish(source, "large", "job", size=200_000)
    export_models(source, SECRET, path)
    expected = everything(source)
    void.flushall()

    def cut():
        importing.kill()
        raise ConnectionResetError

    # Redis has been sent all of the version but that it is to be done.
    with Wire(servers[1].url, short_folder, before={"EXEC": cut}) as wire:
        importing = command("import", str(path), REDIS_URL=wire.url)
        assert importing.wait(60) == -signal.SIGKILL
        importing.stdout.close()
    assert void.dbsize() == 0
    assert import_models(void, SECRET, path) == 0
    assert everything(void) == expected
