"""Tables and labels that can be read and do not fit: pointed at, and nothing changed."""

import pytest

IDS = list(range(20))
HEIGHTS = [0.5 * row for row in IDS]
CLASSES = ["no", "yes"] * 10


def csv(header, rows):
    return "\n".join([header, *rows]).encode()


def split(columns):
    return {"columns": columns, "data": [[row, 0.5 * row, 1] for row in IDS]}


@pytest.mark.parametrize(
    ("raw_data", "file", "status", "pointers"),
    [
        pytest.param(b"not json", "a.json", 400, [], id="not JSON"),
        pytest.param(b"", "a.json", 400, [], id="an empty file"),
        pytest.param(b'{"id": [1, NaN]}', "a.json", 400, [], id="NaN"),
        pytest.param(b'{"id": [1, -Infinity]}', "a.json", 400, [], id="Infinity"),
        pytest.param(b'{"id": [1], "id": [2]}', "a.json", 400, [], id="a column twice in JSON"),
        pytest.param(b"[" * 100_000, "a.json", 400, [], id="nested deep"),
        pytest.param(b'{"id": [' + b"9" * 5000 + b"]}", "a.json", 400, [], id="a number of 5000 digits"),
        pytest.param(rb'{"id": ["\ud800"]}', "a.json", 400, [], id="a lone surrogate"),
        pytest.param(5, "a.json", 400, [], id="a number"),
        pytest.param([1, 2], "a.json", 400, [], id="a list of numbers"),
        pytest.param({"id": IDS, "height": "x" * 20}, "a.json", 400, [], id="a column that is text"),
        pytest.param({"columns": "id", "data": []}, "a.json", 400, [], id="split with a text for columns"),
        pytest.param({"id": IDS, "height": HEIGHTS[:-1]}, "a.json", 422, ["/raw_data/height"], id="ragged columns"),
        pytest.param({"id": {"0": 1}, "height": {"1": 1}}, "a.json", 422, ["/raw_data/height"], id="other row names"),
        pytest.param(
            {"columns": ["id"], "data": [[1], [1, 2]]}, "a.json", 422, ["/raw_data/data/1"], id="ragged split"
        ),
        pytest.param(split(["id", "height", "id"]), "a.json", 422, ["/raw_data/id"], id="a column twice in split"),
        pytest.param(split(["id", "height", 3]), "a.json", 422, ["/raw_data"], id="a column without a name"),
        pytest.param({}, "a.json", 422, ["/raw_data"], id="no columns"),
        pytest.param([], "a.json", 422, ["/raw_data"], id="no records"),
        pytest.param({"id": [], "height": []}, "a.json", 422, ["/raw_data"], id="no rows"),
        pytest.param({"key": IDS, "height": HEIGHTS}, "a.json", 422, ["/raw_data/id"], id="no id column"),
        pytest.param({"id": IDS}, "a.json", 422, ["/raw_data"], id="nothing to learn from"),
        pytest.param({"id": [0, *IDS[:-1]], "height": HEIGHTS}, "a.json", 422, ["/raw_data/id"], id="an id twice"),
        pytest.param({"id": [None, *IDS[1:]], "height": HEIGHTS}, "a.json", 422, ["/raw_data/id"], id="an empty id"),
        pytest.param({"id": IDS, "height": [True, "x"] * 10}, "a.json", 422, ["/raw_data/height"], id="mixed values"),
        pytest.param({"id": IDS, "height": [[1]] * 20}, "a.json", 422, ["/raw_data/height"], id="lists for values"),
        pytest.param({"id": IDS, "a/b~": [[1]] * 20}, "a.json", 422, ["/raw_data/a~1b~0"], id="a name to be escaped"),
        pytest.param(b'{"id": [1], "height": [1e999]}', "a.json", 422, ["/raw_data/height"], id="an overflow"),
        pytest.param(
            b'{"id": [1], "height": [' + b"9" * 400 + b"]}", "a.json", 422, ["/raw_data/height"], id="a huge integer"
        ),
        pytest.param({"id": IDS, "": HEIGHTS}, "a.json", 422, ["/raw_data"], id="an empty name"),
        pytest.param({"id": IDS, "x" * 201: HEIGHTS}, "a.json", 422, ["/raw_data"], id="a long name"),
        pytest.param(b"", "a.csv", 400, [], id="an empty CSV"),
        pytest.param(b"id,height\n\xff,1", "a.csv", 400, [], id="CSV not UTF-8"),
        pytest.param(b'id,height\n"1,1', "a.csv", 400, [], id="CSV with an open quote"),
        pytest.param(csv("id,height", ["1,2,3"]), "a.csv", 422, ["/raw_data"], id="ragged CSV"),
        pytest.param(csv("id,height", ["1"]), "a.csv", 422, ["/raw_data"], id="CSV with a short row"),
        pytest.param(csv("id,id", ["1,2"]), "a.csv", 422, ["/raw_data/id"], id="a column twice in CSV"),
        pytest.param(csv("id,height", []), "a.csv", 422, ["/raw_data"], id="CSV without rows"),
        pytest.param(csv("id,height", ["1,inf"]), "a.csv", 422, ["/raw_data/height"], id="CSV with infinity"),
        pytest.param(b"PAR1", "a.parquet", 400, [], id="Parquet cut off"),
        pytest.param(b"ARROW1", "a.arrow", 400, [], id="Arrow cut off"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff\xff\x7f", "a.arrow", 400, [], id="an Arrow stream of nothing"),
        pytest.param(b"\x80\x04K\x01.", "a.pkl", 415, [], id="a pickle"),
        pytest.param(b"PK\x03\x04", "a.xlsx", 415, [], id="a workbook"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(refused, training, raw_data, file, status, pointers):
    refused(status, *pointers, **training(raw_data=raw_data, file=file))


@pytest.mark.parametrize(
    ("labels", "pointers", "words"),
    [
        pytest.param(
            {"id": IDS[2:], "label": CLASSES[2:]},
            ["/labels/0", "/labels/1"],
            "2 id(s) are without a label: 0, 1.",
            id="ids without a label",
        ),
        pytest.param(
            {"id": [*IDS, 99], "label": [*CLASSES, "no"]},
            ["/labels/99"],
            "1 id(s) are labelled, and not in raw_data: 99.",
            id="ids that are not in the data",
        ),
        pytest.param(
            {"id": [*IDS, 3], "label": [*CLASSES, "no"]},
            ["/labels/3"],
            "1 id(s) are labelled more than once: 3.",
            id="ids labelled twice",
        ),
        pytest.param(
            {"id": IDS, "label": [None, *CLASSES[1:]]},
            ["/labels/0"],
            "1 id(s) are with an empty label: 0.",
            id="an empty label",
        ),
        pytest.param({"id": IDS, "label": ["no"] * 20}, ["/labels"], "single class", id="a single class"),
        pytest.param({"id": IDS, "label": [None] * 20}, None, "empty label", id="no label at all"),
        pytest.param({"id": IDS, "label": ["no"] * 16 + ["yes"] * 4}, ["/labels"], "yes", id="a class of four rows"),
        pytest.param({"key": IDS, "label": CLASSES}, ["/labels/id"], "column", id="no id column"),
        pytest.param({"id": IDS}, ["/labels"], "one more", id="no label column"),
        pytest.param({"id": IDS, "label": CLASSES, "x": IDS}, ["/labels"], "one more", id="two label columns"),
        pytest.param({"id": list(map(str, IDS)), "label": CLASSES}, ["/labels/id"], "kinds", id="ids of another kind"),
        pytest.param({"id": [], "label": []}, ["/labels"], "no rows", id="no rows"),
    ],
)
def test_labels_that_do_not_fit_are_refused_and_the_ids_listed(refused, training, labels, pointers, words):
    problem = refused(422, *pointers or [], **training({"target": "label"} if "key" in labels else {}, labels=labels))
    assert words in problem["detail"]


def test_labels_that_are_not_json_are_refused(refused, training):
    assert "labels" in refused(400, **training(labels=b"{"))["detail"]


def test_numbers_of_a_regression_that_are_text_are_refused(refused, training):
    regressor = {"model_training": {"model": "sklearn.tree.DecisionTreeRegressor"}}
    refused(422, "/labels", **training(regressor))


@pytest.mark.parametrize(
    ("changes", "labels", "pointer"),
    [
        pytest.param({}, None, "/params/target", id="neither labels nor target"),
        pytest.param({"target": "nope"}, None, "/params/target", id="a target that is no column"),
        pytest.param({"target": "id"}, None, "/params/target", id="the id column as target"),
        pytest.param({"target": "id"}, {"id": IDS, "label": CLASSES}, "/params/target", id="the labels' ids as target"),
        pytest.param({"target": "nope"}, {"id": IDS, "label": CLASSES}, "/labels/nope", id="a target not in labels"),
        pytest.param({"id_column": None}, {"id": IDS, "label": CLASSES}, "/params/id_column", id="labels without ids"),
    ],
)
def test_a_target_or_id_column_that_cannot_be_is_pointed_at(refused, training, changes, labels, pointer):
    refused(422, pointer, **training(changes, labels=labels))


@pytest.mark.parametrize("name", ["column_sort", "column_kind", "column_value"])
def test_the_id_column_of_a_series_has_no_other_role(refused, series_training, name):
    refused(422, **series_training(**{name: "id"}))


@pytest.mark.parametrize("name", ["column_id", "column_sort", "column_kind", "column_value"])
def test_a_column_of_a_series_that_is_missing_is_pointed_at(refused, series_training, name):
    refused(422, "/raw_data/nope", **series_training(**{name: "nope"}))


DAYS = list(range(30))
SALES = {"shop": ["north"] * 30 + ["south"] * 30, "day": DAYS * 2, "sold": [day % 7 + 0.5 for day in DAYS] * 2}


@pytest.fixture
def forecasting(training):
    """Return a function that makes the options of a good forecasting; its arguments spoil them."""

    def options(raw_data=SALES, metric=None, window=8, horizon=2, labels=None, **series):
        parameters = {
            "id_column": None,
            "task": "forecasting",
            "target": "sold",
            "extract_features": {"column_id": "shop", "column_sort": "day"} | series,
            "forecast": {"window": window, "horizon": horizon},
            "model_training": {"model": "sklearn.linear_model.Ridge", "metric": metric},
        }
        return training(parameters, raw_data, labels=labels)

    return options


def test_the_forecasting_that_is_spoilt_here_is_accepted(client, forecasting):
    assert client.post("/train_pipeline", **forecasting()).status_code == 202


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        pytest.param({"window": 29}, "/params/forecast/window", "at least 31 values", id="a window and horizon"),
        pytest.param({"window": 40}, "/params/forecast/window", "at least 42 values", id="a window"),
        pytest.param({"window": 26, "horizon": 1}, "/params/forecast", "too short", id="windows of four times"),
        pytest.param({"labels": {"shop": ["north"], "x": [1]}}, "/labels", "has no labels", id="labels"),
        pytest.param({"metric": "f1"}, "/params/model_training/metric", "none of a forecasting", id="of classes"),
        pytest.param(
            {"column_kind": "shop", "column_id": None}, "/params/extract_features/column_kind", "", id="stacked"
        ),
        pytest.param(
            {"column_id": None, "raw_data": {name: SALES[name] for name in ("day", "sold")}},
            "/raw_data/day",
            "as column_id",
            id="two series taken for one",
        ),
    ],
)
def test_a_forecasting_that_cannot_be_is_refused_at_once(refused, forecasting, changes, pointer, words):
    assert words in refused(422, pointer, **forecasting(**changes))["detail"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"day": [0, *DAYS[:-1], *DAYS]}, "/raw_data/day", id="a time twice"),
        pytest.param({"day": ["soon"] * 60}, "/raw_data/day", id="times that are words"),
        pytest.param({"day": ["01/02/2020"] * 60}, "/raw_data/day", id="day or month first"),
        pytest.param({"day": [None, *DAYS[1:], *DAYS]}, "/raw_data/day", id="an empty time"),
        pytest.param({"sold": [None, *SALES["sold"][1:]]}, "/raw_data/sold", id="an empty value"),
    ],
)
def test_series_that_cannot_be_forecast_are_refused_at_once(refused, forecasting, changes, pointer):
    refused(422, pointer, **forecasting(SALES | changes))


def test_a_metric_that_cannot_measure_what_is_forecast_is_refused_at_once(refused, forecasting):
    returned = SALES | {"sold": [value - 3 for value in SALES["sold"]]}
    options = forecasting(returned, metric="neg_mean_squared_log_error")
    problem = refused(422, "/params/model_training/metric", **options)
    assert "neg_mean_squared_log_error" in problem["detail"]
