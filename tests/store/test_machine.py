"""The store against a model of it in dictionaries: any sequence of acts in two worlds that must not touch each other.

Two worlds are two namespaces of one service, or two databases with a secret each.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.errors import (
    ArtifactRejected,
    ModelNotFound,
    RecordDamaged,
    StaleVersion,
    StillTraining,
    VersionInUse,
    VersionNotFound,
)
from app.store.artifact import Artifact
from app.store.connection import connect
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.record import Version
from app.store.redis import ModelStore
from app.store.soundness import soundness
from conftest import SECRET
from tests.store.making import a_record

OTHER = "another secret for another service, and as long"
NAMES = st.sampled_from(["a", "b", 7])
WORLDS = st.sampled_from([0, 1])
VERSIONS = st.integers(1, 5)


@dataclass
class Model:
    """What should be stored of one pipeline."""

    versions: dict[int, bytes] = field(default_factory=dict)
    provisional: dict[int, str] = field(default_factory=dict)
    current: int = 0


@dataclass
class World:
    """One of the two, and what should be in it."""

    client: object
    secret: str
    namespace: str
    models: dict[object, Model] = field(default_factory=dict)
    latest: dict[object, int] = field(default_factory=dict)

    @property
    def store(self):
        return ModelStore(self.client, self.secret, self.namespace)

    @property
    def publications(self):
        return Publications(self.client, self.secret, self.namespace)

    @property
    def keys(self):
        return Keys(self.namespace)


def machine(make):
    """Return the machine on two worlds that `make` makes."""

    class Store(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.worlds = make()
            self.jobs = itertools.count()
            self.open: dict[str, tuple[int, object]] = {}

        def _publish(self, world, name, job, provisional):
            here = self.worlds[world]
            content = f"{world} {name} {job} {provisional}".encode()
            artifact = Artifact({"format": "none"}, {"estimator": content})
            record = a_record(name, job_id=job, provisional=provisional)
            number = here.publications.publish(Version(record, artifact, {"job": job})).version
            model = here.models.setdefault(name, Model())
            known = next((one for one, owner in model.provisional.items() if owner == job), None)
            if known is None:
                here.latest[name] = here.latest.get(name, 0) + 1
            assert number == (known or here.latest[name])
            model.versions[number] = content
            model.provisional.pop(number, None)
            if provisional:
                model.provisional[number] = job
            if not model.current or (number > model.current and not provisional):
                model.current = number

        @rule(world=WORLDS, name=NAMES)
        def publish(self, world, name):
            self._publish(world, name, f"job{next(self.jobs)}", provisional=False)

        @rule(world=WORLDS, name=NAMES)
        def begin(self, world, name):
            job = f"job{next(self.jobs)}"
            self.open[job] = world, name
            self._publish(world, name, job, provisional=True)

        @rule(data=st.data(), provisional=st.booleans())
        def go_on(self, data, provisional):
            if self.open:
                job = data.draw(st.sampled_from(sorted(self.open)))
                self._publish(*self.open[job], job, provisional)
                if not provisional:
                    del self.open[job]

        @rule(data=st.data(), kept=st.booleans())
        def stop(self, data, kept):
            if not self.open:
                return
            job = data.draw(st.sampled_from(sorted(self.open)))
            world, name = self.open.pop(job)
            here = self.worlds[world]
            if kept:
                here.publications.conclude(job, "cancel")
            else:
                here.publications.withdraw(job)
            model = here.models.get(name, Model())
            number = next((one for one, owner in model.provisional.items() if owner == job), None)
            if number is None:
                return
            del model.provisional[number]
            if kept:
                model.current = max(model.current, number)
                return
            del model.versions[number]
            if not model.versions:
                del here.models[name]
            elif model.current == number:
                model.current = max(model.versions)

        @rule(world=WORLDS, name=NAMES, version=VERSIONS, expected=st.none() | VERSIONS)
        def promote(self, world, name, version, expected):
            here = self.worlds[world]
            model = here.models.get(name)

            def act():
                here.store.promote(name, version, expected)

            if model is None:
                refused(ModelNotFound, act)
            elif expected is not None and expected != model.current:
                refused(StaleVersion, act)
            elif version not in model.versions:
                refused(VersionNotFound, act)
            elif version != model.current and version in model.provisional:
                refused(StillTraining, act)
            else:
                act()
                model.current = version

        @rule(world=WORLDS, name=NAMES)
        def delete(self, world, name):
            here = self.worlds[world]
            if name in here.models:
                here.store.delete(name)
                del here.models[name]
            else:
                refused(ModelNotFound, lambda: here.store.delete(name))

        @rule(world=WORLDS, name=NAMES, version=VERSIONS)
        def delete_version(self, world, name, version):
            here = self.worlds[world]
            model = here.models.get(name)

            def act():
                here.store.delete_version(name, version)

            if model is None:
                refused(ModelNotFound, act)
            elif version == model.current:
                refused(VersionInUse, act)
            elif version not in model.versions:
                refused(VersionNotFound, act)
            else:
                act()
                del model.versions[version]
                model.provisional.pop(version, None)

        @rule(name=NAMES, other=NAMES, data=st.data(), record=st.booleans(), crossed=st.booleans())
        def swap(self, name, other, data, record, crossed):
            """Put the bytes of one version, and its record, in the place of another, also of the other world."""
            here, there = self.worlds[0], self.worlds[int(crossed)]
            if name not in here.models or other not in there.models:
                return
            mine = data.draw(st.sampled_from(sorted(here.models[name].versions)))
            theirs = data.draw(st.sampled_from(sorted(there.models[other].versions)))
            if not crossed and (name, mine) == (other, theirs):
                return
            target, before = here.keys.artifact(name, mine), here.client.get(here.keys.artifact(name, mine))
            record_before = here.client.hget(here.keys.records(name), str(mine))
            sealed = there.client.get(there.keys.artifact(other, theirs))
            here.client.set(target, sealed)
            if record:
                taken = there.client.hget(there.keys.records(other), str(theirs))
                here.client.hset(here.keys.records(name), str(mine), taken)
                here.client.hset(here.keys.model(name), str(mine), hashlib.sha256(sealed).hexdigest())
            refused((ArtifactRejected, RecordDamaged), lambda: here.store.artifact(name, mine))
            here.client.set(target, before)
            here.client.hset(here.keys.records(name), str(mine), record_before)
            here.client.hset(here.keys.model(name), str(mine), hashlib.sha256(before).hexdigest())

        @invariant()
        def all_is_as_it_should_be(self):
            for here in self.worlds:
                listed = {record.pipeline_id: record.version for record in here.store.models()}
                assert listed == {name: model.current for name, model in here.models.items()}
                for name, model in here.models.items():
                    records = here.store.versions(name)
                    assert [record.version for record in records] == sorted(model.versions)
                    assert {r.version for r in records if r.provisional} == set(model.provisional)
                    for record in records:
                        found = here.store.artifact(name, record.version)
                        assert found.parts["estimator"] == model.versions[record.version]
                        digest = here.store.place(name, record.version)[1]
                        assert digest == record.artifact["sha256"]
                        assert here.store.report(name, record.version)["job"] == record.job_id
                    scored = here.store.scores([str(name)])[str(name)]
                    assert [score["version"] for score in scored] == sorted(model.versions)

        def teardown(self):
            here = self.worlds[0]
            assert soundness(here.client, here.secret) == []
            # Nothing is left of what was deleted.
            for world in self.worlds:
                for name in {"a", "b", 7} - set(world.models):
                    keys = world.keys
                    assert not world.client.exists(keys.model(name), keys.records(name), keys.scores(name))
                    assert list(world.client.scan_iter(keys.artifact(name, "*"))) == []

    return Store


def refused(kind, act):
    """Check that an act is refused by a name."""
    with pytest.raises(kind):
        act()


@pytest.fixture(params=["namespaces", "databases"])
def worlds(request, redis_url):
    """Return a function that makes two empty worlds."""
    clients = [connect(redis_url), connect(f"{redis_url}?db=1")]

    def make():
        for client in clients:
            client.flushdb()
        if request.param == "namespaces":
            return [World(clients[0], SECRET, "default"), World(clients[0], SECRET, "other")]
        return [World(clients[0], SECRET, "default"), World(clients[1], OTHER, "default")]

    yield make
    for client in clients:
        client.flushdb()
        client.close()


def run(make, examples, steps):
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(make), settings=chosen)


def test_whatever_is_done_the_store_is_as_its_model(worlds):
    run(worlds, examples=12, steps=40)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_whatever_is_done_for_long_the_store_is_as_its_model(worlds):
    run(worlds, examples=300, steps=200)
