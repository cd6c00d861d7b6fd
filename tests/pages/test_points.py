"""What goes to a browser is bounded on every page that draws, however much there is: points of a figure, and bytes."""

import math
import re
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import requests
from flask import render_template

from app.jobs.job import Job, JobState
from app.pages import following, points
from app.pages.asking import explained, predicted, sent, signals
from app.pages.asking.places import Place
from app.payloads.outline import outline
from app.pipelines.reports import curves
from app.store.artifact import Artifact
from app.store.record import Version
from tests.explain.answers import answers
from tests.pages.asking.test_fields import signature_of
from tests.pages.test_model import Page, record, report

#: Rows, samples, or epochs.
MANY = 100_000

#: Bytes of a page or of a part of one.
MOST = 1_000_000


@pytest.fixture
def rendered(client):
    """Return a function that renders a template as a page of the service would, and holds it to its bytes."""

    def render(template, **values):
        with client.application.test_request_context("/ui/"):
            text = render_template(template, **values)
        assert len(text.encode()) < MOST
        return text

    return render


def count(figure):
    """Return the points, the bars and the cells of a figure."""
    sizes = [sum(map(len, trace["z"])) if "z" in trace else len(trace["x"]) for trace in figure["data"]]
    assert sum(sizes) <= points.FIGURE
    # What is beside the points is not more than these.
    for trace in figure["data"]:
        for name in ("text", "customdata"):
            assert len(trace.get(name) or ()) <= points.FIGURE
    return sum(sizes)


@pytest.mark.parametrize("most", [2, 7, 600])
@pytest.mark.parametrize("length", [0, 1, 600, 601, MANY])
def test_the_outline_of_a_line_has_its_peaks_and_its_gaps(length, most):
    values = [0.0] * length
    if length > 2:
        values[length // 2], values[length // 3] = 9.0, -9.0
    places = outline(values, most)
    assert len(places) <= max(most, 0 if length > most else length)
    assert places == sorted(set(places))
    if length > 2:
        assert {length // 2, length // 3} <= set(places)
    gap = [1.0] * 1_000 + [None] * 1_000 + [math.nan] * 1_000 + [1.0] * 1_000
    kept = outline(gap, 100)
    assert any(1_000 <= place < 3_000 for place in kept)


def test_what_is_drawn_for_its_spread_keeps_its_quarters():
    values = np.random.default_rng(0).gamma(2.0, size=MANY).tolist()
    some = [values[place] for place in points.ranked(values, 150)]
    assert len(some) == 150
    assert (min(some), max(some)) == (min(values), max(values))
    assert np.quantile(some, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]), rel=0.02)
    assert sorted(points.ranked([3.0, 1.0, 2.0], 150)) == [0, 1, 2]


def test_of_points_beside_each_other_none_is_lost_and_groups_stay_apart():
    draw = np.random.default_rng(0)
    xs, ys, groups = draw.normal(size=MANY).tolist(), draw.normal(size=MANY).tolist(), draw.integers(0, 2, MANY)
    found = points.neighbours(xs, ys, groups.tolist())
    assert len(found) <= 2 * points.ACROSS * points.UP
    assert sorted(place for some in found for place in some) == list(range(MANY))
    assert all(len(set(groups[some])) == 1 for some in found)
    # All in one place, and farther apart than a float can tell.
    assert len(points.neighbours([1.0] * MANY, [1.0] * MANY, [0] * MANY)) == 1
    assert points.neighbours([-1e308, 1e308] * 1_000, [0.0] * 2_000, [0] * 2_000)
    assert points.neighbours([1.0, 2.0], [1.0, 1.0], [0, 0]) == [[0], [1]]


def test_a_job_with_as_many_candidates_as_are_remembered(rendered):
    draw = np.random.default_rng(0)
    name = "Pipeline(steps=[('scale', StandardScaler()), ('model', ExtraTreesClassifier(bootstrap=True))])"
    history = [
        {
            "time": 100 + number,
            "candidate": {"name": f"{name}{number}", "engine": engine, "score": score, "fit_seconds": 1, "error": None},
        }
        for number, (engine, score) in enumerate(
            zip(draw.choice(["portfolio", "tpot", "sklearn"], 5_000), draw.beta(9, 2, 5_000).tolist(), strict=True)
        )
    ]
    job = Job("job", JobState.RUNNING, "birds", "portfolio", 0.0, 9_000.0, 4096, started=100.0)
    for greater in (True, False):
        progress = {"metric": "roc_auc" if greater else "rmse"}
        told = following.told(replace(job, progress=progress), history, None)
        assert count(told["figure"]) < 5_000
        best = (max if greater else min)(event["candidate"]["score"] for event in history)
        line, *groups = told["figure"]["data"]
        assert line["y"][-1] == best
        assert line["x"] == sorted(line["x"])
        assert any(best in group["y"] for group in groups)
        hidden = [int(found[1].replace(",", "")) for group in groups for text in group["text"]
                  if (found := re.search(r"and ([\d,]+) beside it", text))]  # fmt: skip
        assert sum(hidden) + sum(len(group["x"]) for group in groups) == 5_000
    rendered("ui/job_swapped.html", job=job, told=told, may_cancel=True)
    # A search in which each is better than all before.
    for number, event in enumerate(history):
        event["candidate"]["score"] = float(number)
    told = following.told(replace(job, progress={"metric": "r2"}), history, None)
    assert len(told["figure"]["data"][0]["x"]) <= points.LINE + 2


@pytest.fixture
def shown(client, publications):
    """Return a function that stores a version with a report, shows its page, and holds it to its bytes and points."""

    def show(made, told):
        publications.publish(Version(made, Artifact({"format": "none"}, {"estimator": b"no model"}), told))
        answer = client.get(f"/ui/models/{made.pipeline_id}")
        assert answer.status_code == 200, answer.text
        assert len(answer.data) < MOST
        page = Page(answer.text)
        assert page.figures
        assert all(count(figure) for figure in page.figures)
        return page

    return show


def classified(n_classes, rows=MANY):
    """Return the curves of so many rows held out, as a training makes them."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, n_classes, rows)
    scores = draw.dirichlet(np.ones(n_classes), rows)
    scores[np.arange(rows), y] += draw.random(rows)
    told = (y, scores / scores.sum(axis=1, keepdims=True), tuple(f"class {code}" for code in range(n_classes)), None)
    return {
        "roc": curves.roc(*told),
        "precision_recall": curves.precision_recall(*told),
        "calibration": curves.calibration(*told),
        "gains": curves.gains(*told),
    }


@pytest.mark.parametrize(("n_classes", "rows"), [(2, MANY), (5, MANY), (100, 3_000)])
def test_a_model_of_classes(shown, n_classes, rows):
    names = [f"class {code}" for code in range(n_classes)]
    holdout = {
        "rows": rows,
        "classes": names,
        "confusion_matrix": np.random.default_rng(0).integers(0, 99, (n_classes, n_classes)).tolist(),
        "classification_report": {name: {"precision": 0.123456, "recall": 0.5, "support": 1.0} for name in names},
    }
    page = shown(record(holdout=holdout), {"curves": classified(n_classes, rows)})
    titles = {"ROC curve", "Precision and recall", "Calibration", "Cumulative gains"}
    assert all(title in page.text for title in titles)


def test_a_model_of_numbers(shown):
    draw = np.random.default_rng(0)
    y = draw.normal(size=MANY)
    told = {"curves": {"residuals": curves.residuals(y, y + draw.normal(size=MANY), None, 0)}}
    told["rows_curve"] = {"metric": "r2", "rows": [1, 2, 3], "held_out": [0.1] * 3, "learned_from": [0.1] * 3}
    assert len(shown(record(task="regression"), told).figures) == 3
    # A report of another release might have drawn no sample.
    sample = {"predicted": y.round(3).tolist(), "true": y.round(3).tolist()}
    told["curves"]["residuals"]["sample"] = sample
    shown(record(task="regression", version=0), told)


def test_a_model_of_long_series_that_learned_long_and_of_many_candidates(shown):
    places = [*range(0, MANY, MANY // 500)]
    signal = {"place": places, "value": np.random.default_rng(0).normal(size=500).round(5).tolist()}
    together = [{"name": f"s{one}", **signal} for one in range(6)]
    told = {
        "examples": [
            {"id": number, "label": f"class {number // 3}", "signals": together}
            for number in range(36)
        ],
        "learning_curves": {name: np.linspace(1, 0, MANY).tolist() for name in ("loss", "val_loss", "accuracy")},
        "leaderboard": [
            {
                "rank": number, "row": number, "name": f"Pipeline(steps=[('model', Kind{number % 20}(a={number}))])",
                "engine": "tpot", "score": 1 / (1 + number), "fold_scores": [0.5, 0.25], "fit_seconds": 1.0,
                "predict_seconds": 1.0, "size": 10, "error": None,
            }
            for number in range(5_000)
        ],
    }  # fmt: skip
    page = shown(record(), told)
    # A panel a class and a signal, two of the learning, and one of the leaderboard.
    assert len(page.figures) == 12 * 6 + 2 + 1


def test_a_model_with_as_much_of_all_as_a_report_has(shown):
    told = report()
    told["importances"]["columns"] = [
        {"name": f"column {place}", "mean": 0.1, "std": 0.01, "values": [0.123456] * 10} for place in range(100)
    ]
    own = told["importances"]["model"]
    own["columns"] = [{"name": f"column {place}", "importance": 0.123456} for place in range(10_000)]
    inputs = [{"column": f"column {place}", "part": "", "values": [0.123456] * 20} for place in range(100)]
    own["coefficients"] = {"scaled": True, "left_out": 9_900, "inputs": inputs}
    shown(record(), told)


@pytest.fixture
def look(client):
    """Return a function that has a file looked at, as the page that trains does, and holds the answer to its bytes."""
    token = re.search(r'"X-CSRF-Token": "([^"]+)"', client.get("/ui/train").text)[1]

    def post(frame, **fields):
        # The test client would leave a large body in a file that nobody closes.
        files = {"raw_data": ("table.csv", frame.to_csv(index=False).encode())}
        made = requests.Request("POST", "http://host/", files=files, data=fields).prepare()
        headers = {"X-CSRF-Token": token, "HX-Request": "true", "Content-Type": made.headers["Content-Type"]}
        answer = client.post("/ui/train/look?new=", data=made.body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert len(answer.data) < MOST
        return answer.text

    return post


@pytest.mark.parametrize("columns", [3, 300])
def test_the_page_that_trains(look, columns):
    draw = np.random.default_rng(0)
    rows = MANY if columns == 3 else 500
    frame = pd.DataFrame({f"column {place}": draw.normal(size=rows).round(4) for place in range(columns)})
    frame["label"] = draw.choice(["yes", "no"], rows)
    part = look(frame, target="label")
    # The last column is the target, and has no numbers; of three hundred it is not described.
    assert part.count('class="histogram"') == columns
    assert part.count("<rect") <= 20 * columns


def test_the_page_that_trains_on_long_series(look):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"who": np.repeat(np.arange(4), MANY // 4), "at": np.tile(np.arange(MANY // 4), 4)})
    for name in ("x", "y", "z", "other"):
        frame[name] = draw.normal(size=MANY).round(3)
    frame.loc[777, "x"] = 99.0
    [figure] = Page(look(frame)).figures
    assert count(figure) <= 4 * 3 * 300
    # A peak stays.
    assert max(max(trace["y"]) for trace in figure["data"]) == 99.0


def long_series(ids, samples=MANY):
    """Return series of some signals, and what a pipeline accepts."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"who": np.repeat(ids, samples), "at": np.tile(np.arange(samples), len(ids))})
    for place in range(7):
        frame[f"signal {place}"] = draw.normal(size=len(frame))
    extract = {"column_id": "who", "column_sort": "at"}
    return frame, signature_of(frame, None, task="classification", extract_features=extract)


def test_a_prediction_of_long_series(rendered):
    frame, signature = long_series(["a", "b"])
    drawings = signals.drawn(frame, signature)
    assert [count(one["figure"]) for one in drawings] == [6 * points.LINE] * 2
    found = {"id": ["a", "b"] * MANY, "prediction": ["yes", "no"] * MANY} | {
        f"score_class {code}": [0.01] * 2 * MANY for code in range(100)
    }
    here = Place(record(signature=signature.as_json()))
    shown = predicted.many(found, here.record)
    rendered(
        "ui/predict_result.html", here=here, found=found, shown=shown, drawings=drawings * 2, pictures=[], warnings=[]
    )


def test_a_forecast_of_many_steps():
    frame, signature = long_series(["a"])
    made = record(parameters={"target": "signal 0"})
    [drawn] = signals.forecast(frame, signature, made, {"id": ["a"] * 1_000, "prediction": [0.5] * 1_000})
    assert count(drawn["figure"]) <= 2 * points.LINE
    past, ahead = drawn["figure"]["data"]
    assert past["x"][-1] <= 0 <= ahead["x"][0]
    assert (min(past["x"]), max(ahead["x"])) == (pytest.approx(-6_000, abs=20), pytest.approx(1_000, abs=5))


def drawings(answer):
    """Return what is drawn of an answer: the characters of all plots."""
    told = explained.shown(answer | {"left_out": []})
    return told, [figure.plot for view in (*told["views"], *told["rows"]) for figure in view.figures]


def test_an_explanation_of_a_long_series(rendered):
    answer = answers()["segments"]
    entry = answer["explanations"][0]
    draw = np.random.default_rng(0)
    entry["signals"] = {f"signal {place}": draw.normal(size=MANY).tolist() for place in range(20)}
    entry["contributions"] = [
        {"feature": f"signal {place}", "value": None, "contribution": 0.1, "start": start, "end": start + 500}
        for place in range(20)
        for start in range(0, MANY, 500)
    ]
    told, plots = drawings(answer)
    assert len(plots) == 12
    rendered("ui/explanation.html", told=told)


def test_explanations_of_very_many_steps_rows_or_classes(rendered):
    step = answers()["segments"]
    [entry] = step["explanations"]
    step |= {"task": "forecasting", "explanations": [entry | {"step": number} for number in range(1_000)]}
    told, _ = drawings(step)
    assert (len(told["rows"]), told["more"]) == (explained.ENTRIES, 1_000 - explained.ENTRIES)
    assert "976 more explanations" in rendered("ui/explanation.html", told=told)

    summary = answers()["summary"]
    [entry] = summary["overall"]
    draw = np.random.default_rng(0)
    entry["points"] = {
        f"column {place}": {
            "contributions": draw.normal(size=1_000).tolist(),
            "values": draw.normal(size=1_000).tolist(),
        }
        for place in range(20)
    }
    # What is the same for all classes is shown once.
    summary["overall"] = [entry | {"target": f"class {code}", "base_value": code / 100} for code in range(100)]
    begun = time.process_time()
    told, plots = drawings(summary)
    assert time.process_time() - begun < 5
    assert len(told["views"]) + told["more"] == 100
    assert plots
    rendered("ui/explanation.html", told=told)

    picked = answers()["sp_lime"]
    picked["explanations"] = picked["explanations"][:1] * 500
    told, _ = drawings(picked)
    rendered("ui/explanation.html", told=told)


def test_curves_of_many_columns_and_a_fine_surface(rendered):
    answer = answers()["partial_dependence"]
    first = answer["overall"][0]
    grid = np.linspace(0, 1, 100).tolist()
    curve = first["curves"][0] | {"grid": grid, "mean": grid, "low": grid, "high": grid}
    first["curves"] = [curve | {"feature": f"column {place}"} for place in range(300)]
    answer["overall"] = [first]
    told, plots = drawings(answer)
    assert len(plots) == 24
    assert "276 more columns" in rendered("ui/explanation.html", told=told)
    rendered("ui/what_if_curve.html", told=told)

    answer = answers()["surface"]
    surface = answer["overall"][0]["surface"]
    surface |= {"grids": [grid, grid], "mean": np.random.default_rng(0).random((100, 100)).tolist()}
    told, [plot] = drawings(answer)
    assert plot.count("<title>") <= 40 * 40
    assert "40 values of a column are drawn" in rendered("ui/explanation.html", told=told)


def test_what_if_carries_no_series_that_is_too_long(client, settings):
    frame, signature = long_series(["a"])
    with client.application.test_request_context(
        "/ui/", method="POST", data={"source": "text", "text": frame.to_csv(index=False)}
    ):
        from flask import request

        given = sent.begun(request, signature, settings)
    assert not given.text
    assert "too large" in given.note
