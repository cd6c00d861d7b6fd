"""The form that starts a training: what it makes, what is guessed, what is found wrong."""

import pytest
from werkzeug.datastructures import MultiDict

from app.errors import NotFound, ServiceError
from app.pages.training import checks, command, fields, guesses, known, samples, sheet
from app.pages.training.fields import Form, Seen
from app.payloads import strict_yaml
from app.payloads.parameters import Task, TrainParameters, check
from app.pipelines import metrics, registry

#: Names that a column may have, each of which some YAML reads as something else.
HOSTILE = [
    "1e3", "-.5", "012", "no", "y", "~", "null", "1_000", "2020-01-31", "=", "<<", "a: b", "a #b", "- a", "'", '"',
    "{a}", "[a", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "a\tb", "a\nb", " a ", "\\", "é", "日本", "\x85",
    "<img src=x onerror=alert(1)>", "</script>", "{{ 7 }}", "a,b", "12345678901234567890",
]  # fmt: skip


def form(**values):
    return Form.of(MultiDict({"pipeline_id": "p", **values}))


def made(**values):
    return fields.parameters(form(**values))


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_a_column_is_read_back_as_it_is(name):
    written = sheet.written({"pipeline_id": "p", "target": name, "columns": {name: "text"}})
    assert strict_yaml.loads(written.encode(), "params") == {
        "pipeline_id": "p",
        "target": name,
        "columns": {name: "text"},
    }


def test_what_is_left_alone_is_left_out():
    assert made() == {"pipeline_id": "p"}
    assert made(pipeline_id="7") == {"pipeline_id": 7}


def test_a_table_with_all_of_its_choices():
    sent = MultiDict({"pipeline_id": "p", "target": "y", "id_column": "id", "engine": "named", "model": "m"})
    sent.update({"metric": "f1", "seconds": "30", "candidates": "x", "groups": "g", "seed": "3", "explain_rows": "0"})
    sent.add("kinds", "")
    sent.add("kinds", '["zip", "category"]')
    assert fields.parameters(Form.of(sent)) == {
        "pipeline_id": "p",
        "target": "y",
        "id_column": "id",
        "columns": {"zip": "category"},
        "groups": "g",
        "seed": 3,
        "model_training": {"model": "m", "metric": "f1"},
        "explain": {"rows": 0},
        "limits": {"seconds": 30, "candidates": "x"},
    }


def test_series_and_forecasts_have_columns_of_their_own():
    series = {"column_id": "run", "column_sort": "time", "features": "MinimalFCParameters()", "select": "1"}
    of_series = {"column_id": "run", "column_sort": "time", "default_fc_parameters": "MinimalFCParameters()"}
    told = made(shape="series", id_column="gone", **series)
    assert told == {"pipeline_id": "p", "extract_features": {**of_series, "select": True}}
    forecast = made(task="forecasting", target="sold", horizon="7", **series)
    assert forecast["forecast"] == {"horizon": 7}
    assert forecast["extract_features"] == of_series
    # What was filled in for series is not taken of rows.
    assert made(shape="rows", horizon="7", **series) == {"pipeline_id": "p"}


@pytest.mark.parametrize(
    ("values", "seen", "model"),
    [
        ({"engine": "tpot"}, Seen(task=Task.CLASSIFICATION), "tpot.TPOTClassifier"),
        ({"engine": "tpot"}, Seen(task=Task.REGRESSION), "tpot.TPOTRegressor"),
        ({"engine": "tpot", "task": "forecasting"}, Seen(), "tpot.TPOTRegressor"),
        ({"engine": "autokeras"}, Seen(looks_at="image"), "autokeras.ImageClassifier"),
        ({"engine": "autokeras", "task": "regression"}, Seen(looks_at="text"), "autokeras.TextRegressor"),
        ({"engine": "autokeras", "shape": "series"}, Seen(), "autokeras.TimeseriesClassifier"),
        ({"engine": "autokeras", "task": "forecasting"}, Seen(), "autokeras.StructuredDataRegressor"),
    ],
)
def test_an_engine_and_the_data_come_to_a_model_that_there_is(values, seen, model):
    told = fields.parameters(Form.of(MultiDict({"pipeline_id": "p", "seen": seen.as_text(), **values})))
    assert told["model_training"] == {"model": model}
    assert model in known.MODELS


def test_the_models_are_those_of_the_registry_with_their_tasks():
    engines = [registry._load(name) for name in registry.ENGINES]
    assert {model: engine.task(model) for engine in engines for model in engine.models()} == known.MODELS


def test_the_metrics_fit_their_task():
    assert set(known.METRICS[Task.CLASSIFICATION]) <= set(metrics.known_names(2))
    assert set(known.METRICS[Task.REGRESSION]) <= set(metrics.known_names(0))


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"columns": 3}', '{"task": "x"}', "null", '{"columns": [[]]}'])
def test_whatever_comes_back_for_what_was_seen_is_read(text):
    assert isinstance(Seen.of(text), Seen)
    assert Form.of(MultiDict({"kinds": text})).series is False


def test_what_was_seen_comes_back_as_it_was():
    seen = Seen("a.csv", "b.csv", ("x", "</script>"), ("id", "y"), Task.REGRESSION, "text", True)
    assert Seen.of(seen.as_text()) == seen


def test_a_sheet_follows_the_form_until_somebody_writes_in_it():
    sent = MultiDict({"pipeline_id": "a"})
    first = sheet.of(sent, Form.of(sent))
    sent = MultiDict({"pipeline_id": "b", "yaml": first.text.replace("\n", "\r\n"), "made": first.mark})
    assert sheet.of(sent, Form.of(sent)).text == "pipeline_id: b\n"
    sent["yaml"] = "pipeline_id: c"
    by_hand = sheet.of(sent, Form.of(sent))
    assert (by_hand.text, by_hand.by_hand) == ("pipeline_id: c", True)
    sent["made"] = by_hand.mark
    assert sheet.of(sent, Form.of(sent)).by_hand
    assert sheet.of(sent, Form.of(sent), again=True).text == "pipeline_id: b\n"


SEEN = Seen("a.csv", columns=("id", "x", "species"))


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("pipeline_id: ''", "pipeline_id", "letters"),
        ("{pipeline_id: p, target: y, limits: {seconds: 1}}", "seconds", "must be at least 5"),
        ("{pipeline_id: p, target: species, model_training: {model: sklearn.tree.Nothing}}", "model", "unknown"),
        ("{pipeline_id: p, target: specie}", "target", "did you mean species"),
        ("pipeline_id: p", "target", "choose a column"),
        ("{pipeline_id: p, target: x, id_column: nr}", "id_column", "not a column"),
        ("{pipeline_id: p, target: x, task: regression, model_training: {model: tpot.TPOTClassifier}}", "task", "not"),
        (
            "{pipeline_id: p, target: x, extract_features: {column_id: id, default_fc_parameters: All}}",
            "features",
            "unknown",
        ),
        ("!!python/object:os.system {}", "", "tags are not read"),
        ("a: &b 1\nc: *b", "", "anchors"),
        ("{pipeline_id: p, nothing: 1}", "", "not a parameter"),
        ("[", "", "YAML"),
        ("\x00", "", "YAML"),
        ("pipeline_id: p\n" + "#" * 70_000, "", "larger"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(text, field, word):
    found, _ = checks.findings(text, SEEN)
    assert found[0].field == field
    assert word in found[0].detail


def test_parameters_that_are_right_are_found_right():
    found, parameters = checks.findings("{pipeline_id: p, target: species, id_column: id}", SEEN)
    assert not found
    assert parameters.target == "species"


@pytest.mark.parametrize("name", samples.available())
def test_an_example_is_found_right(name):
    assert checks.findings(samples.text(name), Seen())[0] == []


def test_no_file_but_an_example_is_shown():
    for name in ("../requirements.txt", "nothing.yml", ""):
        with pytest.raises(NotFound):
            samples.text(name)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("penguins.csv", "penguins"),
        ("C:\\data\\Sales 2024 (final).csv", "Sales-2024-final"),
        ("日本.csv", "model"),
        ("", "model"),
        ("-.csv", "model"),
        ("x" * 200 + ".csv", "x" * 64),
        (".hidden", "model"),
    ],
)
def test_a_pipeline_is_named_as_its_file_as_far_as_names_go(file, name):
    assert guesses.named(file) == name
    assert check(TrainParameters, {"pipeline_id": name})


def test_the_command_names_the_files_so_that_a_shell_and_curl_read_them():
    told = command.curl("http://host:1/", Seen("a b;c'.csv", "l.csv"), "p", keys_needed=True)
    assert told.startswith("curl -F 'raw_data=@\"a b;c'\"'\"'.csv\"'")
    assert "-F labels=@l.csv" in told
    assert "$API_KEY" in told
    assert told.endswith("http://host:1/train_pipeline")


def test_reading_raises_nothing_but_errors_of_the_service():
    for text in ("", "null", "1", "a: [", "{pipeline_id: {}}", "pipeline_id: p\nexplain: {method: nothing}"):
        with pytest.raises(ServiceError):
            checks.read(text)
