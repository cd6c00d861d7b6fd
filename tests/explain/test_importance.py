"""Importances that the training found, and those of rows whose labels are sent."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters, NotFound
from tests.explain.trained import DATA


def told(trained):
    """Return penguins that the training has not seen, and what they are."""
    new = pd.read_csv(DATA / "penguins_new.csv").merge(pd.read_csv(DATA / "penguins_new_labels.csv"), on="id")
    return trained("three classes"), new


def test_without_rows_it_is_what_the_training_found_on_those_it_held_out(trained):
    model = trained("three classes")
    answer = model.explain("permutation_importance", sent=False, num_features=100)
    reported = {one["name"]: one for one in model.report["importances"]["columns"]}
    assert answer["algorithm"] == "on_rows_held_out"
    # Of all classes at once: the score is of the whole prediction.
    (entry,) = answer["overall"]
    assert entry["target"] is None
    assert entry["rows"] == model.report["importances"]["rows"]
    assert entry["baseline"] == model.report["importances"]["baseline"]
    assert len(entry["contributions"]) == len(reported)
    for one in entry["contributions"]:
        known = reported[one["feature"]]
        assert one["contribution"] == known["mean"]
        assert one["standard_error"] == pytest.approx(known["std"] / entry["repeats"] ** 0.5)
        assert entry["spread"][one["feature"]]["values"] == known["values"]


def test_of_rows_with_labels_it_is_measured_on_them(trained):
    model, new = told(trained)
    answer = model.explain("permutation_importance", sent=new, labels="species", num_features=100)
    assert answer["algorithm"] == "on_sent_rows"
    (entry,) = answer["overall"]
    assert entry["rows"] == len(new)
    assert entry["baseline"] > 0.9
    sizes = {one["feature"]: one["contribution"] for one in entry["contributions"]}
    assert max(sizes["bill_length_mm"], sizes["flipper_length_mm"], sizes["island"]) > max(0, sizes["year"])
    again = model.explain("permutation_importance", sent=new, labels="species", num_features=100)
    assert again["overall"] == answer["overall"]
    other = model.explain("permutation_importance", sent=new, labels="species", seed=1)
    assert other["overall"] != answer["overall"]


def test_labels_are_those_of_their_rows_in_whatever_order(trained):
    model = trained("linear")
    new = pd.read_csv(DATA / "diabetes_new.csv").merge(pd.read_csv(DATA / "diabetes_new_labels.csv"), on="id")
    answers = [
        model.explain("permutation_importance", sent=rows, labels="progression")["overall"][0]["baseline"]
        for rows in (new, new.iloc[::-1].reset_index(drop=True), new.assign(id=0))
    ]
    assert answers == pytest.approx([answers[0]] * 3)
    assert answers[0] > 0.3


def test_labels_of_series_are_those_of_their_ids(trained):
    model = trained("series")
    sent = model.sent.merge(
        pd.DataFrame({"wave": model.ids, "really": np.resize(["slow", "fast"], len(model.ids))}), on="wave"
    )
    (entry,) = model.explain("permutation_importance", sent=sent, labels="really")["overall"]
    assert entry["rows"] == len(model.ids)
    # It has learned from these very series.
    assert entry["baseline"] > 0.9


def test_numbers_are_compared_with_numbers(trained):
    model = trained("numbers")
    new = pd.read_csv(DATA / "diabetes_new.csv").merge(pd.read_csv(DATA / "diabetes_new_labels.csv"), on="id")
    (entry,) = model.explain("permutation_importance", sent=new, labels="progression", num_features=100)["overall"]
    assert entry["metric"] == "r2"
    assert entry["rows"] == len(new)
    assert {one["feature"] for one in entry["contributions"]} == set(model.pipeline.columns)
    assert {one["feature"] for one in entry["contributions"][:3]} & {"bmi", "s5", "bp"}


@pytest.mark.parametrize(
    ("name", "changes", "detail"),
    [
        ("three classes", {"species": "Emperor"}, "known classes are Adelie, Chinstrap, Gentoo"),
        ("three classes", {"species": None}, "known classes are Adelie, Chinstrap, Gentoo"),
        ("numbers", {"species": "many"}, "must be numbers"),
        ("numbers", {"species": np.inf}, "must be numbers"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused_with_what_can(trained, name, changes, detail):
    model = trained(name)
    sent = model.sent.assign(species=1.0 if name == "numbers" else "Adelie")
    sent["species"] = sent["species"].astype("object")
    sent.loc[:2, "species"] = changes["species"]
    with pytest.raises(InvalidData, match=r"^3 of the labels cannot be compared") as refused:
        model.explain("permutation_importance", sent=sent, labels="species")
    assert refused.value.status == 422
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/params/labels", detail)


def test_rows_without_labels_are_refused(trained):
    with pytest.raises(InvalidParameters) as refused:
        trained("three classes").explain("permutation_importance")
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/labels"
    assert "or send no data" in fault.detail


def test_a_column_of_labels_that_is_not_there_is_refused(trained):
    with pytest.raises(InvalidParameters) as refused:
        trained("three classes").explain("permutation_importance", labels="species")
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [("/params/labels", "not in the data")]


def test_what_really_came_of_a_forecast_is_not_taken_and_what_is_is_said(trained):
    """A row sent is one of the past, and its labels would be those of days to come."""
    model = trained("forecast")
    with pytest.raises(InvalidParameters) as refused:
        model.explain("permutation_importance", sent=model.sent.assign(really=1.0), labels="really")
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/labels"
    assert "send no data" in fault.detail


def test_a_training_that_reported_none_says_why(trained):
    model = trained("numbers")
    report = {"importances": {"columns": [], "note": "There was no time."}}
    for reported, why in ((report, "There was no time."), ({}, "Send rows and labels.")):
        bare = type(model)(model.pipeline, reported, model.sent, model.ids)
        with pytest.raises(NotFound, match=why):
            bare.explain("permutation_importance", sent=False)


def test_labels_of_no_data_are_refused(trained):
    with pytest.raises(InvalidParameters, match=r"^No data was sent") as refused:
        trained("three classes").explain("permutation_importance", sent=False, labels="species")
    assert [fault.pointer for fault in refused.value.faults] == ["/params/labels"]
