"""The model store on a real Redis: versions, the current one, and what is left when they go."""

import hashlib

import pytest

from app.errors import (
    ArtifactRejected,
    ModelNotFound,
    RecordDamaged,
    StaleVersion,
    StillTraining,
    StoreUnavailable,
    VersionInUse,
    VersionNotFound,
)
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore


def test_versions_beyond_nine_are_ordered_as_numbers(store, publish):
    for _ in range(11):
        publish()
    assert [record.version for record in store.versions("penguins")] == list(range(1, 12))


def test_a_record_and_its_artefact_come_back_as_they_were_published(store, publish, artifact):
    published = publish(seed=7)
    assert store.record("penguins") == store.record("penguins", 1) == published
    assert (published.seed, published.result["version"]) == (7, 1)
    found = store.artifact("penguins", 1)
    assert found.parts == artifact.parts
    assert found.manifest == artifact.manifest | {"namespace": "default", "pipeline_id": "penguins", "version": 1}


def test_a_record_tells_format_size_and_hash_of_its_artefact(publish, client_of_redis):
    described = publish().artifact
    sealed = client_of_redis.get("automl:artifact:penguins:1")
    assert described == {"format": "none", "bytes": len(sealed), "sha256": hashlib.sha256(sealed).hexdigest()}


def test_an_integer_id_is_kept_as_one_and_found_as_text(store, publish):
    publish(2)
    assert store.record("2").pipeline_id == 2
    assert store.current(2) == store.current("2") == 1


def test_the_models_are_the_current_records_ordered_by_id(store, publish):
    for pipeline_id in ("b", "a", "b"):
        publish(pipeline_id)
    assert [(record.pipeline_id, record.version) for record in store.models()] == [("a", 1), ("b", 2)]
    store.promote("b", 1)
    assert [(record.pipeline_id, record.version) for record in store.models()] == [("a", 1), ("b", 1)]


def test_the_scores_of_all_versions_are_there_without_their_records(store, publish):
    scored = {"result": {"metric": "roc_auc"}, "metrics": {"roc_auc": {"mean": 0.9, "std": 0.1}}}
    for _ in range(10):
        publish(**scored)
    publish("unscored")
    store.delete_version("penguins", 2)
    found = store.scores(["penguins", "unscored", "none"])
    assert [one["version"] for one in found["penguins"]] == [1, *range(3, 11)]
    assert found["penguins"][0] == {"version": 1, "metric": "roc_auc", "mean": 0.9, "std": 0.1}
    assert found["unscored"] == [{"version": 1, "metric": None, "mean": None, "std": None}]
    assert found["none"] == []


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (b"one", b'{"metric":"roc_auc","mean":0.9,"std":0.1}'),
        (b"1", b'{"mdtric":"roc_auc","mean":0.9,"std":0.1}'),
        (b"1", b'{"metric":"roc_auc","mean":"0.9","std":0.1}'),
        (b"1", b'{"metric":"roc_auc","mean":0.9,"std":[]}'),
        (b"1", b'{"metric":"roc_auc","mean":0,9,"std":0.1}'),
        (b"1", b"[]"),
        (b"1", b"\xff"),
    ],
)
def test_scores_that_are_not_as_they_were_written_are_left_out(store, publish, client_of_redis, number, written):
    publish("scored", result={"metric": "roc_auc"}, metrics={"roc_auc": {"mean": 0.9, "std": 0.1}})
    client_of_redis.delete(Keys().scores("scored"))
    client_of_redis.hset(Keys().scores("scored"), number, written)
    assert store.scores(["scored"]) == {"scored": []}


def test_an_empty_store_has_no_models(store):
    assert store.models() == []


def test_promotion_makes_an_older_version_current(store, publish):
    publish()
    publish()
    store.promote("penguins", 1)
    assert store.current("penguins") == store.record("penguins").version == 1


def test_promotion_compares_before_it_sets(store, publish):
    publish()
    publish()
    with pytest.raises(StaleVersion):
        store.promote("penguins", 1, expected=1)
    assert store.current("penguins") == 2
    store.promote("penguins", 1, expected=2)
    assert store.current("penguins") == 1


def test_deleting_a_model_leaves_nothing_but_its_last_number(store, publish, client_of_redis):
    publish()
    publish()
    publish("other")
    store.delete("penguins")
    assert not [key for key in client_of_redis.scan_iter() if b":penguins" in key]
    assert [record.pipeline_id for record in store.models()] == ["other"]


def test_deleting_a_version_leaves_the_others(store, publish, client_of_redis):
    publish()
    publish()
    store.delete_version("penguins", 1)
    assert [record.version for record in store.versions("penguins")] == [2]
    assert not client_of_redis.exists("automl:artifact:penguins:1")
    with pytest.raises(VersionNotFound):
        store.artifact("penguins", 1)


def test_the_current_version_is_not_deleted(store, publish):
    publish()
    with pytest.raises(VersionInUse):
        store.delete_version("penguins", 1)
    assert store.artifact("penguins", 1)


@pytest.mark.parametrize("act", ["current", "record", "versions", "delete"])
def test_a_model_that_is_not_there_is_not_found(store, act):
    with pytest.raises(ModelNotFound):
        getattr(store, act)("nope")


@pytest.mark.parametrize("act", ["record", "artifact", "promote", "delete_version"])
@pytest.mark.parametrize("version", [0, 2])
def test_a_version_that_is_not_there_is_not_found(store, publish, act, version):
    with pytest.raises(ModelNotFound):
        getattr(store, act)("nope", version)
    publish()
    with pytest.raises(VersionNotFound):
        getattr(store, act)("penguins", version)


def test_an_artefact_put_in_anothers_place_is_rejected(store, publish, client_of_redis):
    publish()
    publish()
    client_of_redis.copy("automl:artifact:penguins:1", "automl:artifact:penguins:2", replace=True)
    with pytest.raises(ArtifactRejected):
        store.artifact("penguins", 2)


def test_the_bytes_of_a_version_are_given_out_only_as_its_record_tells_of_them(store, publish, client_of_redis):
    publish(7)
    sealed = store.sealed(7, 1)
    client_of_redis.set(Keys().artifact(7, 1), sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(ArtifactRejected):
        store.sealed(7, 1)


@pytest.mark.parametrize("damaged", [b"3", b"q"])
def test_a_current_version_that_there_is_not_is_damage(store, publish, client_of_redis, damaged):
    publish(7)
    publish(7)
    assert store.current_on_record(7) == 2
    client_of_redis.hset(Keys().model(7), "current", damaged)
    with pytest.raises(RecordDamaged):
        store.current_on_record(7)


def test_every_question_to_a_stopped_redis_says_unavailable(short_folder, make_record, artifact):
    server = EmbeddedRedis(short_folder / "stopped")
    server.start()
    client = connect(server.url)
    store, publications = ModelStore(client, "secret"), Publications(client, "secret")
    publications.publish(Version(make_record(), artifact, {}))
    server.stop()
    for ask in (
        store.ping,
        store.models,
        lambda: publications.publish(Version(make_record(job_id="other"), artifact, {})),
        lambda: publications.published_by("job"),
        lambda: publications.conclude("job", "time limit"),
        lambda: publications.withdraw("job"),
        lambda: store.current("penguins"),
        lambda: store.record("penguins"),
        lambda: store.artifact("penguins", 1),
        lambda: store.versions("penguins"),
        lambda: store.scores(["penguins"]),
        lambda: store.promote("penguins", 1),
        lambda: store.delete("penguins"),
        lambda: store.delete_version("penguins", 1),
    ):
        with pytest.raises(StoreUnavailable):
            ask()
    server.start()
    assert store.current("penguins") == 1, "what was acknowledged is there after a clean restart"
    client.close()
    server.stop()


def test_a_provisional_version_is_not_promoted(store, publications, publish):
    publish()
    publish(provisional=True)
    with pytest.raises(StillTraining):
        store.promote("penguins", 2)
    publications.conclude("job1", "time limit")
    store.promote("penguins", 1)
    store.promote("penguins", 2)


def test_a_version_from_before_digests_has_one(store, publish, client_of_redis):
    published = publish()
    client_of_redis.hdel("automl:model:penguins", "1")
    assert store.place("penguins", 1)[1] == published.artifact["sha256"]
    with pytest.raises(VersionNotFound):
        store.place("penguins", 2)


def test_the_place_of_a_version_is_right_whatever_was_thought_likely(store, publish):
    publish()
    publish()
    for likely in (None, 1, 2, 7):
        assert store.place("penguins", likely=likely) == store.place("penguins", 2)
        assert store.place("penguins", 1, likely=likely)[0] == 1
    store.promote("penguins", 1)
    assert store.place("penguins", likely=2)[0] == 1
    with pytest.raises(ModelNotFound):
        store.place("nobody")
    with pytest.raises(VersionNotFound):
        store.place("penguins", 7)
