"""Many writers at once: each gets a version of its own, and one of many wins a promotion."""

import threading

from app.errors import StaleVersion
from app.store.connection import connect
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from conftest import SECRET


def at_once(work, arguments):
    threads = [threading.Thread(target=work, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_concurrent_publications_get_distinct_versions_and_the_last_is_current(redis_url, store, make_record, artifact):
    start, versions = threading.Barrier(8), []

    def work(number):
        own = Publications(connect(redis_url), SECRET)
        start.wait()
        versions.extend(
            own.publish(Version(make_record(job_id=f"{number}-{turn}"), artifact, {})).version for turn in range(5)
        )
        own._redis.close()

    at_once(work, range(8))
    assert len(set(versions)) == 40
    assert [record.version for record in store.versions("penguins")] == sorted(versions)
    assert store.current("penguins") == max(versions)


def test_of_concurrent_promotions_from_the_same_version_one_wins(redis_url, store, publish):
    for _ in range(9):
        publish()
    start, won, lost = threading.Barrier(8), [], []

    def work(version):
        own = ModelStore(connect(redis_url), SECRET)
        start.wait()
        try:
            own.promote("penguins", version, expected=9)
            won.append(version)
        except StaleVersion:
            lost.append(version)
        own._redis.close()

    at_once(work, range(1, 9))
    assert (len(won), len(lost)) == (1, 7)
    assert store.current("penguins") == won[0]
