"""What the web process loads at its start, and what it says of a library that is not there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.explain import run as explaining
from app.pipelines import reports
from app.pipelines.trained import TrainedPipeline, installed_versions
from conftest import SECRET
from tests import published

ROOT = Path(__file__).parents[1]
HEAVY = (
    "sklearn pandas numpy scipy tsfresh tpot xgboost lightgbm shap skimage matplotlib skops dask distributed torch "
    "keras autokeras opentelemetry.exporter opentelemetry.sdk.trace"
)

START = """
import sys
from app import create_app
from app.settings import Settings
app = create_app(Settings(redis_url={url!r}, signing_secret="x" * 40))
"""

#: Submits the training given on stdin and does the worker's work; prints the job at its end.
TRAIN = """
import io, json, os
os.environ |= {{"REDIS_URL": {url!r}, "SIGNING_SECRET": "x" * 40}}
from app.jobs import tasks
ids = list(range(20))
def file(value, name):
    return io.BytesIO(json.dumps(value).encode()), name
table = {{"id": [row // 8 for row in range(160)] if SERIES else ids, "value": list(range(160 if SERIES else 20))}}
parts = {{
    "raw_data": file(table, "table.json"),
    "labels": file({{"id": ids, "label": ["no", "yes"] * 10}}, "labels.json"),
    "params": file(PARAMS, "params.yml"),
}}
client = app.test_client()
answer = client.post("/train_pipeline", data=parts, headers={{"Prefer": "respond-async"}})
if answer.status_code == 202:
    tasks.train(answer.json["jobId"], Settings.from_environment())
    print(json.dumps(client.get(answer.headers["Location"]).json))
else:
    print(json.dumps({{"state": "refused", "error": answer.json}}))
"""


def run(code):
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_making_the_app_loads_no_engine_and_no_traces_and_asks_no_redis():
    code = START.format(url="unix:///nowhere") + f"print(sorted(set(sys.modules) & set({HEAVY!r}.split())))"
    assert run(code) == "[]\n"


def test_the_settings_and_the_command_for_keys_load_no_web_framework():
    code = "import sys, app.settings, app.auth, app.errors; print({'flask', 'apiflask', 'redis'} & set(sys.modules))"
    assert run(code) == "set()\n"


@pytest.fixture
def train_without(redis_url, client_of_redis):
    """Return a function that trains in a process of its own in which some packages cannot be imported."""

    def train(packages, params, prepare=""):
        missing = f"import sys\nsys.modules |= dict.fromkeys({packages.split()!r})\n{prepare}\n"
        series = "extract_features" in params
        given = f"SERIES, PARAMS = {series}, {params!r}\n"
        return json.loads(run(missing + START.format(url=redis_url) + given + TRAIN.format(url=redis_url)))

    return train


@pytest.mark.parametrize(
    ("package", "params"),
    [
        ("tpot", {"id_column": "id", "model_training": {"model": "tpot.TPOTClassifier"}}),
        ("xgboost", {"id_column": "id", "model_training": {"model": "xgboost.XGBClassifier"}}),
        ("lightgbm", {"id_column": "id", "model_training": {"model": "lightgbm.LGBMClassifier"}}),
        (
            "tsfresh",
            {
                "extract_features": {"column_id": "id"},
                "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"},
            },
        ),
    ],
)
def test_an_engine_that_is_not_installed_is_named_with_how_to_install_it(train_without, package, params):
    error = train_without(package, {"pipeline_id": "p", **params})["error"]
    assert (error["status"], error["type"]) == (501, "urn:problem:engine-missing")
    assert package in error["detail"]
    assert "pip install" in error["detail"]


#: Makes distributions unknown to importlib.metadata, as they are where the packages were never installed.
UNINSTALL = """
import importlib.metadata as metadata
known = metadata.distribution
def distribution(name):
    if name in {packages!r}:
        raise metadata.PackageNotFoundError(name)
    return known(name)
metadata.distribution = distribution
"""


def test_a_model_that_does_not_need_a_library_is_trained_without_it(train_without):
    packages = "tpot tsfresh xgboost shap"
    params = {"pipeline_id": "p", "id_column": "id", "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"}}
    job = train_without(packages, params, UNINSTALL.format(packages=packages.split()))
    assert job["state"] == "finished", job["error"]


#: Predicts with each of the versions of tests/published.py that are compiled, and prints which engines that has loaded.
PREDICT = """
import orjson
client = app.test_client()
for name, data in orjson.loads(sys.stdin.read()).items():
    answer = client.post("/serve_prediction", json={{"pipeline_id": name, "data": data}})
    assert answer.status_code == 200, answer.json
print(sorted(set(sys.modules) & set({engines!r}.split())))
"""

#: What fits pipelines. A web process predicts without it.
ENGINES = "sklearn tsfresh tpot torch keras autokeras xgboost lightgbm dask shap skops"


def test_a_web_process_predicts_with_compiled_pipelines_and_loads_no_engine(redis_url, publications):
    sent = {}
    for name, (version, rows) in published.compiled_kinds().items():
        record = publications.publish(version)
        assert record.compiled["serves"] == "compiled", (name, record.compiled)
        sent[name] = json.loads(rows.to_json(orient="records"))
    code = START.format(url=redis_url).replace('"x" * 40', repr(SECRET)) + PREDICT.format(engines=ENGINES)
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, input=json.dumps(sent)
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout == "[]\n"


#: Looks at a table on the page that starts a training, chooses a model and checks the parameters.
LOOK = """
import io, re
client = app.test_client()
token = re.search(r'"X-CSRF-Token": "([^"]+)"', client.get("/ui/train").text).group(1)
def post(path, **fields):
    answer = client.post(path, data=fields, headers={{"X-CSRF-Token": token, "HX-Request": "true"}})
    assert answer.status_code == 200, answer.text
table = open("data/penguins.csv", "rb")
post("/ui/train/look?new=", raw_data=(table, "penguins.csv"), target="species")
for engine in ("", "tpot", "autokeras", "named"):
    post("/ui/train/sheet", pipeline_id="p", target="species", engine=engine, model="sklearn.svm.SVC", shape="series")
print(sorted(set(sys.modules) & set({engines!r}.split())))
"""


def test_looking_at_data_and_choosing_what_to_train_loads_no_engine(redis_url):
    assert run(START.format(url=redis_url) + LOOK.format(engines=ENGINES)) == "[]\n"


#: Shows the page of a model, and sends a row through its tree; prints which engines that has loaded.
SHOW = """
client = app.test_client()
assert client.get("/ui/models/tree").status_code == 200
answer = client.post("/models/tree/versions/1/paths", json={{"data": [{{"a": 1.5, "b": 0.25}}]}})
assert answer.json["paths"][0]["nodes"] == [0, 1], answer.json
print(sorted(set(sys.modules) & set({engines!r}.split())))
"""


def test_a_web_process_shows_a_model_and_follows_a_row_and_loads_no_engine(redis_url, publications):
    from sklearn.tree import DecisionTreeClassifier

    frame = published.numbers(("no", "yes"))
    made = published.version("tree", frame, "label", DecisionTreeClassifier(max_depth=1))
    fitted = TrainedPipeline.from_artifact(made.artifact, installed_versions()).fitted
    told = reports.tree(fitted, frame[["a", "b"]], frame["label"].tolist(), ("no", "yes"))
    publications.publish(replace(made, report={"tree": told}))
    code = START.format(url=redis_url).replace('"x" * 40', repr(SECRET)) + SHOW.format(engines=ENGINES)
    assert run(code) == "[]\n"


#: Gets every page, and every part of a page, that asks a model; prints which engines that has loaded.
ASK = """
client = app.test_client()
for model in {models!r}:
    pages = ["predict", "explain", "explain?of=model", "explain?of=training", "what-if", "rows", "rows?into=pairs"]
    pages += ["row", "row?place=0", "explain/methods?of=row", "explain/methods?of=model"]
    pages += ["explain/settings?method=summary"]
    for page in pages:
        answer = client.get(f"/ui/models/{{model}}/{{page}}")
        assert answer.status_code == 200, (page, answer.text)
    assert client.get(f"/models/{{model}}/explainers").status_code == 200
print(sorted(set(sys.modules) & set({engines!r}.split())))
"""


def test_no_page_that_asks_a_model_loads_an_engine_where_the_version_is_compiled(redis_url, publications):
    names = ["forest", "table", "text", "waves"]
    for version in (published.compiled_kinds()[name][0] for name in names):
        fitted = TrainedPipeline.from_artifact(version.artifact, installed_versions())
        publications.publish(replace(version, report={"explainers": explaining.fits(fitted)}))
    code = START.format(url=redis_url).replace('"x" * 40', repr(SECRET)) + ASK.format(models=names, engines=ENGINES)
    assert run(code) == "[]\n"


#: Prints how many kB a forked process has of its own once garbage was collected there, and how many without the hook.
FORKED = """
import gc, os, runpy
from app import create_app
from app.settings import Settings

create_app(Settings(redis_url="redis://127.0.0.1:1", signing_secret="s" * 40))
hooks = runpy.run_path("gunicorn.conf.py")


def own():
    reader, writer = os.pipe()
    if os.fork() == 0:
        gc.collect()
        lines = open("/proc/self/smaps_rollup").read().splitlines()
        told = next(line.split()[1] for line in lines if line.startswith("Private_Dirty"))
        os.write(writer, told.encode())
        os._exit(0)
    os.wait()
    return os.read(reader, 20).decode()


without = own()
hooks["pre_fork"](None, None)
print(own(), without)
"""


def test_what_is_loaded_before_the_fork_stays_shared_when_garbage_is_collected():
    told = subprocess.run([sys.executable, "-c", FORKED], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    shared, copied = map(int, told.split()[-2:])
    assert shared < copied / 2
