"""The page of a model: of many classes, of names that would be markup, and of records that lack a report."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from app import create_app
from app.auth import digest
from app.pages.model import board, calling, classes, heading, meaning, settings, versions, weights
from app.pages.model.tree import question, tree
from app.store.artifact import Artifact
from app.store.record import Record, Version

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>'

CLASSES = [f"{NASTY} {number}" for number in range(40)]


def record(**changes):
    """A version of a classification of 40 classes of which nothing but the record is known."""
    known = {
        "pipeline_id": "nasty",
        "version": 0,
        "created_at": "2026-11-21T10:00:00+00:00",
        "job_id": "job",
        "engine": "sklearn",
        "task": "classification",
        "seed": 0,
        "result": {
            "modelId": "nasty",
            "modelType": f"Kind(a={NASTY!r})",
            "metric": "roc_auc",
            "classes": CLASSES,
            "trainShape": [400, 3],
            "trainTime": 2.5,
            "warnings": [NASTY],
        },
        "parameters": {"pipeline_id": "nasty", "target": NASTY, "model_training": {"model": NASTY}},
        "signature": {
            "columns": [
                {"name": NASTY, "kind": "category", "role": "feature", "summary": {"categories": [NASTY, "'b'"]}},
                {"name": "size", "kind": "number", "role": "feature", "summary": {"median": 2.0}},
            ],
            "id_column": None,
        },
        "metrics": {"folds": 2, "roc_auc": {"mean": 0.9, "std": 0.1, "folds": [0.8, 1.0]}},
        "holdout": {},
        "libraries": {"python": "3.11"},
        "times": {"fit": 1.0},
        "compiled": {"serves": "original", "why": NASTY},
    }
    return Record(**known | changes)


def holdout():
    """Where each class is taken for the next now and then."""
    matrix = [[8 if true == other else 2 if other == true + 1 else 0 for other in range(40)] for true in range(40)]
    report = {name: {"precision": 0.8, "recall": 0.8, "f1-score": 0.8, "support": 10.0} for name in CLASSES}
    return {
        "rows": 400,
        "roc_auc": 0.9,
        "classes": CLASSES,
        "confusion_matrix": matrix,
        "classification_report": report,
    }


def node(level, **more):
    return {"level": level, "rows": 10, "shares": [{"class": CLASSES[level], "share": 1.0}]} | more


def report():
    """All that a training may report, with names that would be markup."""
    ends, bins = [0.0, 1.0], [0.1, 0.9]
    return {
        "leaderboard": [
            {
                "rank": number,
                "row": number,
                "name": f"{name}{NASTY}",
                "engine": NASTY,
                "score": 1 / number,
                "fit_seconds": 1.0,
                "predict_seconds": 1.0,
                "size": 10,
                "error": None,
                "fold_scores": [0.5, 1.0],
            }
            for number, name in enumerate(["linear ", "forest ", "forest "], start=1)
        ],
        "curves": {
            "roc": [
                {"class": name, "auc": 0.5 + number / 100, "false_positive_rate": ends, "true_positive_rate": ends}
                for number, name in enumerate(CLASSES)
            ],
            "precision_recall": [
                {"class": name, "average_precision": 0.5, "share": 0.1, "precision": ends, "recall": ends}
                for name in CLASSES
            ],
            "calibration": [
                {"class": name, "brier": 0.1, "mean_predicted": bins, "fraction_of_positives": bins, "counts": [1, 2]}
                for name in CLASSES
            ],
            "gains": [{"class": name, "rows": ends, "positives": ends, "lift": [None, 1.0]} for name in CLASSES],
        },
        "importances": {
            "metric": NASTY,
            "rows": 10,
            "repeats": 2,
            "baseline": 0.9,
            "note": NASTY,
            "columns": [{"name": NASTY, "mean": 0.1, "std": 0.0, "values": [0.1, 0.1]}],
            "model": {
                "from": "coef_",
                "columns": [{"name": NASTY, "importance": 1.0}],
                "coefficients": {
                    "scaled": True,
                    "left_out": 3,
                    "inputs": [{"column": NASTY, "part": f"= {NASTY}", "values": [0.5, -0.5, 0.0]}],
                },
            },
        },
        "structure": {
            "text": NASTY,
            "html": NASTY,
            "graph": {
                "nodes": [
                    {"id": 0, "label": "data", "kind": "data", "params": {}},
                    {"id": 1, "label": NASTY, "kind": "model", "params": {NASTY: NASTY}},
                ],
                "edges": [[0, 1, NASTY]],
            },
        },
        "tree": {
            "model": "DecisionTreeClassifier",
            "trees": 1,
            "depth": 1,
            "leaves": 2,
            "scaled": False,
            "nodes": [
                node(0, input=0, column=NASTY, part=f"= {NASTY}", threshold=0.5, below=1, above=2),
                node(1),
                node(1),
            ],
            "rows": [{"id": NASTY, "true": NASTY, "nodes": [0, 2]}],
        },
        "examples": [
            {"id": NASTY, "label": NASTY, "signals": [{"name": NASTY, "place": [0, 1], "value": [0.0, 1.0]}]},
            {"id": 7, "label": CLASSES[0], "signals": [{"name": NASTY, "place": [0, 1], "value": [0.0, None]}]},
        ],
        "learning_curves": {NASTY: [1.0, 0.5], f"val_{NASTY}": [1.0, None]},
        "code": "pass",
    }


def residuals():
    """What a regression reports of its rows held out."""
    return {
        "bias": 0.1,
        "histogram": {"edges": [0.0, 1.0], "counts": [2]},
        "absolute_error": {"0.5": 0.1},
        "sample": {"predicted": [0.1, 0.2], "true": [0.1, 0.3]},
    }


class Page(HTMLParser):
    """Reads a page: what stands in its elements and in their attributes, and the figures among these."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.images, self.handlers, self.ids, self.figures, self.texts = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag == "script":
            self.scripts.append(known.get("src"))
        if tag == "img":
            self.images.append(known["src"])
        self.handlers += [name for name in known if name.startswith("on")]
        if "id" in known:
            self.ids.append(known["id"])
        if "data-figure" in known:
            self.figures.append(json.loads(known["data-figure"]))

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def texts(value):
    """Yield all texts of a figure."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


@pytest.fixture
def shown(client, publications):
    """Return a function that stores a version and shows its page."""

    def show(made, told, query=""):
        publications.publish(Version(made, Artifact({"format": "none"}, {"estimator": b"no model"}), told))
        answer = client.get(f"/ui/models/{made.pipeline_id}{query}")
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    return show


def test_names_that_would_be_markup_are_text_everywhere(shown):
    page = shown(record(holdout=holdout()), report())
    assert all(src and src.startswith("/static/") for src in page.scripts)
    assert all(src.startswith("/static/") for src in page.images)
    assert not page.handlers
    assert NASTY in page.text
    # plotly renders some HTML, of which only its own <extra> is ours.
    drawn = [text for figure in page.figures for text in texts(figure)]
    assert any("&lt;script" in text for text in drawn)
    assert not [text for text in drawn if "<" in text.replace("<extra></extra>", "")]


def test_of_forty_classes_the_worst_are_drawn_and_the_legend_has_six_lines(shown):
    page = shown(record(holdout=holdout()), report())
    roc = next(figure for figure in page.figures if "true positive rate" in texts(figure))
    assert len([trace for trace in roc["data"] if trace.get("showlegend", True)]) == 6
    assert "Of 40 classes the 6 that are told apart worst" in page.text
    assert len(next(figure for figure in page.figures if figure["data"][0]["type"] == "heatmap")["data"][0]["z"]) == 40


def test_gains_are_of_the_classes_whose_roc_is_drawn_in_the_same_colours():
    ends, names = [0.0, 1.0], list("abcdefgh")
    roc = [
        {"class": name, "auc": auc, "false_positive_rate": ends, "true_positive_rate": ends}
        for name, auc in zip(names, (0.9, 0.5, 0.8, 0.6, 0.99, 0.7, 0.98, 0.65), strict=True)
    ]
    gains = [{"class": name, "rows": ends, "positives": ends, "lift": [None, 1.0]} for name in names]
    for many in (8, 4):
        figures = {one["title"]: one for one in classes.figures({"roc": roc[:many], "gains": gains[:many]})}
        drawn = [
            [(trace["name"].partition(" ")[0], trace["line"]["color"]) for trace in figures[title]["data"][1:]]
            for title in ("ROC curve", "Cumulative gains")
        ]
        assert drawn[0] == drawn[1]
        assert len(drawn[0]) == min(many, 6)


def test_gains_of_a_version_from_before_there_were_those_of_several_classes_are_drawn():
    gains = {"class": "yes", "rows": [0.0, 1.0], "positives": [0.0, 1.0], "lift": [None, 1.0]}
    [figure] = classes.figures({"gains": gains})
    assert [trace["name"] for trace in figure["data"][1:]] == ["yes"]


@pytest.mark.parametrize(
    "changes",
    [
        {"provisional": True, "metrics": {}},
        {"metrics": {}, "signature": {}, "parameters": {}, "compiled": {}, "result": {}, "times": {}},
        {"task": "regression", "metrics": {"folds": 1, "r2": {"mean": None, "std": None, "folds": [None]}}},
    ],
    ids=["provisional", "bare", "unmeasured"],
)
def test_a_record_without_a_report_has_a_page(shown, changes):
    page = shown(record(**changes), {})
    assert {"versions", "parameters", "calls", "downloads"} <= set(page.ids)
    assert not page.figures


def leaves(value, before=()):
    """Yield the way to each name in JSON, into the first of a list alone."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*before, name)
            yield from leaves(inner, (*before, name))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*before, 0))


def without(value, way, instead):
    """Return JSON without what a way leads to, or with something else in its place."""
    name, *rest = way
    changed = list(value) if isinstance(value, list) else dict(value)
    if rest:
        changed[name] = without(changed[name], rest, instead)
    elif instead is None:
        changed[name] = None
    else:
        del changed[name]
    return changed


ROWS_CURVE = {"metric": "r2", "rows": [1, 2, 3], "held_out": [0.1] * 3, "learned_from": [0.2] * 3}


def complete(**changes):
    """A record that has all that it may have, of one class of its forty."""
    rows = holdout()
    of_one = dict(list(rows["classification_report"].items())[:1])
    return record(holdout=rows | {"classification_report": of_one}, **changes)


#: What a version may lack: parts of its report, and of what its record has of rows held out, folds and the training.
LACKING = [
    *(("report", *way) for way in leaves(report() | {"rows_curve": ROWS_CURVE})),
    *(("report", "curves", "residuals", *way) for way in leaves(residuals())),
    *((name, *way) for name in ("holdout", "metrics", "result") for way in leaves(getattr(complete(), name))),
]


@pytest.mark.parametrize("instead", [None, "nothing"])
def test_a_version_shows_what_there_is_whatever_its_report_lacks(client, publications, instead):
    told = report() | {"rows_curve": ROWS_CURVE}
    told["curves"]["residuals"] = residuals()
    for number, (kind, *way) in enumerate([("report", "nothing"), *LACKING]):
        made = complete(pipeline_id=f"lacking-{number}", job_id=f"job-{number}")
        lacking = told
        if kind == "report":
            lacking = without(told | {"nothing": 0}, way, instead)
        else:
            made = replace(made, **{kind: without(getattr(made, kind), way, instead)})
        publications.publish(Version(made, Artifact({"format": "none"}, {"estimator": b""}), lacking))
    whole = client.get("/ui/models/lacking-0").text
    for number, way in enumerate(LACKING, start=1):
        answer = client.get(f"/ui/models/lacking-{number}")
        assert answer.status_code == 200, way
        page = Page(answer.text)
        assert {"versions", "parameters", "calls", "downloads"} <= set(page.ids), way
        assert len(answer.text) > len(whole) / 4, way


def test_a_version_that_does_not_exist_is_told_and_no_number_is_refused(client, shown):
    shown(record(), {})
    assert client.get("/ui/models/nasty?version=7").status_code == 404
    assert client.get("/ui/models/nasty?version=x").status_code == 422
    assert client.get("/ui/models/none").status_code == 404
    assert client.get("/ui/models/nasty?with=x").status_code == 200


def test_fifty_versions_are_shown_within_a_fifth_of_a_second(client, publications):
    for number in range(50):
        made = record(job_id=f"job{number}", holdout=holdout())
        publications.publish(Version(made, Artifact({"format": "none"}, {"estimator": b""}), report()))
    client.get("/ui/models/nasty")
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        assert client.get("/ui/models/nasty").status_code == 200
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 0.2


def test_what_differs_between_versions_is_told_by_path():
    one = record(version=1, parameters={"folds": 5, "model_training": {"model": "a", "metric": None}})
    two = record(version=2, parameters={"folds": 5, "model_training": {"model": "b"}}, libraries={"python": "3.12"})
    found = versions.pair([one, two], 2, 2, None)
    assert (found["left"], found["right"]) == (2, 1)
    assert found["parameters"] == [("model_training.model", "b", "a")]
    assert found["facts"] == [("python", "3.12", "3.11")]
    assert versions.pair([one], 1, 1, None) is None
    assert versions.table([one, two], 1)[0]["differs"] == ["model_training.model: b"]


def test_a_candidate_is_of_the_kind_that_its_name_ends_in():
    names = ("linear 3", "linear", "histogram boosting 2", "sklearn.tree.ExtraTreeClassifier", "A > sub.Bayes(alpha=1)")
    assert [board.kind(name) for name in names] == [
        "linear", "linear", "histogram boosting", "ExtraTreeClassifier", "Bayes",
    ]  # fmt: skip


def test_kinds_come_by_their_best_score_whether_it_is_a_loss_or_not():
    def rows(*scores):
        return [
            {"rank": place, "row": place, "name": f"kind{place}", "score": score, "fold_scores": [score]}
            for place, score in enumerate(scores)
        ]

    for scores, expected in (
        ((0.1, 0.2, 0.15), ["kind0", "kind2", "kind1"]),
        ((0.9, 0.5, 0.7), ["kind0", "kind2", "kind1"]),
    ):
        figure = board.told(rows(*scores), record(), True)["figure"]
        assert figure["layout"]["yaxis"]["ticktext"] == expected


def test_a_loss_that_is_no_number_has_no_sentence():
    assert meaning.meaning("rmse", float("inf"), record()) == ""
    assert meaning.meaning("an unknown one", 0.5, record()) == ""
    assert "50" in meaning.meaning("roc_auc", 0.9, record(result={"classes": [0, 1]}))
    assert "worse than" in meaning.meaning("r2", -0.2, record())


def test_the_calls_hold_what_a_shell_and_python_read_as_the_same_values():
    made = record()
    calls = calling.calls(made, {}, "http://host", keyed=True)
    assert [call["title"] for call in calls] == ["Predict", "Explain"]
    body = re.search(r"-d '(.*)'\Z", calls[0]["curl"], re.DOTALL)[1].replace("'\\''", "'")
    assert json.loads(body)["data"] == [{NASTY: NASTY, "size": 2}]
    assert "$KEY" in calls[0]["curl"]
    compile(calls[1]["python"], "call", "exec")


def test_a_series_is_called_with_its_first_values_by_role():
    columns = [
        {"name": "who", "kind": "number", "role": "id", "summary": {}},
        {"name": "day", "kind": "date", "role": "sort", "summary": {"max": "2026-01-01T00:00:00"}},
        {"name": "what", "kind": "category", "role": "signal", "summary": {}},
        {"name": "value", "kind": "number", "role": "value", "summary": {}},
    ]
    kept = [{"id": 3, "label": 1, "signals": [{"name": "x", "place": [0, 1], "value": [0.5, 1.5]}]}]
    rows = calling.example(record(signature={"columns": columns}), {"examples": kept})
    assert rows[1] == {"who": 3, "day": "2026-01-02", "what": "x", "value": 1.5}


def test_parameters_are_written_without_what_is_not_set():
    assert settings.written({"a": None, "b": {"c": None}, "d": {"e": 0, "f": False}}) == "d:\n  e: 0\n  f: false\n"


def test_a_tree_says_yes_above_and_follows_the_row():
    told = report()["tree"]
    drawn = tree(told, record())
    root, first, second = drawn["nodes"]
    assert root.edges == [(first.y, "yes", True), (second.y, "no", False)]
    assert first.on
    assert not second.on
    assert [step["answer"] for step in drawn["steps"]] == ["yes"]
    assert [field["name"] for field in drawn["fields"]] == ["column.0"]


def test_a_question_keeps_what_a_long_column_is_compared_with():
    asked = {"input": 0, "column": "a" * 90, "part": "", "threshold": 0.09562}
    assert question(asked, 25).endswith("… ≤ 0.09562")
    assert len(question(asked, 25)) == 25


def test_coefficients_of_one_output_have_the_colour_of_their_sign():
    own = {"from": "coef_", "columns": [{"name": "a", "importance": 1.0}]}
    own["coefficients"] = {
        "scaled": False,
        "inputs": [{"column": "a", "part": "", "values": [value]} for value in (1, -1)],
    }
    found = weights.told({"model": own}, record(result={"classes": []}))["coefficients"]
    assert found["data"][0]["marker"]["color"] == ["var:--c0", "var:--c1"]
    assert "one unit" in found["means"]


def test_a_name_that_is_cut_keeps_its_end():
    assert classes.middle("class number 12") == "class number 12"
    assert classes.middle("a class with the number 12") == "a class …mber 12"


def test_a_model_of_images_is_called_with_a_file():
    columns = [{"name": "image", "kind": "image", "role": "feature", "summary": {}}]
    calls = calling.calls(record(signature={"columns": columns, "id_column": "file"}), {}, "http://host", keyed=False)
    assert "-F raw_data=@picture.png" in calls[0]["curl"]
    for call in calls:
        compile(call["python"], "call", "exec")


def test_the_levels_that_are_drawn_are_those_that_there_are():
    told = report()["tree"]
    assert len(tree(told, record(), levels=10**9)["nodes"]) == 3
    assert tree(told, record(), place=99)["steps"] == []
    typed = tree(told, record(), way=[0, 2], typed={"column.0": NASTY})
    assert (typed["whose"], typed["state"]) == ("These values", {"column.0": NASTY})


def test_a_reader_sees_the_tree_but_nothing_that_changes_or_asks(settings, publications):
    publications.publish(Version(record(), Artifact({"format": "none"}, {"estimator": b""}), report()))
    keys = {digest(role): role for role in ("read", "admin")}
    client = create_app(settings.model_copy(update={"api_keys": keys})).test_client()

    def page(role):
        answer = client.get("/ui/models/nasty", headers={"Authorization": f"Bearer {role}"})
        return answer.text

    for offered in ("Delete this model", "Artefact (signed)", "Follow these values", "Train again"):
        assert offered in page("admin"), offered
        assert offered not in page("read"), offered
    assert '<svg class="tree"' in page("read")


def test_the_heading_counts_what_the_model_has_learned_from():
    def counted(result, **changes):
        told = heading.told(record(result={"trainShape": [324, 10]} | result, **changes), {})
        return told["row"][1], told["column"]

    series = {"extract_features": {"column_id": "id"}}
    assert counted({}) == ("rows", "column")
    assert counted({"featureEngParams": {"column_id": "id"}}, parameters=series) == ("series", "feature")
    assert counted({"featureEngParams": None}, parameters=series) == ("series", "signal")
    forecast = counted({"featureEngParams": {"column_id": "id"}}, parameters=series, task="forecasting")
    assert forecast == ("rows", "feature")


def test_a_board_calls_printed_pipelines_by_their_steps_and_their_last_one():
    rows = [
        {"name": f"Pipeline(steps=[('scale', Scale(a='(')), ('{end}', {end}(b=1))])", "score": score, "fold_scores": []}
        for end, score in (("Tree", 0.9), ("Line", 0.8))
    ]
    told = board.told(rows, record(), True)
    assert [(row["kind"], row["shown"]) for row in told["rows"]] == [("Tree", "Scale > Tree"), ("Line", "Scale > Line")]
    assert told["figure"]["layout"]["yaxis"]["ticktext"] == ["Tree", "Line"]


def test_classes_that_differ_by_blanks_alone_can_be_told_apart(shown):
    names = ["yes", "yes ", "", "no  way"]
    report_of = {name: {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": 10.0} for name in names}
    matrix = [[8 if true == other else 1 for other in range(4)] for true in range(4)]
    told = {"classes": names, "confusion_matrix": matrix, "classification_report": report_of}
    ends = [0.0, 1.0]
    roc = [{"class": name, "auc": 0.9, "false_positive_rate": ends, "true_positive_rate": ends} for name in names]
    page = shown(record(holdout=told, result={"classes": names}), {"curves": {"roc": roc}})
    # In the matrix across and down, and class by class.
    assert page.texts.count("yes␣") == 3
    assert page.texts.count("yes") >= 3
    assert page.texts.count("“”") == 3
    drawn = [trace["name"] for trace in page.figures[0]["data"][1:]]
    assert drawn == ["yes (AUC 0.9)", "yes␣ (AUC 0.9)", "“” (AUC 0.9)", "no␣␣way (AUC 0.9)"]
