"""The service is asked for all that its OpenAPI document allows, and for what it does not, by Schemathesis.

Each request is sent without a key, and with one, to a real web process on a Redis of its own. No answer may be a
failure of the service, each has to be as the document describes it, and what is refused may change nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from app import auth, create_app
from app.settings import Settings
from app.store.keys import PROBE
from app.store.publications import Publications
from conftest import ROOT, SECRET
from tests import published
from tests.faults.parts import Valkey, Web

KEY = "the key of a fuzzer"

#: Nobody works at jobs here, so that none may be waited for.
AT_ONCE, OF_JOBS = {"Prefer": "respond-async"}, {"/train_pipeline", "/batch_predictions"}

#: How a request may be refused.
REFUSED = ("400", "401", "403", "404", "409", "413", "415", "422", "431")


def often(values):
    """Return how values of a dictionary are taken."""
    return {"dictionary": values, "probability": 0.8}


CONFIG = {
    # Most requests are of what is there: what comes of other ids has been seen soon.
    "dictionaries": {"models": {"values": ["birds", "7", "waves"]}, "numbers": {"values": [1]}},
    "parameters": {
        **{f"{place}.pipeline_id": often("models") for place in ("path", "query", "body")},
        **{name: often("numbers") for name in ("path.number", "query.version")},
    },
    "checks": {
        # How a table has to be is told by its model, and no schema: nearly all that fits the document is refused.
        "positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSED]},
        "negative_data_rejection": {"expected-statuses": ["405", *REFUSED]},
    },
    "request-timeout": 60,
    # A failure of the night is told by its case, and leaves nothing that the next run would begin with.
    # Keys are sent, and left out, by the test itself.
    "generation": {"database": "none", "with-security-parameters": False},
}


def described(*uncovered):
    """Return the document of a service that knows keys, which asks no Redis for it.

    Of the paths in `uncovered` not each bound of each parameter is tried, but what chance makes alone.
    """
    keys = {auth.digest(KEY): "admin"}
    app = create_app(Settings(redis_url="unix:///none", signing_secret=SECRET, api_keys=keys))
    by_chance = [{"include-path": path, "phases": {"coverage": {"enabled": False}}} for path in uncovered]
    return schemathesis.openapi.from_dict(
        app.spec, config=SchemathesisConfig.from_dict(CONFIG | {"operations": by_chance})
    )


#: The form of a profile is that of a training, of which each bound is tried. An explanation has more than half of all
#: bounds, which are left to the night.
whole = described("/profile")
short = described("/profile", "/explain")
load_all_checks()


@pytest.fixture(scope="module")
def redis(short_folder):
    """A Redis with a model of each kind."""
    server = Valkey(short_folder / "fuzzed")
    server.start()
    publications = Publications(server.client(), SECRET)
    for version in trained():
        publications.publish(as_trained(version))
    yield server
    server.stop()


def trained():
    """Return a model of several classes, one of two under a number, and one of series."""
    yield published.version("birds", published.birds(), "size", tree(), id_column="id")
    yield published.version(7, published.numbers([0, 1]), "label", tree())
    yield published.of_series("waves", tree())


def tree():
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=3, random_state=0)


def as_trained(version):
    """Return a version with all that a training tells of its own."""
    told = {
        "engine": "sklearn", "task": version.record.task, "modelType": "a tree", "trainShape": [40, 2],
        "trainTime": 0.5, "featureEngParams": None, "mean_cv_accuracy": None, "mean_cv_roc_auc": None,
        "evaluated_models": None, "metrics": {}, "metric": "accuracy", "holdout": {}, "positive_class": None,
        "seed": 0, "chosen": {}, "device": "cpu", "warnings": [], "stopped": None, "note": None,
    }  # fmt: skip
    return replace(version, record=replace(version.record, result=told | version.record.result))


@pytest.fixture(scope="module")
def web(redis, tmp_path_factory):
    """A web process that knows one key."""
    folder = tmp_path_factory.mktemp("web")
    settings = {"API_KEYS": f"admin:{auth.digest(KEY)}", "WEB_CONCURRENCY": "1", "EXPLAIN_SECONDS": "2"}
    # Each case is sent without the key first.
    settings["FAILED_KEYS_PER_MINUTE"] = "1000000"
    process = Web(redis.url, folder, BATCH_URL=str(folder), **settings)
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def stored(redis):
    """Return a function that tells all that is stored, which is put back at the end."""
    client = redis.client()

    def everything():
        # But for that by which the process sees now and then whether Redis takes writes, which expires, and for the
        # list of who was refused.
        keys = sorted(key for key in set(client.scan_iter()) - {PROBE.encode()} if not key.startswith(b"automl:audit:"))
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
            return dict(zip(keys, pipe.execute(), strict=True))

    before = everything()
    yield everything
    client.flushall()
    for key, value in before.items():
        client.restore(key, 0, value)


def is_right_after_all(case):
    """Tell whether parameters that were made to be wrong are right: another branch of an `anyOf` may allow for them.

    Only where a training's parameters are looked at without one is that seen: elsewhere no made-up data is accepted.
    """
    if case.operation.path != "/profile" or not isinstance(case.body, dict):
        return False
    components = {"components": whole.raw_schema["components"]}
    document = {"$ref": "#/components/schemas/ProfileParameters", **components}
    return Draft202012Validator(document).is_valid(case.body.get("params", {}))


def hold(case, web, stored):
    """Send a case without a key and with one, and hold both answers against what was promised."""
    before = stored()
    if case.operation.definition.raw.get("security"):
        refused = case.call(web.service.root, headers={"Authorization": ""})
        # A head that is too large is refused before anything of it is read; another host, before keys are looked at.
        another_host = {400} if "host" in map(str.lower, case.headers or {}) else set()
        assert refused.status_code in {401, 431} | another_host, refused.text
    headers = {"Authorization": f"Bearer {KEY}"} | (AT_ONCE if case.operation.path in OF_JOBS else {})
    checks = [negative_data_rejection] if is_right_after_all(case) else []
    answer = case.call_and_validate(web.service.root, headers=headers, excluded_checks=checks)
    assert answer.status_code < 400 or stored() == before
    assert answer.headers["x-request-id"]
    text = answer.content.decode(errors="replace")
    for inner in ("Traceback (most", str(ROOT), str(web.service.root), SECRET, KEY):
        assert inner not in text


@short.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_is_as_the_document_has_it(case, web, stored):
    hold(case, web, stored)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@whole.parametrize()
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_has_it_all_night(case, web, stored):
    hold(case, web, stored)
