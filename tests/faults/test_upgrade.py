"""Stores that other releases have written: an earlier one is served as it was, and a later one breaks nothing."""

from __future__ import annotations

import gzip
import json
import logging
from dataclasses import asdict

import orjson
import pytest

from app.store.artifact import Artifact
from app.store.keys import Keys
from app.store.record import PROTOCOL, Record, Version
from app.store.signed import signed
from conftest import SECRET
from tests.store import freeze
from tests.store.making import a_record

FROZEN = [freeze.FOLDER / f"protocol-{number}.json.gz" for number in range(1, PROTOCOL + 1)]
KEYS = Keys()


def test_each_protocol_has_left_a_store():
    assert sorted(freeze.FOLDER.glob("protocol-*.json.gz")) == FROZEN


@pytest.fixture(params=FROZEN, ids=lambda path: path.name.partition(".")[0])
def frozen(request, client_of_redis):
    """What a release has stored is in Redis; returns what it answered."""
    found = json.loads(gzip.decompress(request.param.read_bytes()))
    freeze.put(client_of_redis, found["stored"])
    return found["answers"]


def test_models_of_an_earlier_release_answer_as_they_did(frozen, client):
    assert len(frozen) == len(freeze.ASKED)
    for one in frozen:
        answer = client.post("/serve_prediction", json=one["asked"])
        assert (answer.status_code, answer.get_json()) == (200, one["answer"])


def test_all_that_an_earlier_release_has_stored_is_shown(frozen, client, store):
    listed = client.get("/models").get_json()
    assert set(listed) == set(map(str, freeze.ASKED))
    assert [record.version for record in store.versions(7)] == [1, 2]
    assert store.current(7) == 1
    assert store.explanations("birds", 1) == {"kept": True}
    assert store.scores(["7"])["7"]
    for name in freeze.ASKED:
        for path in ("", "/versions/1", "/versions/1/report", "/versions/1/artifact"):
            assert client.get(f"/models/{name}{path}").status_code == 200


def test_an_earlier_release_s_versions_are_promoted_published_after_and_deleted(frozen, client, store, publications):
    assert client.put("/models/7/current", json={"version": 2}).status_code == 200
    more = Version(a_record("doubles", job_id="a later one"), Artifact({"format": "none"}, {}), {})
    assert publications.publish(more).version == 2
    assert client.delete("/models/7/versions/1").status_code == 204
    assert client.delete("/models/birds").status_code == 204
    assert {record.pipeline_id for record in store.models()} == {7, "doubles", "waves"}


@pytest.fixture
def filled(client_of_redis):
    """The models of this release."""
    freeze.put(client_of_redis, json.loads(gzip.decompress(FROZEN[-1].read_bytes()))["stored"])
    return client_of_redis


def later(record, **changes):
    """Return a record as a later release would sign it."""
    data = orjson.dumps(asdict(record) | {"protocol": PROTOCOL + 1, **changes}, option=orjson.OPT_NON_STR_KEYS)
    return signed(KEYS.record(record.pipeline_id, record.version), data, SECRET)


@pytest.mark.parametrize("form", ["a record of a later protocol", "a later form of signature"])
def test_what_a_later_release_has_written_is_refused_and_all_else_goes_on(filled, client, store, caplog, form):
    record = store.record("birds")
    data = later(record, columns=[1]) if form == "a record of a later protocol" else b"signed 2\n" + bytes(64)
    filled.hset(KEYS.records("birds"), "1", data)
    for path in ("/models/birds", "/models/birds/versions/1"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["type"]) == (503, "urn:problem:record-too-new")
        assert "Retry-After" in answer.headers
    with caplog.at_level(logging.WARNING):
        listed = client.get("/models").get_json()
    assert set(listed) == {"7", "doubles", "waves"}
    assert "left out of a list: record-too-new" in caplog.text
    asked = {"pipeline_id": "doubles", "data": freeze.ASKED["doubles"]}
    assert client.post("/serve_prediction", json=asked).status_code == 200
    refused = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": freeze.ASKED["birds"]})
    assert refused.status_code == 503


def test_a_new_record_cannot_pass_for_an_old_one_without_a_signature(filled, client, store):
    filled.hset(KEYS.records("birds"), "1", store.record("birds").to_bytes())
    assert client.get("/models/birds").get_json()["type"] == "urn:problem:record-damaged"


def test_a_name_that_a_later_release_adds_does_no_harm(filled, store):
    record = store.record("birds")
    data = orjson.dumps(asdict(record) | {"flavour": "new"}, option=orjson.OPT_NON_STR_KEYS)
    filled.hset(KEYS.records("birds"), "1", signed(KEYS.record("birds", 1), data, SECRET))
    assert isinstance(store.record("birds"), Record)


def test_an_artefact_of_a_later_form_is_refused(filled, client):
    filled.set(KEYS.artifact("birds", 1), b"automl artefact 2\n" + bytes(500))
    refused = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": freeze.ASKED["birds"]})
    assert (refused.status_code, refused.get_json()["type"]) == (503, "urn:problem:artifact-rejected")
