"""What jobs publish, on a real Redis: numbers, provisional versions and their end, and what comes between."""

from dataclasses import replace

import pytest

from app.errors import ModelNotFound
from app.store.connection import connect
from app.store.publications import Publications
from app.store.record import Version
from conftest import SECRET
from tests.wire import Wire


def provisional(make_record, artifact, job_id, **changes):
    return Version(make_record(job_id=job_id, provisional=True, **changes), artifact, {"leaderboard": []})


def test_versions_are_numbered_from_one_and_the_last_is_current(store, publish):
    assert [publish().version for _ in range(3)] == [1, 2, 3]
    assert store.current("penguins") == 3
    assert [record.version for record in store.versions("penguins")] == [1, 2, 3]


def test_a_job_that_publishes_again_gets_the_version_of_the_first_time(store, publications, make_record, artifact):
    first = publications.publish(Version(make_record(job_id="same"), artifact, {}))
    again = publications.publish(Version(make_record(job_id="same", seed=9), artifact, {}))
    assert again == first == publications.published_by("same")
    assert len(store.versions("penguins")) == 1


def test_a_job_has_published_nothing_before_and_nothing_once_its_version_is_deleted(store, publications, publish):
    assert publications.published_by("job0") is None
    publish()
    publish()
    store.delete_version("penguins", 1)
    assert publications.published_by("job0") is None
    assert publications.published_by("job1").version == 2


def test_a_publication_leaves_current_a_later_version_that_is_current_already(store, publish, client_of_redis):
    publish()
    client_of_redis.hset("automl:model:penguins", "current", 5)
    assert publish().version == 2
    assert store.current("penguins") == 5


def test_a_version_that_is_not_to_be_promoted_leaves_current_what_is_but_is_the_first_of_its_id(
    store, publications, make_record, artifact, publish
):
    waits = {"promote": False}
    publications.publish(Version(make_record(job_id="first", parameters=waits), artifact, {}))
    assert store.current("penguins") == 1
    publications.publish(Version(make_record(job_id="second", parameters=waits), artifact, {}))
    publications.publish(provisional(make_record, artifact, "third", parameters=waits))
    publications.conclude("third", "cancelled")
    assert [record.version for record in store.versions("penguins")] == [1, 2, 3]
    assert store.current("penguins") == 1
    publish()
    assert store.current("penguins") == 4


def test_numbers_are_never_given_again(store, publish):
    publish()
    publish()
    store.delete("penguins")
    assert publish().version == 3
    publish()
    store.delete_version("penguins", 3)
    assert publish().version == 5


def test_the_first_provisional_version_is_served_and_replaced_under_its_number(
    store, publications, make_record, artifact
):
    first = publications.publish(provisional(make_record, artifact, "job"))
    assert (first.version, store.current("penguins"), store.record("penguins").provisional) == (1, 1, True)
    before = store.place("penguins", 1)[1]
    better = replace(artifact, parts={**artifact.parts, "estimator": b"better"})
    assert publications.publish(provisional(make_record, better, "job", seed=3)).version == 1
    assert store.record("penguins").seed == 3
    assert store.artifact("penguins", 1).parts["estimator"] == b"better"
    # Whoever has loaded the first one sees that it was replaced.
    assert store.place("penguins", 1)[1] != before
    final = publications.publish(Version(make_record(job_id="job", seed=4), artifact, {"leaderboard": [1]}))
    assert (final.version, final.provisional, len(store.versions("penguins"))) == (1, False, 1)
    assert store.report("penguins", 1) == {"leaderboard": [1]}


def test_a_provisional_version_does_not_take_the_place_of_a_finished_one(
    store, publications, publish, make_record, artifact
):
    publish()
    publications.publish(provisional(make_record, artifact, "late"))
    assert store.current("penguins") == 1
    publications.publish(Version(make_record(job_id="late"), artifact, {}))
    assert store.current("penguins") == 2


def test_a_stopped_training_leaves_its_best_as_a_version_like_any_other(
    store, publications, publish, make_record, artifact
):
    publish()
    publications.publish(provisional(make_record, artifact, "late"))
    concluded = publications.conclude("late", "time limit")
    assert (concluded.version, concluded.provisional, concluded.result["stopped"]) == (2, False, "time limit")
    assert store.current("penguins") == 2
    assert store.record("penguins", 2) == concluded
    assert publications.conclude("late", "again").result["stopped"] == "time limit"
    assert publications.conclude("never", "time limit") is None


def test_what_was_withdrawn_leaves_the_registry_as_it_was(
    store, publications, publish, make_record, artifact, client_of_redis
):
    publish()
    before = {key: client_of_redis.type(key) for key in client_of_redis.scan_iter() if key != b"automl:latest"}
    publications.publish(provisional(make_record, artifact, "late"))
    publications.withdraw("late")
    after = {key: client_of_redis.type(key) for key in client_of_redis.scan_iter() if key != b"automl:latest"}
    assert after == before
    assert (store.current("penguins"), len(store.versions("penguins"))) == (1, 1)
    publications.withdraw("late")
    publications.withdraw("never")


def test_a_pipeline_whose_only_version_was_withdrawn_is_gone(
    store, publications, make_record, artifact, client_of_redis
):
    publications.publish(provisional(make_record, artifact, "job"))
    publications.withdraw("job")
    assert store.models() == []
    assert client_of_redis.keys() == [b"automl:latest"]
    with pytest.raises(ModelNotFound):
        store.current("penguins")


def test_a_finished_version_is_not_withdrawn(store, publications, make_record, artifact):
    publications.publish(Version(make_record(job_id="job"), artifact, {}))
    publications.withdraw("job")
    assert store.current("penguins") == 1


def test_a_deleted_provisional_version_is_not_taken_up_again_under_its_number(
    store, publications, publish, make_record, artifact
):
    publish()
    publications.publish(provisional(make_record, artifact, "late"))
    store.delete_version("penguins", 2)
    assert publications.publish(Version(make_record(job_id="late"), artifact, {})).version == 3


#: What may become of the provisional version of a job, by another process than the one that is faster.
ENDS = {
    "conclude": lambda publications, final: publications.conclude("job", "worker lost"),
    "withdraw": lambda publications, final: publications.withdraw("job"),
    "publish": lambda publications, final: publications.publish(final),
}


@pytest.fixture
def raced(redis_url, short_folder, publications, make_record, artifact):
    """Return a function that ends a job with a provisional version while something comes before a command of that."""
    publications.publish(provisional(make_record, artifact, "job"))

    def end(act, command, meanwhile):
        final = Version(make_record(job_id="job", seed=9), artifact, {})
        with Wire(redis_url, short_folder, before={command: meanwhile}) as wire:
            return ENDS[act](Publications(connect(wire.url), SECRET), final)

    return end


@pytest.mark.parametrize("command", ["WATCH", "EXEC"])
@pytest.mark.parametrize("act", ENDS)
def test_the_first_end_of_a_publication_stands(raced, store, publications, make_record, artifact, act, command):
    first = Version(make_record(job_id="job", seed=7), artifact, {})
    told = raced(act, command, lambda: publications.publish(first))
    assert store.record("penguins", 1) == publications.published_by("job")
    assert (store.record("penguins", 1).seed, store.record("penguins", 1).provisional) == (7, False)
    assert told == (None if act == "withdraw" else store.record("penguins", 1))


@pytest.mark.parametrize("command", ["WATCH", "EXEC"])
@pytest.mark.parametrize("act", ["conclude", "withdraw"])
def test_nothing_is_written_back_into_a_model_that_was_deleted(raced, store, client_of_redis, act, command):
    assert raced(act, command, lambda: store.delete("penguins")) is None
    assert not [key for key in client_of_redis.scan_iter() if b":penguins" in key]
    assert store.models() == []
