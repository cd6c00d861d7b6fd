"""Loaded pipelines: each loaded once, the least recently used dropped first."""

import threading
from dataclasses import dataclass

import pytest

from app import deadline
from app.errors import DeadlinePassed, ModelNotFound, StoreUnavailable, VersionNotFound
from app.pipelines.cache import FRESH, PipelineCache


@dataclass
class Loaded:
    """Stands for a pipeline: the cache only holds it."""

    name: str


class Loader:
    """Counts what it loads."""

    def __init__(self, cache, sizes):
        self.cache, self.sizes, self.loads = cache, sizes, []

    def get(self, name):
        def load():
            self.loads.append(name)
            return Loaded(name), self.sizes[name]

        return self.cache.get((name, 1), load)


def test_of_a_hundred_threads_that_miss_one_loads():
    cache, loads, found = PipelineCache(100), [], []
    start, enough = threading.Barrier(100), threading.Event()

    def load():
        loads.append(threading.get_ident())
        # Held until all others wait for it.
        enough.wait(10)
        return Loaded("a"), 1

    def ask():
        start.wait()
        found.append(cache.get(("a", 1), load))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    enough.set()
    for thread in threads:
        thread.join(10)
    assert len(loads) == 1
    assert len(found) == 100
    assert len(set(map(id, found))) == 1


def test_a_slow_load_holds_up_nobody_who_wants_another():
    cache, release, loading = PipelineCache(100), threading.Event(), threading.Event()

    def slow():
        loading.set()
        assert release.wait(10)
        return Loaded("slow"), 1

    thread = threading.Thread(target=cache.get, args=(("slow", 1), slow))
    thread.start()
    assert loading.wait(10)
    assert cache.get(("quick", 1), lambda: (Loaded("quick"), 1)).name == "quick"
    assert not release.is_set()
    release.set()
    thread.join(10)


def test_the_least_recently_used_is_dropped_at_the_bound_in_bytes():
    loader = Loader(PipelineCache(100), {"a": 40, "b": 40, "c": 40})
    for name in ("a", "b", "a", "c"):
        loader.get(name)
    assert loader.loads == ["a", "b", "c"]
    for name in ("a", "c"):
        loader.get(name)
    assert loader.loads == ["a", "b", "c"]
    loader.get("b")
    assert loader.loads == ["a", "b", "c", "b"]


def test_what_fits_exactly_is_kept():
    loader = Loader(PipelineCache(100), {"a": 60, "b": 40})
    for name in ("a", "b", "a", "b"):
        loader.get(name)
    assert loader.loads == ["a", "b"]


def test_one_that_is_larger_than_the_bound_is_kept_alone():
    loader = Loader(PipelineCache(100), {"small": 10, "large": 1000})
    for name in ("small", "large", "large", "small", "large"):
        loader.get(name)
    assert loader.loads == ["small", "large", "small", "large"]


def test_versions_of_a_pipeline_are_kept_apart():
    cache = PipelineCache(100)
    for version in (1, 2):
        cache.get(("p", version), lambda version=version: (Loaded(str(version)), 1))
    assert [cache.get(("p", version), pytest.fail).name for version in (1, 2)] == ["1", "2"]


def test_after_a_load_that_failed_the_next_tries_again():
    cache = PipelineCache(100)

    def fail():
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        cache.get(("a", 1), fail)
    # Nothing is kept of it, as there may be a new version for each.
    assert not cache._loading
    assert cache.get(("a", 1), lambda: (Loaded("a"), 1)).name == "a"


def test_who_has_no_time_left_does_not_wait_for_a_load(request):
    request.addfinalizer(deadline.end)
    cache, release, loading = PipelineCache(100), threading.Event(), threading.Event()

    def slow():
        loading.set()
        release.wait(10)
        return Loaded("a"), 1

    first = threading.Thread(target=cache.get, args=(("a", 1), slow))
    first.start()
    loading.wait(10)
    deadline.begin(0.01)
    with pytest.raises(DeadlinePassed):
        cache.get(("a", 1), slow)
    release.set()
    first.join(10)
    # What was loaded meanwhile needs no time.
    assert cache.get(("a", 1), slow).name == "a"


def test_where_a_version_is_was_asked_a_moment_ago_at_most(monkeypatch):
    cache, asked, now = PipelineCache(100), [], [0.0]
    monkeypatch.setattr("app.pipelines.cache.time.monotonic", lambda: now[0])

    def place(name, version, answer):
        def read():
            asked.append((name, version))
            return answer

        return cache.place(name, version, read)

    assert place("a", None, (1, "x")) == place("a", None, (2, "y")) == (1, "x")
    assert place("a", 3, (3, "z")) == (3, "z")
    assert place("b", None, (1, "w")) == (1, "w")
    now[0] = FRESH
    assert place("a", None, (2, "y")) == (2, "y")
    assert asked == [("a", None), ("a", 3), ("b", None), ("a", None)]


def test_what_cannot_be_told_is_asked_again():
    cache = PipelineCache(100)

    def missing():
        raise ModelNotFound("a")

    with pytest.raises(ModelNotFound):
        cache.place("a", None, missing)
    assert cache.place("a", None, lambda: (1, "x")) == (1, "x")


def test_no_more_places_are_known_than_fit(monkeypatch):
    monkeypatch.setattr("app.pipelines.cache._PLACES", 5)
    cache = PipelineCache(100)
    for number in range(12):
        assert cache.place(str(number), None, lambda number=number: (number, "x")) == (number, "x")
    assert len(cache._places) <= 5


@pytest.mark.parametrize(("by", "error"), [(None, ModelNotFound("a")), (1, VersionNotFound("a", 1))])
@pytest.mark.parametrize("later", [None, 1])
def test_what_was_deleted_does_not_come_back_without_redis(monkeypatch, by, error, later):
    cache, now, gone = PipelineCache(100, stale=600), [0.0], None
    monkeypatch.setattr("app.pipelines.cache.time.monotonic", lambda: now[0])

    def read():
        if gone:
            raise gone
        return 1, "x"

    def ask(version):
        return cache.place("a", version, read)

    cache.get(("a", 1, "x"), lambda: (Loaded("a"), 1))
    assert ask(None) == ask(1) == (1, "x")
    now[0], gone = 100, StoreUnavailable()
    assert ask(None) == (1, "x")
    now[0], gone = 200, error
    with pytest.raises(type(error)):
        ask(by)
    now[0], gone = 300, StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        ask(later)
