"""The model store on a real Redis: versions, the current one, and what is left when they go."""

import hashlib
from dataclasses import replace

import pytest

from app.errors import (
    ArtifactRejected,
    ModelNotFound,
    StaleVersion,
    StillTraining,
    StoreUnavailable,
    VersionInUse,
    VersionNotFound,
)
from app.store.connection import connect
from app.store.embedded import EmbeddedRedis
from app.store.record import Version
from app.store.redis import ModelStore


def test_versions_are_numbered_from_one_and_the_last_is_current(store, publish):
    assert [publish().version for _ in range(3)] == [1, 2, 3]
    assert store.current("penguins") == 3
    assert [record.version for record in store.versions("penguins")] == [1, 2, 3]


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
    assert found.manifest == artifact.manifest | {"pipeline_id": "penguins", "version": 1}


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


def test_an_empty_store_has_no_models(store):
    assert store.models() == []


def test_a_job_that_publishes_again_gets_the_version_of_the_first_time(store, make_record, artifact):
    first = store.publish(Version(make_record(job_id="same"), artifact, {}))
    again = store.publish(Version(make_record(job_id="same", seed=9), artifact, {}))
    assert again == first == store.published_by("same")
    assert len(store.versions("penguins")) == 1


def test_a_job_has_published_nothing_before_and_nothing_once_its_version_is_deleted(store, publish):
    assert store.published_by("job0") is None
    publish()
    publish()
    store.delete_version("penguins", 1)
    assert store.published_by("job0") is None
    assert store.published_by("job1").version == 2


def test_a_publication_leaves_current_a_later_version_that_is_current_already(store, publish, client_of_redis):
    publish()
    client_of_redis.hset("automl:model:penguins", "current", 5)
    assert publish().version == 2
    assert store.current("penguins") == 5


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


def test_numbers_are_never_given_again(store, publish):
    publish()
    publish()
    store.delete("penguins")
    assert publish().version == 3
    publish()
    store.delete_version("penguins", 3)
    assert publish().version == 5


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


def test_every_question_to_a_stopped_redis_says_unavailable(short_folder, make_record, artifact):
    server = EmbeddedRedis(short_folder / "stopped")
    server.start()
    client = connect(server.url)
    store = ModelStore(client, "secret")
    store.publish(Version(make_record(), artifact, {}))
    server.stop()
    for ask in (
        store.ping,
        store.models,
        lambda: store.publish(Version(make_record(job_id="other"), artifact, {})),
        lambda: store.published_by("job"),
        lambda: store.current("penguins"),
        lambda: store.record("penguins"),
        lambda: store.artifact("penguins", 1),
        lambda: store.versions("penguins"),
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


def provisional(make_record, artifact, job_id, **changes):
    return Version(make_record(job_id=job_id, provisional=True, **changes), artifact, {"leaderboard": []})


def test_the_first_provisional_version_is_served_and_replaced_under_its_number(store, make_record, artifact):
    first = store.publish(provisional(make_record, artifact, "job"))
    assert (first.version, store.current("penguins"), store.record("penguins").provisional) == (1, 1, True)
    before = store.digest("penguins", 1)
    better = replace(artifact, parts={**artifact.parts, "estimator": b"better"})
    assert store.publish(provisional(make_record, better, "job", seed=3)).version == 1
    assert store.record("penguins").seed == 3
    assert store.artifact("penguins", 1).parts["estimator"] == b"better"
    # Whoever has loaded the first one sees that it was replaced.
    assert store.digest("penguins", 1) != before
    final = store.publish(Version(make_record(job_id="job", seed=4), artifact, {"leaderboard": [1]}))
    assert (final.version, final.provisional, len(store.versions("penguins"))) == (1, False, 1)
    assert store.report("penguins", 1) == {"leaderboard": [1]}


def test_a_provisional_version_does_not_take_the_place_of_a_finished_one(store, publish, make_record, artifact):
    publish()
    store.publish(provisional(make_record, artifact, "late"))
    assert store.current("penguins") == 1
    store.publish(Version(make_record(job_id="late"), artifact, {}))
    assert store.current("penguins") == 2


def test_a_provisional_version_is_not_promoted(store, publish, make_record, artifact):
    publish()
    store.publish(provisional(make_record, artifact, "late"))
    with pytest.raises(StillTraining):
        store.promote("penguins", 2)
    store.conclude("late", "time limit")
    store.promote("penguins", 1)
    store.promote("penguins", 2)


def test_a_stopped_training_leaves_its_best_as_a_version_like_any_other(store, publish, make_record, artifact):
    publish()
    store.publish(provisional(make_record, artifact, "late"))
    concluded = store.conclude("late", "time limit")
    assert (concluded.version, concluded.provisional, concluded.result["stopped"]) == (2, False, "time limit")
    assert store.current("penguins") == 2
    assert store.record("penguins", 2) == concluded
    assert store.conclude("late", "again").result["stopped"] == "time limit"
    assert store.conclude("never", "time limit") is None


def test_what_was_withdrawn_leaves_the_registry_as_it_was(store, publish, make_record, artifact, client_of_redis):
    publish()
    before = {key: client_of_redis.type(key) for key in client_of_redis.scan_iter() if key != b"automl:latest"}
    store.publish(provisional(make_record, artifact, "late"))
    store.withdraw("late")
    after = {key: client_of_redis.type(key) for key in client_of_redis.scan_iter() if key != b"automl:latest"}
    assert after == before
    assert (store.current("penguins"), len(store.versions("penguins"))) == (1, 1)
    store.withdraw("late")
    store.withdraw("never")


def test_a_pipeline_whose_only_version_was_withdrawn_is_gone(store, make_record, artifact, client_of_redis):
    store.publish(provisional(make_record, artifact, "job"))
    store.withdraw("job")
    assert store.models() == []
    assert client_of_redis.keys() == [b"automl:latest"]
    with pytest.raises(ModelNotFound):
        store.current("penguins")


def test_a_finished_version_is_not_withdrawn(store, make_record, artifact):
    store.publish(Version(make_record(job_id="job"), artifact, {}))
    store.withdraw("job")
    assert store.current("penguins") == 1


def test_a_deleted_provisional_version_is_not_taken_up_again_under_its_number(store, publish, make_record, artifact):
    publish()
    store.publish(provisional(make_record, artifact, "late"))
    store.delete_version("penguins", 2)
    assert store.publish(Version(make_record(job_id="late"), artifact, {})).version == 3


def test_a_version_from_before_digests_has_one(store, publish, client_of_redis):
    published = publish()
    client_of_redis.hdel("automl:model:penguins", "1")
    assert store.digest("penguins", 1) == published.artifact["sha256"]
    with pytest.raises(VersionNotFound):
        store.digest("penguins", 2)
