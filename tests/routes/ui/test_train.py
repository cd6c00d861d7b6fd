"""/ui/train without a browser: bad input is told, what is hostile comes out as text, and nothing is lost."""

import io
import re
from pathlib import Path

import orjson
import pandas as pd
import pytest

from tests import kinds

#: What must come out as text.
HOSTILE = "<img src=x onerror=alert(1)></script>\"'&"


@pytest.fixture
def post(client):
    """Send a form of the page, as htmx does."""
    token = re.search(r'"X-CSRF-Token": "([^"]+)"', client.get("/ui/train").text).group(1)

    def send(path="", files=None, **fields):
        data = {**fields, **{part: (io.BytesIO(content), name) for part, (name, content) in (files or {}).items()}}
        headers = {"X-CSRF-Token": token, "HX-Request": "true"}
        return client.post(f"/ui/train{path}", data=data, headers=headers, content_type="multipart/form-data")

    return send


def csv(frame, name="table.csv"):
    return name, frame.to_csv(index=False).encode()


PENGUINS = ("penguins.csv", (Path(__file__).parents[3] / "data" / "penguins.csv").read_bytes())
TREE = {"engine": "named", "model": "sklearn.tree.DecisionTreeClassifier", "explain_rows": "0"}


def test_a_training_starts_and_its_job_is_where_the_browser_goes(post, client):
    answer = post(files={"raw_data": PENGUINS}, pipeline_id="p", target="species", id_column="id", **TREE)
    assert answer.status_code == 204
    job = client.get(answer.headers["HX-Redirect"].replace("/ui/jobs", "/jobs")).json
    assert (job["modelId"], job["state"]) == ("p", "queued")


def test_what_somebody_has_written_is_what_is_trained(post, client):
    text = "pipeline_id: mine\ntarget: species\nmodel_training: {model: sklearn.tree.DecisionTreeClassifier}"
    post(files={"raw_data": PENGUINS}, pipeline_id="p", target="island", yaml=text, made="0")
    assert client.get("/jobs").json[0]["modelId"] == "mine"


def test_without_a_script_the_answer_is_a_redirect(client):
    page = client.get("/ui/train").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    unused = {f"unused{number}": "" for number in range(30)}
    data = {"csrf_token": token, "pipeline_id": "p", "target": "species", **TREE, **unused}
    answer = client.post("/ui/train", data={**data, "raw_data": (io.BytesIO(PENGUINS[1]), PENGUINS[0])})
    assert answer.status_code == 303
    assert "/ui/jobs/" in answer.headers["Location"]


@pytest.mark.parametrize(
    ("file", "status", "word"),
    [
        (("book.xlsx", b"PK\x03\x04" + bytes(50)), 415, "workbook"),
        (("book.zip", b"PK\x03\x04" + bytes(50)), 400, "archive"),
        (("empty.csv", b""), 400, "not a CSV"),
        (("header.csv", b"a,b\n"), 422, "no rows"),
        (("binary.csv", bytes(range(256)) * 10), 400, "UTF-8"),
        (("binary", bytes(range(1, 256)) * 10), 415, "format"),
        (("twice.csv", b"a,a\n1,2\n"), 422, "more than once"),
        (("ragged.csv", b"a,b\n1,2\n1\n"), 422, "ragged"),
        (("a.json", b'{"a": [1, 2], "b": [1]}'), 422, "ragged"),
        (("a.parquet", b"PAR1" + bytes(100)), 400, "Parquet"),
        (("a.png", b"\x89PNG\r\n\x1a\n" + bytes(20)), 422, "image"),
    ],
)
def test_a_file_that_is_not_read_is_told(post, file, status, word):
    for path in ("/look?new=", ""):
        answer = post(path, {"raw_data": file}, pipeline_id="p", target="a")
        assert (answer.status_code, "<html" in answer.text) == (status, False), answer.text
        assert word.lower() in answer.text.lower()


def test_no_file_is_told(post):
    for path in ("", "/look"):
        answer = post(path, pipeline_id="p", target="species")
        assert answer.status_code == 422
        assert "Choose the file" in answer.text


def test_one_column_is_looked_at_and_refused_as_the_service_refuses_it(post):
    file = {"raw_data": ("one.csv", b"y\n" + b"a\nb\n" * 20)}
    assert post("/look?new=", file).status_code == 200
    assert post("", file, pipeline_id="p", target="y", **TREE).status_code == 422


@pytest.mark.parametrize("name", [HOSTILE, "{{ 7*7 }}", "a\nb", "x" * 200])
def test_hostile_names_come_out_as_text(post, name):
    series = pd.DataFrame({"run_id": [row // 20 for row in range(200)], name: [row % 7 for row in range(200)]})
    table = kinds.customers().rename(columns={"city": name}).assign(leaves=lambda frame: frame["leaves"] + name)
    named = {"yaml": f"pipeline_id: p\ntarget: {orjson.dumps(name).decode()}\n", "made": "0"}
    for frame, fields in (
        (table, {"target": "leaves", "kinds": orjson.dumps([name, "text"]).decode()}),
        (series, named),
    ):
        for file in ("table.csv", f"{name[:100].splitlines()[0]}.csv"):
            answer = post("/look?new=", {"raw_data": csv(frame, file)}, pipeline_id="p", **fields)
            assert answer.status_code == 200
            assert "<img src=x" not in answer.text
            assert '</script>"' not in answer.text
            assert "49" not in re.findall(r"\{\{.*?\}\}", answer.text)
    # In plotly's texts a name is escaped once more, as it reads HTML.
    figure = re.search(r'data-figure="([^"]+)"', post("/look?new=", {"raw_data": csv(series)}).text)
    if figure and "<" in name:
        assert r"\u0026lt;img" in figure.group(1)


def test_a_long_table_is_suggested_as_series_with_its_columns(post):
    frame = pd.DataFrame(
        {
            "machine": [row // 20 for row in range(200)],
            "time": list(range(20)) * 10,
            "value": [row % 7 for row in range(200)],
        }
    )
    text = post("/look?new=", {"raw_data": csv(frame)}).text
    assert "column_id: machine" in text
    assert "column_sort: time" in text
    assert "data-figure" in text
    assert "look like series" in text


def test_labels_that_do_not_match_are_told_and_do_not_hide_the_data(post):
    labels = pd.DataFrame({"id": [10_001, 10_002], "label": ["a", "b"]})
    answer = post("/look?new=", {"raw_data": PENGUINS, "labels": csv(labels, "labels.csv")})
    assert answer.status_code == 200
    assert "does not fit" in answer.text
    assert "bill_length_mm" in answer.text
    assert (
        post("", {"raw_data": PENGUINS, "labels": csv(labels)}, pipeline_id="p", id_column="id", **TREE).status_code
        == 422
    )


def test_a_new_file_forgets_what_was_said_of_the_last_and_keeps_what_fits(post):
    fields = {"target": "species", "pipeline_id": "mine", "suggested": "birds", "seconds": "30", "metric": "f1"}
    kept = post("/look?new=", {"raw_data": PENGUINS}, **fields).text
    assert "target: species" in kept
    assert "metric: f1" in kept
    other = post("/look?new=", {"raw_data": csv(kinds.customers())}, **fields).text
    assert "target: species" not in other
    assert "metric" not in re.search(r"<textarea[^>]*>(.*?)</textarea>", other, re.DOTALL).group(1)
    assert "pipeline_id: mine" in other
    assert "seconds: 30" in other


def test_a_limit_that_is_none_does_not_hide_the_data(post):
    answer = post("/look", {"raw_data": PENGUINS}, pipeline_id="p", target="species", seconds="never")
    assert "To predict: species" in answer.text
    assert "must be a whole number" in answer.text


def test_the_sheet_is_made_and_what_somebody_writes_stays(post):
    made = post("/sheet", pipeline_id="p", target="species")
    assert "target: species" in made.text
    mine = post("/sheet", pipeline_id="p", target="y", yaml="pipeline_id: q", made="0")
    assert mine.headers["HX-Retarget"] == "#checked"
    assert "by hand" in mine.text
    again = post("/sheet?again=", pipeline_id="p", target="y", yaml="pipeline_id: q", made="0")
    assert "HX-Retarget" not in again.headers
    example = post("/sheet?example=", example="penguins.yml", pipeline_id="p")
    assert "HistGradientBoostingClassifier" in example.text
    assert post("/sheet?example=", example="../app/auth.py").status_code == 404


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [id]", "a: &a [*a]", "\x00", "- 1", "x" * 70_000])
def test_parameters_that_are_not_read_are_told(post, text):
    assert "has to be settled" in post("/sheet", yaml=text, made="0").text
    assert post("", {"raw_data": PENGUINS}, yaml=text, made="0").status_code in (400, 413)


def test_many_columns_are_many_fields(post):
    frame = pd.DataFrame({f"c{number}": [1, 2, 3] for number in range(1_000)})
    fields = {f"extra{number}": "1" for number in range(330)}
    answer = post("/look?new=", {"raw_data": csv(frame)}, **fields)
    assert answer.status_code == 200
    assert "700 more columns" in answer.text


def test_an_upload_over_the_limit_is_told(post, client):
    client.application.config["MAX_CONTENT_LENGTH"] = 10_000
    answer = post("/look?new=", {"raw_data": ("large.csv", b"a,b\n" + b"1,2\n" * 4_000)})
    assert answer.status_code == 413
    assert "MiB" in answer.text


def test_without_the_token_nothing_starts(client):
    assert client.post("/ui/train", data={"pipeline_id": "p"}).status_code == 403
