"""The file that trains a version again: it runs without this service, and its model is the same."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import subprocess
import sys
import zipfile
from io import BytesIO

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from app.payloads import dates, frames, images
from app.payloads.parameters import ExtractFeatures, Forecast, Images
from app.payloads.training import assemble
from app.payloads.uploads import Upload
from app.pipelines.base import Trial
from app.pipelines.build import Build
from app.pipelines.clock import Clock
from app.pipelines.dataset import Dataset
from app.pipelines.portfolio.ensemble import EnsembleClassifier
from app.pipelines.reports.again import tables as again
from app.pipelines.reports.code import code
from app.settings import Settings
from tests.pipelines.autokeras_rows import CODES, numbers
from tests.pipelines.reports_versions import Version
from tests.pipelines.series import silent

SERIES = {"column_id": "id", "column_sort": "time", "default_fc_parameters": "MinimalFCParameters()"}


@pytest.fixture
def table():
    """Categories, booleans, dates, words and numbers, some of them missing."""
    draw = np.random.default_rng(0)
    n = 120
    number = draw.normal(size=n)
    frame = pd.DataFrame(
        {
            "key": [f"k{row}" for row in range(n)],
            "amount": np.where(draw.random(n) < 0.1, np.nan, number),
            "count": draw.integers(0, 50, n),
            "town": draw.choice(["Paris", "Köln", None], n),
            "member": draw.random(n) < 0.5,
            "since": [f"{day:02}.03.2021" for day in draw.integers(1, 29, n)],
            "remark": [" ".join(draw.choice(["red", "green", "blue", "old", "new", "odd"], 5)) for _ in range(n)],
            "person": draw.integers(0, 20, n),
            "moment": [f"{1 + row % 28:02}.{1 + row % 2:02}.2021" for row in range(n)],
            "weight": draw.integers(1, 4, n),
        }
    )
    return frame.assign(bought=np.where(number + draw.normal(0, 0.3, n) > 0, "yes", "no"), paid=3 * number + 10)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the file of a version and its data; it returns the paths of both."""

    def write(version, pipeline, *inputs):
        path = tmp_path / "again.py"
        path.write_text(code(version.record, pipeline), encoding="utf-8")
        files = []
        for number, data in enumerate(inputs):
            files.append(tmp_path / f"{number}{'' if isinstance(data, bytes) else '.csv'}")
            if isinstance(data, bytes):
                files[-1].write_bytes(data)
            else:
                data.to_csv(files[-1], index=False)
        return path, files

    return write


@pytest.fixture
def run(written, tmp_path, monkeypatch, capsys):
    """Return a function that runs the file of a version on data, and returns what it saved and what it printed."""

    def run(version, pipeline, *inputs):
        path, files = written(version, pipeline, *inputs)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "again", raising=False)
        saved = tmp_path / "saved"
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, files), "--save", str(saved)])
        importlib.import_module("again").main()
        found = joblib.load(saved)
        monkeypatch.delitem(sys.modules, "again")
        return found, capsys.readouterr().out

    return run


@pytest.fixture
def run_alone(written, tmp_path):
    """Run it in a process that cannot import this service; return the probabilities that its model gives rows."""

    def run(version, pipeline, *inputs):
        path, files = written(version, pipeline, *inputs)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        asked, answered = tmp_path / "asked.pkl", tmp_path / "answered.npy"
        version.data.X.to_pickle(asked)
        asking = (
            "import sys, again, joblib, numpy, pandas; again.main(); saved = joblib.load(sys.argv[-1]); "
            f"numpy.save({str(answered)!r}, saved['pipeline'].predict_proba(pandas.read_pickle({str(asked)!r}))); "
            "assert not any(name.partition('.')[0] == 'app' for name in sys.modules)"
        )
        command = [sys.executable, "-W", "ignore", "-c", asking, *files, "--save", tmp_path / "saved"]
        ran = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return np.load(answered)

    return run


def check(version, pipeline, ran):
    """The model is the same, and so are the scores that were printed."""
    saved, printed = ran
    expected = version.predict(version.fit(pipeline))
    np.testing.assert_allclose(version.predict(saved["pipeline"]), expected, rtol=1e-9)
    scores = [version.score(pipeline, *fold) for fold in version.folds]
    held_out = version.score(pipeline, version.seen, version.held_out)
    told = re.findall(r"(?:folds: |held out: )(\S+)", printed)
    np.testing.assert_allclose([float(value) for value in told], [np.mean(scores), held_out], rtol=1e-4)


def check_alone(version, pipeline, probabilities):
    np.testing.assert_allclose(probabilities, version.predict(version.fit(pipeline)), rtol=1e-9)


def test_a_table_with_every_kind_of_column_gives_the_same_model(table, run, run_alone):
    frame = table.drop(columns=["person", "moment", "weight", "paid"])
    version = Version.of(frame, target="bought", id_column="key")
    assert set(version.data.kinds.values()) == {"number", "category", "boolean", "date", "text"}
    pipeline = version.problem.pipeline(RandomForestClassifier(20, random_state=0), scaled=False)
    check(version, pipeline, run(version, pipeline, frame))
    check_alone(version, pipeline, run_alone(version, pipeline, frame))


def test_labels_may_come_in_a_file_of_their_own_in_another_order(table, run):
    frame, labels = table[["key", "amount", "count"]], table[["key", "paid"]].iloc[::-1]
    version = Version.of(frame, labels, id_column="key", metric="rmse", model="sklearn.linear_model.Ridge", folds=3)
    pipeline = version.problem.pipeline(Ridge(alpha=2.5), scaled=True)
    check(version, pipeline, run(version, pipeline, frame, labels))


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson"])
def test_json_lines_are_read_as_the_service_reads_them(tmp_path, ending):
    data = b'{"a": 1, "t": "x\xe2\x80\xa8y"}\r\n\n{"t": null, "a": 2.5}\n'
    path = tmp_path / f"t{ending}"
    path.write_bytes(data)
    expected = frames.read(Upload("raw_data", data, filename=path.name), Settings())
    pd.testing.assert_frame_equal(again.read(str(path)), expected)


@pytest.mark.parametrize("by", ["groups", "time"])
@pytest.mark.parametrize("target", ["bought", "paid"])
def test_folds_by_groups_or_time_and_weights_are_those_of_the_training(table, run, by, target):
    beside = {"groups": "person"} if by == "groups" else {"time": "moment"}
    frame = table[["amount", "count", "weight", *beside.values(), target]]
    version = Version.of(frame, target=target, sample_weight="weight", **beside)
    kind = RandomForestClassifier if target == "bought" else RandomForestRegressor
    pipeline = version.problem.pipeline(kind(10, random_state=1), scaled=False)
    check(version, pipeline, run(version, pipeline, frame))


def test_rows_held_out_that_all_weigh_nothing_have_no_score(table, run):
    frame = table[["amount", "count", "paid"]].assign(hour=range(120), weight=[1] * 90 + [0] * 30)
    version = Version.of(frame, target="paid", time="hour", sample_weight="weight", model="sklearn.linear_model.Ridge")
    pipeline = version.problem.pipeline(Ridge(), scaled=True)
    saved, printed = run(version, pipeline, frame)
    assert "held out: nan" in printed
    np.testing.assert_allclose(version.predict(saved["pipeline"]), version.predict(version.fit(pipeline)), rtol=1e-9)


@pytest.mark.parametrize("apart", [False, True], ids=["a target", "labels of their own"])
def test_ids_codes_and_classes_that_look_like_numbers_are_read_as_they_are_written(run, apart):
    draw = np.random.default_rng(0)
    # Ids that only their zeros tell apart, and codes and classes whose zeros are a part of them.
    keys = pd.Series([f"{row:03}" for row in range(40)] + [str(row) for row in range(40)], dtype="str")
    codes = pd.Series([f"{number:03}" for number in draw.integers(0, 4, 80)], dtype="str")
    classes = (codes.str[-1].astype("int64") + draw.integers(0, 2, 80) > 2).map({False: "01", True: "02"}).astype("str")
    frame = pd.DataFrame({"key": keys, "code": codes, "amount": draw.normal(size=80)})
    labels = pd.DataFrame({"key": keys, "kind": classes}).sample(frac=1, random_state=0)
    given = (frame, labels) if apart else (frame.assign(kind=classes),)
    named = {} if apart else {"target": "kind"}
    version = Version.of(*given, id_column="key", columns={"code": "category"}, **named)
    assert version.data.classes == ("01", "02")
    pipeline = version.problem.pipeline(RandomForestClassifier(20, random_state=0), scaled=False)
    check(version, pipeline, run(version, pipeline, *given))


def test_ids_of_series_are_read_as_they_are_written(run):
    frame, labels = series(40)
    ids = {number: f"{number:03}" if number < 20 else str(number - 20) for number in range(40)}
    frame, labels = (each.assign(id=each["id"].map(ids).astype("str")) for each in (frame, labels))
    version = Version.of(frame, labels, extract_features=ExtractFeatures(**SERIES))
    pipeline = version.problem.pipeline(RandomForestClassifier(10, random_state=0), scaled=False)
    check(version, pipeline, run(version, pipeline, frame, labels))


@pytest.mark.parametrize("model", [LogisticRegression(), XGBClassifier(n_estimators=5)], ids=["linear", "xgboost"])
def test_folds_before_a_class_first_occurred_are_scored_as_the_training_scores_them(run, model):
    draw = np.random.default_rng(0)
    classes = np.where(np.arange(120) < 60, draw.choice(["p", "q"], 120), draw.choice(["p", "q", "new"], 120))
    frame = pd.DataFrame({"a": draw.normal(size=120) + (classes == "p"), "hour": range(120), "kind": classes})
    version = Version.of(frame, target="kind", time="hour", metric="log_loss", folds=3)
    pipeline = version.problem.pipeline(model, scaled=True)
    saved, printed = run(version, pipeline, frame)
    check(version, pipeline, (saved, printed))
    assert "over 3 folds:" in printed
    # An area under the curve needs rows of each class.
    version = Version.of(frame, target="kind", time="hour", folds=3)
    scores = [version.score(pipeline, *fold) for fold in version.folds]
    missing = int(np.isnan(scores).sum())
    assert missing > 0
    _, printed = run(version, pipeline, frame)
    assert f"over 3 folds, {missing} of which cannot be measured: {np.nanmean(scores):.6g} +- " in printed


@pytest.mark.parametrize(
    "values",
    [
        ["2020-02-01", "2020-1-3T04:05:06Z", "2020-12-31 10:00+02:00"],
        ["2020/02/01", "2020/12/31"],
        ["2020-02", "2020-11"],
        ["01.02.2020", "3.1.2020 4:05", "2.12.2020"],
        ["01/02/2020 3:04 PM", "31/12/2020 12:00 AM"],
        ["01-02-2020", "12-31-2020"],
        [" 01/02/2020", "12/31/2020 10:05:06.25 "],
        ["5-Jan-2020", "Sat, 1st February 2020", "31 Dec. 2020"],
        ["Jan 5, 2020", "Sept 5th, 2020 10:00"],
    ],
)
def test_dates_are_read_as_the_service_reads_them(values):
    column = pd.Series(values, dtype="str")
    pd.testing.assert_series_equal(again.dates(column), dates.read(column, dates.tell(column)), check_names=False)


def test_a_pipeline_of_tpot_with_a_union_and_stacking_gives_the_same_model(table, run_alone):
    from tpot.builtin_modules import EstimatorTransformer, Passthrough, SkipTransformer

    frame = table[["amount", "count", "town", "bought"]]
    version = Version.of(frame, target="bought")
    stacked = EstimatorTransformer(
        DecisionTreeClassifier(max_depth=3, random_state=0), cross_val_predict_cv=5, passthrough=True
    )
    union = FeatureUnion(
        [("a", SelectKBest(f_classif, k=2)), ("b", FunctionTransformer(np.tanh)), ("c", SkipTransformer())]
    )
    model = make_pipeline(StandardScaler(), Passthrough(), union, stacked, LogisticRegression(C=np.float64(0.5)))
    pipeline = version.problem.pipeline(model, scaled=False)
    assert "def mend_stacking" in code(version.record, pipeline)
    check_alone(version, pipeline, run_alone(version, pipeline, frame))


def series(n=60, length=30):
    draw = np.random.default_rng(1)
    slow = np.arange(n) % 2
    values = [np.sin(np.arange(length) / (3 + 4 * one)) + draw.normal(0, 0.4, length) for one in slow]
    long = pd.DataFrame({"id": np.repeat(np.arange(n), length), "time": np.tile(np.arange(length), n)})
    long = long.assign(x=np.concatenate(values), y=draw.normal(size=n * length))
    return long.sample(frac=1, random_state=0), pd.DataFrame({"id": np.arange(n), "class": np.where(slow, "b", "a")})


@pytest.mark.parametrize("select", [False, True])
def test_series_with_minimal_features_give_the_same_model(run, run_alone, select):
    frame, labels = series()
    version = Version.of(frame, labels, extract_features=ExtractFeatures(**SERIES, select=select))
    pipeline = version.problem.pipeline(RandomForestClassifier(20, random_state=0), scaled=False)
    saved, printed = run(version, pipeline, frame, labels)
    assert saved["columns"] == list(version.data.X.columns)
    check(version, pipeline, (saved, printed))
    if not select:
        check_alone(version, pipeline, run_alone(version, pipeline, frame, labels))


def test_series_in_the_order_of_dates_with_marks_of_missing_values_give_the_same_model(run):
    frame, labels = series()
    frame["time"] = (pd.Timestamp("2020-01-01") + 3 * pd.to_timedelta(frame["time"], "D")).dt.strftime("%d.%m.%Y")
    frame["x"] = frame["x"].astype("str").mask(frame["x"] > 1.2, "?")
    features = {"mean_abs_change": None, "c3": [{"lag": 2}]}
    wanted = ExtractFeatures(**SERIES | {"default_fc_parameters": features}, missing="interpolate")
    version = Version.of(frame, labels, extract_features=wanted)
    pipeline = version.problem.pipeline(RandomForestClassifier(10, random_state=0), scaled=False)
    check(version, pipeline, run(version, pipeline, frame, labels))


def test_an_ensemble_of_raw_series_and_their_features_gives_the_same_model(run):
    from sklearn.compose import ColumnTransformer

    from app.pipelines.convolutions import RandomConvolutions

    frame, labels = series()
    frame["x"] = frame["x"].mask(frame["x"] > 1.2)
    wanted = ExtractFeatures(**SERIES, missing="interpolate")
    version = Version.of(frame, labels, extract_features=wanted, model=None)
    chosen = ColumnTransformer([("signals", RandomConvolutions(168), ["x", "y"])])
    raw = Pipeline([("convolutions", chosen), ("scale", StandardScaler()), ("model", LogisticRegression())])
    computed = version.problem.pipeline(RandomForestClassifier(10, random_state=0), scaled=False)
    pipeline = Pipeline([("model", EnsembleClassifier([("raw", raw, 0.25), ("features", computed, 0.75)]))])
    check(version, pipeline, run(version, pipeline, frame, labels))


@pytest.mark.parametrize("missing", ["refuse", "interpolate", "drop"])
def test_a_forecasting_gives_the_same_model(run, missing):
    time = np.arange(80)
    draw = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "day": pd.date_range("2024-01-01", periods=80).strftime("%d.%m.%Y"),
                "price": draw.normal(size=80),
                "sold": 5 * number + 0.1 * time + np.sin(time / 4) + draw.normal(0, 0.1, 80),
            }
        )
        for number, name in enumerate("ab")
    ]
    frame = pd.concat(parts)
    if missing != "refuse":
        frame["sold"] = frame["sold"].astype("str").mask(draw.random(len(frame)) < 0.1, "-")
    wanted = ExtractFeatures(column_id="shop", column_sort="day", missing=missing)
    version = Version.of(
        frame,
        task="forecasting",
        target="sold",
        model=None,
        extract_features=wanted,
        forecast=Forecast(window=12, horizon=3),
        folds=3,
    )
    pipeline = version.problem.pipeline(RandomForestRegressor(10, random_state=0), scaled=False)
    saved, printed = run(version, pipeline, frame)
    assert saved["columns"] == list(version.data.X.columns)
    check(version, pipeline, (saved, printed))


@pytest.fixture
def pixels():
    """Forty images in colours, every other one a little darker."""
    light = np.where(np.arange(40) % 2, 0, 9)[:, None, None, None]
    return (np.random.default_rng(0).integers(0, 120, (40, 9, 7, 3)) + light).astype("uint8")


def zipped(pixels):
    """Return a zip of images as systems write it: paths in three forms, names without an ending, bystanders."""
    from PIL import Image

    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, image in enumerate(pixels):
            sink = BytesIO()
            Image.fromarray(image).save(sink, "PNG")
            path = f"all/{'_dark' if number % 2 else 'light'}/{number}"
            archive.writestr([f"{path}.png", f"./{path}", path.replace("/", "\\")][number % 3], sink.getvalue())
        for path in ("all/", "__MACOSX/all/0.png", "all/.hidden.png", ".git/1.png", "all/light/Thumbs.db"):
            archive.writestr(path, b"")
    return packed.getvalue()


def packed(**arrays):
    """Return an .npz of arrays."""
    sink = BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def check_images(run, data, *labels, target):
    """The model of an upload is the same."""
    frame = images.read(Upload("raw_data", data, filename="images.zip"), 2**20, 2**20)
    version = Version.of(frame, *labels, target=target, images=Images(height=4, width=4, channels=1))
    pipeline = version.problem.pipeline(RandomForestClassifier(5, random_state=0), scaled=False)
    check(version, pipeline, run(version, pipeline, data, *labels))


def test_images_give_the_same_model(run, pixels):
    check_images(run, zipped(pixels), target="folder")


@pytest.mark.parametrize("channels", [3, 1])
def test_arrays_of_images_give_the_same_model(run, pixels, channels):
    check_images(run, packed(x=pixels[..., :channels], y=np.arange(40) % 2), target="label")


def test_arrays_of_images_are_joined_with_labels_by_their_ids(run, pixels):
    ids = [f"image {number}" for number in range(40)]
    labels = pd.DataFrame({"file": ids, "dark": np.arange(40) % 2})[::-1]
    check_images(run, packed(images=pixels / np.float32(255), ids=ids), labels, target="dark")


def test_a_network_is_trained_again(run):
    from app.pipelines.autokeras.network import NetworkClassifier

    version = Version.of(numbers().assign(label=CODES), target="label", folds=2)
    pipeline = version.problem.pipeline(NetworkClassifier(epochs=2), scaled=True)
    saved, _ = run(version, pipeline, numbers().assign(label=CODES))
    expected = version.predict(version.fit(pipeline))
    # A GPU adds up in another order each time.
    np.testing.assert_allclose(version.predict(saved["pipeline"]), expected, atol=1e-4)
    assert len(np.unique(expected)) > 2


NASTY = [
    "'; import os; os.abort()  #",
    '"""\nraise SystemExit(7)\n"""',
    "\\",
    "{0}{x!r}%s",
    "<script>alert(1)</script>",
    "\N{RIGHT-TO-LEFT OVERRIDE}tac",
    "columns",
]


def test_names_of_users_are_literals_and_nothing_else(table, run):
    frame = pd.DataFrame({name: table["amount"] + place for place, name in enumerate(NASTY)})
    frame["key\n"] = table["key"]
    frame['target"'] = table["bought"].map({"yes": 'it\'s "yes"\n', "no": "no\\"})
    version = Version.of(frame, target='target"', id_column="key\n")
    pipeline = version.problem.pipeline(RandomForestClassifier(5, random_state=0), scaled=False)
    ran = run(version, pipeline, frame)
    assert ran[0]["columns"] == NASTY
    assert ran[0]["classes"] == list(version.data.classes)
    check(version, pipeline, ran)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in code(version.record, pipeline)


@pytest.fixture
def own():
    """Every class of this service that a pipeline may have."""
    from app.pipelines.autokeras.network import NetworkClassifier, NetworkRegressor
    from app.pipelines.convolutions import RandomConvolutions
    from app.pipelines.encoders import DateEncoder, TextEncoder
    from app.pipelines.pixels import Pixels
    from app.pipelines.portfolio.ensemble import EnsembleRegressor
    from app.pipelines.tsfresh.relative import RelativeToLast
    from app.pipelines.tsfresh.select import RelevantFeatures

    return [
        TextEncoder(letters=True),
        DateEncoder(),
        Pixels(8, 8),
        RandomConvolutions(n_features=84),
        RelevantFeatures("regression"),
        RelativeToLast(Ridge()),
        NetworkClassifier(hyperparameters={"a/b": 1, "c": None}),
        NetworkRegressor(kind="series"),
        EnsembleRegressor([("one", Ridge(), 0.5), ("two", Ridge(), 0.5)]),
    ]


def test_every_class_of_the_service_is_written_out_whole(own, table, tmp_path):
    version = Version.of(table[["amount", "bought"]], target="bought")
    steps = [(f"step{number}", estimator) for number, estimator in enumerate(own)]
    path = tmp_path / "again.py"
    path.write_text(code(version.record, FeatureUnion(steps)), encoding="utf-8")
    assert "Written for python 3.11, scikit-learn 1.9.1, keras 3.15.1." in path.read_text()
    assert not re.search(r"^\s*(from|import) app\b", path.read_text(), re.MULTILINE)
    # Names that nothing defines, and such as are defined twice.
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821,F811,E9", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    built = runpy.run_path(str(path))["build"]()
    assert [repr(step) for _, step in built.transformer_list] == [repr(step) for step in own]


def test_a_pipeline_that_no_expression_makes_is_a_file_that_says_so(table):
    version = Version.of(table[["amount", "bought"]], target="bought")
    text = code(version.record, make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression()))
    with pytest.raises(SystemExit, match="function cannot be written"):
        exec(compile(text, "again.py", "exec"), {})  # noqa: S102  what the file is for


def test_the_file_of_a_forecasting_computes_what_its_training_computed(tables):
    frame = pd.DataFrame({"shop": "a", "day": range(40), "sold": np.sin(np.arange(40.0))})
    series = {"extract_features": {"column_id": "shop", "column_sort": "day"}, "forecast": {"window": 5}}
    inputs = tables(frame, task="forecasting", target="sold", model="sklearn.linear_model.Ridge", **series)
    dataset = Dataset(assemble(inputs), Clock(60.0), silent)
    trial = Trial("ridge", "sklearn", dataset.problem().pipeline(Ridge(), scaled=True))
    (version,) = Build(dataset, "job").provisional(trial, [])
    assert version.record.parameters["extract_features"]["default_fc_parameters"] == "MinimalFCParameters()"
    assert "FEATURES = MinimalFCParameters()" in version.report["code"]
