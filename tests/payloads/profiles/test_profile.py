"""What is told of an upload before a training: kinds, spreads, roles, what to look at."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app.errors import InvalidData
from app.payloads import frames
from app.payloads.parameters import TrainParameters, check
from app.payloads.profiles.table import MOST_COLUMNS, MOST_ROWS, profile
from app.payloads.uploads import Upload
from tests import kinds


def read(data, settings, name="table.csv", part="raw_data"):
    content = data if isinstance(data, bytes) else data.to_csv(index=False).encode()
    return frames.read(Upload(part, content, "", name), settings)


@pytest.fixture
def look(settings):
    """Profile a table, with labels where they are given, and parameters."""

    def told(data, labels=None, name="table.csv", **parameters):
        frame = read(data, settings, name)
        apart = None if labels is None else read(labels, settings, "labels.csv", "labels")
        return profile(frame, apart, check(TrainParameters, {"pipeline_id": "p", **parameters}))

    return told


def columns(found):
    return {column.name: column for column in found.columns}


def test_kinds_are_those_that_a_training_infers_and_missing_values_are_counted(look):
    found = columns(look(kinds.customers()))
    inferred = {name: column.kind for name, column in found.items()}
    assert inferred == {
        "customer": "category", "age": "number", "since": "date", "city": "category", "plan": "category",
        "member": "boolean", "note": "text", "leaves": "category",
    }  # fmt: skip
    assert found["age"].missing == 27
    assert found["age"].least < found["age"].middle < found["age"].most
    assert sum(found["age"].counts) == 240 - 27
    assert (found["since"].least, found["since"].most) == ("2019-01-01", "2019-08-28")
    assert dict(found["plan"].top).keys() == {"basic", "full"}
    assert dict(found["member"].top).keys() == {"true", "false"}
    assert len(found["note"].examples) == 3


def test_a_kind_that_somebody_says_is_taken_and_one_that_does_not_fit_is_told(look):
    found = columns(look(kinds.customers(), columns={"age": "category", "city": "number"}))
    assert found["age"].kind == "category"
    assert found["city"].kind == "category"
    assert "cannot be read as number" in found["city"].notes[0]


def test_what_says_nothing_or_tells_rows_apart_is_noted(look):
    frame = pd.DataFrame(
        {
            "code": [f"c{row}" for row in range(100)],
            "same": 1,
            "gone": [None] * 99 + [2.5],
            "empty": None,
            "many": [f"m{row % 50}" for row in range(100)],
        }
    )
    notes = {name: " ".join(column.notes) for name, column in columns(look(frame)).items()}
    assert "identifies rows" in notes["code"]
    assert "same value" in notes["same"]
    assert "missing" in notes["gone"]
    assert "empty" in notes["empty"]
    assert not notes["many"]
    assert not columns(look(frame, id_column="code"))["code"].notes


def test_rows_that_are_there_twice_but_for_an_id_are_told(look):
    frame = pd.DataFrame({"row_id": range(40), "x": np.arange(40) % 20, "y": np.arange(40) % 20})
    assert "20 of the rows" in look(frame).warnings[0]
    assert not look(frame.head(20)).warnings


def test_classes_are_counted_once_a_target_is_known_and_unequal_ones_are_told(look):
    frame = kinds.customers()
    assert look(frame).target is None
    target = look(frame, target="leaves").target
    assert (target.name, target.task, target.samples) == ("leaves", "classification", 240)
    assert target.counts == frame["leaves"].value_counts().to_dict()
    rare = pd.DataFrame({"x": range(1000), "y": ["no"] * 994 + ["yes"] * 6})
    assert any("unequal" in warning for warning in look(rare, target="y").warnings)
    numbers = look(kinds.spending(), target="spent").target
    assert (numbers.task, numbers.counts) == ("regression", {})
    assert numbers.described.least < numbers.described.most


def test_what_a_training_warns_of_is_told_before_it(look):
    frame = pd.DataFrame({"x": np.arange(60) % 7, "after": ["a", "b"] * 30, "y": ["no", "yes"] * 30})
    assert any("after alone tells the labels" in warning for warning in look(frame, target="y").warnings)


def test_what_does_not_fit_is_told_and_the_data_is_shown_all_the_same(look):
    found = look(kinds.customers(), target="nothing")
    assert found.misfit["errors"][0]["pointer"] == "/params/target"
    assert found.target is None
    assert len(found.columns) == 8
    labels = pd.DataFrame({"customer": ["other"], "label": ["a"]})
    assert "labels" in look(kinds.customers(), labels, id_column="customer").misfit["errors"][0]["pointer"]


@pytest.mark.parametrize("with_time", [True, False])
def test_long_tables_are_told_from_plain_ones(look, with_time):
    frame = pd.DataFrame(
        {"machine_id": np.repeat(np.arange(8), 20), "time": np.tile(np.arange(20), 8), "value": np.arange(160) % 7}
    )
    roles = look(frame if with_time else frame.drop(columns="time")).roles
    assert (roles.column_id, roles.series, roles.length) == ("machine_id", 8, 20)
    assert roles.column_sort == ("time" if with_time else None)
    assert (roles.column_kind, roles.target) == (None, None)


@pytest.mark.parametrize("identity", ["machine_id", "machine"])
def test_the_ids_of_series_may_be_text(look, identity):
    frame = pd.DataFrame(
        {
            identity: np.repeat([f"m{number}" for number in range(8)], 20),
            "time": np.tile(np.arange(20), 8),
            "value": np.arange(160) % 7,
        }
    )
    roles = look(frame).roles
    assert (roles.column_id, roles.column_sort, roles.series) == (identity, "time", 8)


def test_a_text_that_repeats_does_not_make_series_of_rows(look):
    draw, rows = np.random.default_rng(0), 400
    long = [f"a rather long name of a kind of goods, number {number}" for number in range(12)]
    plain = pd.DataFrame(
        {
            "goods": draw.choice(long, rows),
            "price": draw.normal(10, 3, rows).round(2),
            "weight": draw.integers(1, 9, rows),
            "year": draw.integers(2000, 2020, rows),
        }
    )
    assert look(plain).roles is None
    # Nor in any order of them, numbered or not, nor beside a day on which some of them were sold.
    assert look(plain.sort_values(["goods", "year"]).assign(number=range(rows))).roles is None
    priced = plain.drop_duplicates(["goods", "price"])[["goods", "price"]]
    priced = priced.assign(rating=draw.normal(size=len(priced))).sort_values(["goods", "price"])
    assert priced["price"].duplicated().any()
    assert look(priced).roles is None
    days = pd.Series(pd.date_range("2020-01-01", periods=40).strftime("%Y-%m-%d")).repeat(10).to_list()
    assert look(plain.assign(day=days)).roles is None


def test_stacked_signals_and_the_label_of_a_series_are_told(look):
    frame = pd.DataFrame(
        {
            "run": np.repeat(np.arange(10), 40),
            "time": np.tile(np.repeat(np.arange(20), 2), 10),
            "sensor": ["left", "right"] * 200,
            "value": np.random.default_rng(0).normal(size=400),
            "broken": np.repeat(["no", "yes"] * 5, 40),
        }
    )
    roles = look(frame).roles
    found = (roles.column_id, roles.column_sort, roles.column_kind, roles.column_value, roles.target)
    assert found == ("run", "time", "sensor", "value", "broken")


@pytest.mark.parametrize("name", ["penguins", "diabetes"])
def test_plain_tables_are_no_series(look, name):
    frame = pd.read_csv(f"data/{name}.csv")
    assert look(frame).roles is None
    # Nor are they when they are in the order of a column of few values.
    assert look(frame.sort_values(frame.columns[1]).assign(id=range(len(frame)))).roles is None


def test_series_are_drawn_in_their_order_some_of_each_class(look):
    frame = kinds.sales().sample(frac=1, random_state=0)
    series = {"column_id": "store", "column_sort": "day"}
    found = look(frame, extract_features=series, task="forecasting", target="sales")
    assert {trace.series for trace in found.traces} == set(map(str, frame["store"].unique()))
    assert all(list(trace.x) == sorted(trace.x) for trace in found.traces)


def test_images_are_shown_small_some_of_each_folder(look):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for number in range(20):
            picture = io.BytesIO()
            Image.new("RGB", (300, 200), (number, 0, 0)).save(picture, "PNG")
            archive.writestr(f"{'cats' if number < 15 else 'dogs'}/{number}.png", picture.getvalue())
    found = look(sink.getvalue(), name="animals.zip", target="folder")
    assert found.images
    assert [picture.label for picture in found.pictures].count("dogs") == 5
    assert columns(found)["image"].examples == ("300 x 200 pixels, in colour",)
    assert found.target.counts == {"cats": 15, "dogs": 5}


def test_of_a_large_table_a_part_is_looked_at(look):
    rows = MOST_ROWS + 20_000
    found = look(pd.DataFrame({"x": np.arange(rows) % 50, "y": np.arange(rows) % 2}), target="y")
    assert (found.rows, found.looked_at) == (rows, MOST_ROWS)
    assert columns(found)["x"].distinct == 50
    wide = look(pd.DataFrame({f"c{number}": [1, 2] for number in range(MOST_COLUMNS + 50)}))
    assert (len(wide.names), len(wide.columns)) == (MOST_COLUMNS + 50, MOST_COLUMNS)


@pytest.mark.parametrize(
    "values",
    [[1e308, -1e308], [5e-324, 0.0], [2**53, 2**53 + 2], [1.0, 1.0 + 2**-52], [None, None], ["", " "], [True, None]],
)
def test_values_at_the_ends_of_what_numbers_hold_are_told(look, values):
    assert look(pd.DataFrame({"x": values, "y": [1, 2]})).columns[0].name == "x"


def test_a_table_that_a_training_refuses_is_refused(look):
    with pytest.raises(InvalidData):
        look(b"a,a\n1,2\n")
