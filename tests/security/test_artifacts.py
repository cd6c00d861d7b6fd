"""What a writer to Redis can do to stored models: be refused. Nothing of his runs, and no wrong number is answered."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import zipfile
from dataclasses import replace

import pytest

from app.errors import ArtifactRejected
from app.jobs.records import JobRecords
from app.store.artifact import Artifact, seal, unseal
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from app.store.signed import signed
from conftest import SECRET
from tests.store import freeze
from tests.store.making import a_record

KEYS = Keys()
THEIRS = "the secret of somebody else, who writes to Redis"
ROWS = freeze.ASKED[7]

#: Every way to have a model of the store loaded.
WAYS = {
    "a prediction": ("/serve_prediction", {"pipeline_id": 7, "data": ROWS}),
    "an explanation": ("/explain", {"pipeline_id": 7, "method": "lime", "data": ROWS}),
    "V1": ("/v1/models/7:predict", {"instances": ROWS}),
    "V2": (
        "/v2/models/7/infer",
        {
            "inputs": [
                {"name": "a", "shape": [1], "datatype": "FP64", "data": [1.0]},
                {"name": "b", "shape": [1], "datatype": "FP64", "data": [0.25]},
            ]
        },
    ),
    "an invocation": ("/models/7/invocations", {"dataframe_records": ROWS}),
    "the network": ("/models/7/versions/1/network", None),
    "rows of the training": ("/models/7/rows", None),
}


class Canary:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.fixture
def canary(tmp_path):
    """A pickle that leaves a file, and that file."""
    path = tmp_path / "canary"
    data = pickle.dumps(Canary(path))
    pickle.loads(data)  # noqa: S301  it is our own, to see that it works
    assert path.exists(), "the canary sings where it is let"
    path.unlink()
    return data, path


@pytest.fixture
def filled(client_of_redis):
    """Models of this release in Redis."""
    stored = json.loads(gzip.decompress(sorted(freeze.FOLDER.glob("*.gz"))[-1].read_bytes()))["stored"]
    freeze.put(client_of_redis, stored)
    return client_of_redis


def ask(client, way):
    """Ask for a model that has to be loaded."""
    path, body = way
    return client.get(path) if body is None else client.post(path, json=body)


def refused(answer):
    """Check that an answer is a refusal of what is stored, in plain words."""
    assert answer.status_code == 503, answer.text
    assert "does not verify" in answer.text or "damaged" in answer.text
    for told in ("Traceback", "pickle", "/app/", SECRET):
        assert told not in answer.text


def zipped(manifest, **parts):
    """Return an artefact without its signature."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **parts}.items():
            archive.writestr(name, data)
    return packed.getvalue()


def forgeries(data, manifest):
    """Return artefacts that hold a pickle, each made without the secret."""
    inner = {"original": data, "estimator": data, "pipeline": data, "compiled": data, "background": data}
    whole = zipped(manifest, **inner)
    return {
        "the pickle itself": data,
        "an unsigned zip": whole,
        "a zip behind 32 zeros": bytes(32) + whole,
        "a zip behind its digest": hashlib.sha256(whole).digest() + whole,
        "signed with another secret": seal(Artifact(manifest, inner), 7, 1, THEIRS),
    }


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_pickle_in_the_place_of_a_model_is_refused_and_not_run(filled, client, canary, way, store):
    manifest = dict(store.artifact(7, 1).manifest) | {"format": "pickle"}
    for forged in forgeries(canary[0], manifest).values():
        filled.set(KEYS.artifact(7, 1), forged)
        # A cunning one also changes what is told of it.
        filled.hset(KEYS.model(7), "1", hashlib.sha256(forged).hexdigest())
        refused(ask(client, way))
        assert not canary[1].exists()
    assert client.get("/health/live").status_code == 200


def test_a_pickle_with_a_record_that_names_it_is_refused_too(filled, client, canary, store):
    manifest = dict(store.artifact(7, 1).manifest) | {"format": "pickle"}
    for forged in forgeries(canary[0], manifest).values():
        digest = hashlib.sha256(forged).hexdigest()
        record = replace(store.record(7, 1), artifact={"format": "pickle", "bytes": 1, "sha256": digest})
        old = replace(record, protocol=1)
        for stored in (record.to_bytes(), old.to_bytes(), record.signed(KEYS.record(7, 1), THEIRS)):
            filled.set(KEYS.artifact(7, 1), forged)
            filled.hset(KEYS.records(7), "1", stored)
            filled.hset(KEYS.model(7), "1", digest)
            refused(ask(client, WAYS["a prediction"]))
            assert not canary[1].exists()
        publish_back(filled, store)


def publish_back(filled, store):
    """Put the models back as they were."""
    stored = json.loads(gzip.decompress(sorted(freeze.FOLDER.glob("*.gz"))[-1].read_bytes()))["stored"]
    freeze.put(filled, stored)
    assert store.artifact(7, 1)


@pytest.mark.parametrize("place", [0, 31, 32, 40, 1000, -30, -1])
def test_a_flipped_bit_is_refused(filled, client, place):
    sealed = bytearray(filled.get(KEYS.artifact(7, 1)))
    sealed[place] ^= 4
    filled.set(KEYS.artifact(7, 1), bytes(sealed))
    refused(ask(client, WAYS["a prediction"]))


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 1000, -1])
def test_a_cut_artefact_is_refused(filled, client, length):
    filled.set(KEYS.artifact(7, 1), filled.get(KEYS.artifact(7, 1))[:length])
    answer = ask(client, WAYS["a prediction"])
    assert answer.status_code == 503


def test_models_that_were_swapped_are_refused(filled, client):
    one, other = filled.get(KEYS.artifact(7, 1)), filled.get(KEYS.artifact("doubles", 1))
    filled.set(KEYS.artifact(7, 1), other)
    filled.set(KEYS.artifact("doubles", 1), one)
    filled.hset(KEYS.model(7), "1", hashlib.sha256(other).hexdigest())
    refused(ask(client, WAYS["a prediction"]))
    refused(client.post("/serve_prediction", json={"pipeline_id": "doubles", "data": ROWS}))


def test_a_version_in_the_place_of_another_is_refused_with_its_record_too(filled, client):
    for hash_key in (KEYS.records(7), KEYS.model(7)):
        filled.hset(hash_key, "1", filled.hget(hash_key, "2"))
    filled.set(KEYS.artifact(7, 1), filled.get(KEYS.artifact(7, 2)))
    refused(ask(client, WAYS["a prediction"]))


def test_a_model_in_another_namespace_is_refused(filled, client):
    theirs = Keys("theirs")
    filled.sadd(theirs.models, "7")
    for mine, other in ((KEYS.records(7), theirs.records(7)), (KEYS.model(7), theirs.model(7))):
        filled.hset(other, mapping=filled.hgetall(mine))
    filled.set(theirs.artifact(7, 1), filled.get(KEYS.artifact(7, 1)))
    store = ModelStore(filled, SECRET, "theirs")
    assert store.models() == []
    # Nor with a record of the first protocol, which has no signature.
    record = replace(ModelStore(filled, SECRET).record(7, 1), protocol=1)
    filled.hset(theirs.records(7), "1", record.to_bytes())
    with pytest.raises(ArtifactRejected):
        store.artifact(7, 1)


def test_what_was_published_before_under_the_same_number_is_not_served_again(client_of_redis, publications, store):
    def publish(content, provisional):
        artifact = Artifact({"format": "none"}, {"estimator": content})
        record = a_record("replayed", job_id="one", provisional=provisional)
        return publications.publish(Version(record, artifact, {}))

    publish(b"first", provisional=True)
    earlier = client_of_redis.get(KEYS.artifact("replayed", 1))
    assert publish(b"final", provisional=False).version == 1
    assert store.artifact("replayed", 1).parts["estimator"] == b"final"
    client_of_redis.set(KEYS.artifact("replayed", 1), earlier)
    client_of_redis.hset(KEYS.model("replayed"), "1", hashlib.sha256(earlier).hexdigest())
    # It is ours, and of this number.
    assert unseal(earlier, "replayed", 1, SECRET)
    with pytest.raises(ArtifactRejected):
        store.artifact("replayed", 1)


@pytest.mark.parametrize("path", ["/models/told/versions/1/report", "/models/told/versions/1/code", "/models/told"])
def test_a_report_that_was_changed_is_refused(client_of_redis, publications, client, path):
    tell(publications)
    key = KEYS.report("told", 1)
    stored = client_of_redis.get(key)
    assert client.get(path).status_code == 200
    changes = [
        stored.replace(b"print(1)", b"evil(1)!"),
        signed(key, b'{"code": "evil()"}', THEIRS),
        signed(KEYS.report("told", 2), b'{"code": "evil()"}', SECRET),
        stored[:-1],
        b"signed 1\n",
    ]
    for changed in changes:
        client_of_redis.set(key, changed)
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["type"]) == (503, "urn:problem:record-damaged")
        assert "evil" not in answer.text


def tell(publications):
    """Publish a version whose report has code."""
    report = {"leaderboard": [], "code": "print(1)"}
    publications.publish(Version(a_record("told", job_id="told"), Artifact({"format": "none"}, {}), report))


def test_code_that_nobody_has_signed_is_not_handed_out(client_of_redis, publications, client):
    """A report from before reports were signed is shown, but for what a user would run."""
    tell(publications)
    client_of_redis.set(KEYS.report("told", 1), b'{"leaderboard": [], "code": "import os; evil()"}')
    assert client.get("/models/told/versions/1/report").status_code == 200
    answer = client.get("/models/told/versions/1/code")
    assert answer.status_code == 404
    assert "evil" not in answer.text


def test_explanations_of_another_model_are_refused(filled, client_of_redis, publications, store, client):
    tell(publications)
    publications.keep_explanations(store.record("told"), {"kept": "those"})
    assert store.explanations("told", 1) == {"kept": "those"}
    client_of_redis.set(KEYS.explanations("told", 1), filled.get(KEYS.explanations("birds", 1)))
    assert client.get("/models/told/explanations").status_code == 503


def test_rows_of_a_leaderboard_are_not_swapped(client_of_redis):
    records = JobRecords(client_of_redis, SECRET, 7)
    for name in ("good", "bad"):
        records.add_row("job", name, Artifact({"name": name, "score": 1.0}, {"pipeline": name.encode()}))
    key = "automl:job:job:rows"
    (one, other) = client_of_redis.hkeys(key)
    values = client_of_redis.hmget(key, one, other)
    assert records.row("job", "good").parts["pipeline"] == b"good"
    client_of_redis.hset(key, mapping={one: values[1], other: values[0]})
    for read in (lambda: records.row("job", "good"), lambda: records.rows("job")):
        with pytest.raises(ArtifactRejected):
            read()
    assert records.manifests("job") == []


def test_a_secret_is_replaced_and_the_old_one_is_worth_nothing_after(filled, settings):
    from app import create_app

    new = "the one that signs from now on and without a comma"

    def status(secret):
        app = create_app(settings.model_copy(update={"signing_secret": secret}))
        return ask(app.test_client(), WAYS["a prediction"]).status_code

    assert status(SECRET) == 200
    assert status(f"{new},{SECRET}") == 200
    assert status(new) == 503
    both = f"{new},{SECRET}"
    Publications(filled, both).publish(Version(a_record("later", job_id="l"), Artifact({"format": "none"}, {}), {}))
    assert ModelStore(filled, new).artifact("later", 1).manifest["format"] == "none"
