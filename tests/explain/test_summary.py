"""What local explanations come to over many rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from app.errors import InvalidParameters
from app.explain import shap, summary
from app.explain.base import Case
from app.explain.found import Contribution, Local, Part
from app.payloads.parameters import Kind, Task
from tests.explain.functions import asked, opaque, shares


@pytest.fixture
def frame():
    """60 rows of three numbers and a text."""
    X = pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(60, 3)), columns=list("abc"))
    return X.assign(plan=pd.array(np.resize(["basic", "full", None], 60), dtype="str"))


def explain(shown, rows, output=0, **more):
    """Explain a model by rows."""
    cases = [Case(rows.iloc[[place]]) for place in range(len(rows))]
    return summary.explain(shown, cases, asked("summary", output, num_samples=more.pop("num_samples", 1_000), **more))


def test_the_size_of_a_column_is_the_mean_of_its_sizes_and_its_error_that_of_a_mean(frame, subject):
    X = frame.drop(columns="plan")
    shown = subject(X, 4 * X["a"] - X["b"], LinearRegression(), Task.REGRESSION)
    found = explain(shown, X.head(20))
    each = [shap.explain(shown, Case(X.iloc[[place]]), asked("shap")) for place in range(20)]
    values = np.array([[shares(one)[name] for name in X] for one in each])
    assert found.algorithm == "mean_linear"
    assert [one.part.feature for one in found.contributions] == list(X.columns)
    for place, one in enumerate(found.contributions):
        sizes = np.abs(values[:, place])
        assert one.value == pytest.approx(sizes.mean())
        assert one.error == pytest.approx(sizes.std(ddof=1) / 20**0.5)
    assert found.base_value == pytest.approx(each[0].base_value)
    assert found.rows == 20
    means = {one["feature"]: one["mean"] for one in found.details["table"]}
    assert means == pytest.approx(dict(zip(X.columns, values.mean(axis=0), strict=True)))


def test_every_row_has_its_value_beside_its_contribution(frame):
    shown = opaque(lambda rows: 2 * rows["a"] + (rows["plan"] == "full"), frame)
    points = explain(shown, frame.head(6)).details["points"]
    assert points["a"]["values"] == frame["a"][:6].tolist()
    assert points["plan"]["values"] == ["basic", "full", None] * 2
    mean = frame["a"].mean()
    assert points["a"]["contributions"] == pytest.approx(list(2 * (frame["a"][:6] - mean)), abs=0.3)


@pytest.mark.parametrize("algorithm", ["lime", "shap"])
def test_the_local_method_is_the_one_asked_for(frame, algorithm):
    shown = opaque(lambda rows: 3 * rows["a"] + rows["b"], frame)
    found = explain(shown, frame.head(5), algorithm=algorithm)
    assert found.algorithm == {"lime": "mean_lime_tabular", "shap": "mean_exact"}[algorithm]
    assert max(shares(found), key=lambda name: shares(found)[name]) == "a"
    assert all(one.value >= 0 for one in found.contributions)


def test_how_far_to_trust_it_is_the_mean_fidelity_or_the_largest_error(frame):
    shown = opaque(lambda rows: rows["a"] * rows["b"], frame)
    by_lime = explain(shown, frame.head(4), algorithm="lime")
    assert 0 < by_lime.trust["fidelity"] < 1
    by_shap = explain(shown, frame.head(4), algorithm="shap", num_samples=100)
    assert by_shap.trust["additivity_error"] < 1e-9
    assert set(by_lime.trust) == {"fidelity", "standard_error"}


def test_one_row_has_no_spread(frame):
    (first, *_) = explain(opaque(lambda rows: rows["a"], frame), frame.head(1)).contributions
    assert first.error is None or np.isnan(first.error)


@pytest.fixture
def notes():
    """Notes of which one word decides, and one helps."""
    texts = ["rude and late", "kind", "so late", "kind and so rude", "rude"]
    X = pd.DataFrame({"note": pd.array(texts, dtype="str")})

    def function(rows):
        return 0.2 + 0.6 * rows["note"].str.contains("rude") - 0.1 * rows["note"].str.contains("kind")

    return X, opaque(function, X, ("stays", "leaves"), note=Kind.TEXT)


@pytest.mark.parametrize("output", [0, 1])
def test_words_are_told_by_their_mean_over_the_texts_that_have_them(notes, output):
    X, shown = notes
    sign = 1 if output else -1
    table = {one["value"]: one for one in explain(shown, X, output).details["table"]}
    assert {one["feature"] for one in table.values()} == {"note"}
    assert (table["rude"]["rows"], table["kind"]["rows"], table["late"]["rows"]) == (3, 2, 2)
    assert table["rude"]["mean"] == pytest.approx(sign * 0.6)
    assert table["kind"]["mean"] == pytest.approx(sign * -0.1)
    assert table["late"]["mean"] == pytest.approx(0, abs=1e-12)
    # Over all five texts, those without it too.
    sizes = {one.part.value: one.value for one in explain(shown, X, output).contributions}
    assert sizes["rude"] == pytest.approx(0.6 * 3 / 5)


def test_a_trained_model_of_texts_is_told_by_words_as_each_text_is(trained):
    answer = trained("texts").explain("summary", sent=False, num_rows=12, num_features=2)
    (entry,) = answer["overall"]
    first = entry["contributions"][0]
    assert (first["feature"], first["value"]) == ("note", "rude")
    assert entry["table"][0]["mean"] < 0
    assert entry["target"] == "stays"


def test_each_of_three_classes_has_its_own(trained):
    answer = trained("three classes").explain("summary", sent=False, num_rows=20)
    assert [entry["target"] for entry in answer["overall"]] == ["Adelie", "Chinstrap", "Gentoo"]
    assert len({tuple(entry["table"][0].items()) for entry in answer["overall"]}) == 3
    only = trained("three classes").explain("summary", sent=False, num_rows=20, target="Gentoo")
    assert only["overall"] == answer["overall"][2:]


def stretches(values, start=0, length=40):
    """Return an explanation of stretches of a signal, {(start, end): share}."""
    found = [Contribution(Part("s", None, a + start, b + start), value) for (a, b), value in values.items()]
    return Local(found, details={"signals": {"s": [0.0] * length}, "start": start}, algorithm="segments_lime")


def test_stretches_of_series_that_differ_in_length_are_parts_of_each(frame):
    rows = [
        stretches({(0, 2): 1.0, (20, 22): -2.0}, length=40),
        stretches({(0, 4): 3.0, (40, 44): 4.0}, length=80),
        stretches({(0, 2): 5.0}, start=100, length=40),
    ]
    shown = opaque(lambda rows: rows["a"], frame)
    found = summary._means(shown, [Case(frame.iloc[[0]])] * 3, rows, "segments", summary._common(rows, late=False))
    sizes = {one.part.value: one.value for one in found.contributions}
    assert sizes == {"0 to 5 %": pytest.approx(3), "50 to 55 %": pytest.approx(2)}
    means = {one["value"]: (one["mean"], one["rows"]) for one in found.details["table"]}
    assert means == {"0 to 5 %": (3, 3), "50 to 55 %": (1, 2)}


def test_of_whole_series_stretches_are_told_and_series_must_be_sent(trained):
    model = trained("whole series")
    answer = model.explain("summary", num_rows=3, num_samples=60)
    assert answer["algorithm"] == "mean_segments_lime"
    (entry,) = answer["overall"]
    assert {one["feature"] for one in entry["contributions"]} <= {"height", "wind"}
    assert all(one["value"].endswith(" %") for one in entry["contributions"])
    with pytest.raises(InvalidParameters) as refused:
        model.explain("summary", sent=False)
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/algorithm"
    assert fault.detail.startswith("send raw_data with series")


def test_a_local_method_that_does_not_fit_is_refused_with_those_that_do(trained):
    with pytest.raises(InvalidParameters, match="segments does not fit this model") as refused:
        trained("linear").explain("summary", sent=False, algorithm="segments")
    assert "those that fit are lime, shap" in refused.value.faults[0].detail


@pytest.mark.parametrize(("name", "num_samples"), [("whole series", 10_001), ("network of numbers", 10_001)])
def test_more_samples_than_the_local_method_takes_are_refused(trained, name, num_samples):
    algorithm = "segments" if name == "whole series" else "gradients"
    with pytest.raises(InvalidParameters) as refused:
        trained(name).explain("summary", algorithm=algorithm, num_samples=num_samples)
    assert [fault.pointer for fault in refused.value.faults] == ["/params/num_samples"]


def test_images_are_told_by_the_mean_of_their_maps(trained):
    model = trained("images")
    entries = model.explain("summary", sent=False, num_rows=4, num_samples=120)["overall"]
    assert [one["target"] for one in entries] == ["left", "right"]
    assert sum(one["rows"] for one in entries) == 4
    entry = entries[0]
    mean, spread = np.array(entry["map"]), np.array(entry["deviation"])
    assert mean.shape == spread.shape == (12, 12)
    assert entry["contributions"] == []
    assert entry["algorithm"] == "mean_kernel"


def test_the_map_of_regions_gives_each_pixel_its_share():
    regions = [[0, 0, 1], [2, 2, 1]]
    shares = [Contribution(Part("image", region=number), value) for number, value in enumerate([4.0, -6.0, 1.0])]
    other = [Contribution(Part("image", region=0), 12.0)]
    each = [
        Local(shares, details={"regions": regions}, algorithm="lime"),
        Local(other, details={"regions": [[0, 0, 0], [0, 0, 0]]}, algorithm="lime"),
    ]
    found = summary._maps(each, summary._common(each, late=False))
    assert found.details["map"] == [[2, 2, -0.5], [1.25, 1.25, -0.5]]
    assert np.array(found.details["deviation"]) == pytest.approx(np.array([[0, 0, 2.5], [0.75, 0.75, 2.5]]))
    assert found.rows == 2


def test_a_network_of_images_is_told_by_where_it_looks(trained):
    model = trained("network of images")
    entries = model.explain("summary", sent=False, num_rows=3)["overall"]
    assert [one["target"] for one in entries] == ["left", "right"]
    entry = entries[0]
    assert entry["algorithm"] == "mean_grad_cam"
    assert 0 <= np.min(entry["map"]) <= np.max(entry["map"]) <= 1
    assert "drop" in entry
