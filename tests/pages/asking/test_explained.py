"""Methods as controls, their settings read back, and what is said of how far to trust an answer."""

import pytest
from werkzeug.datastructures import MultiDict

from app.errors import InvalidParameters
from app.explain import answer
from app.pages.asking import controls, explained
from app.payloads.explaining import METHODS, check_explaining
from tests import kinds
from tests.pages.asking.test_fields import signature_of
from tests.pages.test_model import record


@pytest.fixture(scope="module")
def customers():
    return signature_of(kinds.customers(), "leaves", id_column="customer")


def method(name):
    return answer.explainer(name, METHODS[name], "local")


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_of_every_method_is_a_control_that_is_read_back_as_the_default(customers, name):
    shown = controls.settings(method(name), customers)
    assert {one.kind for one in shown} <= {"number", "boolean", "choice", "column", "columns", "text"}
    sent = MultiDict(
        (controls.PREFIX + one.name, str(one.value)) for one in shown if one.value not in (None, [], False)
    )
    assert controls.asked(method(name), sent, customers) == {}


def test_what_is_set_is_asked_for(customers):
    sent = MultiDict({"p_num_features": "3", "p_stability": "yes", "p_text": "5", "p_num_samples": ""})
    values = controls.asked(method("lime"), sent, customers)
    assert values == {"num_features": 3, "stability": True, "text": "note"}
    assert check_explaining({"pipeline_id": "p", "method": "lime", **values}).num_features == 3


@pytest.mark.parametrize("sent", [{"p_num_features": "many"}, {"p_text": "99"}, {"p_text": "note"}], ids=str)
def test_what_cannot_be_read_is_refused(customers, sent):
    with pytest.raises(InvalidParameters):
        controls.asked(method("lime"), MultiDict(sent), customers)


def test_a_choice_of_a_text_is_offered_where_there_is_one(customers):
    assert "text" in [one.name for one in controls.settings(method("lime"), customers)]
    plain = signature_of(kinds.spending().drop(columns="note"), "spent", id_column="customer")
    assert "text" not in [one.name for one in controls.settings(method("lime"), plain)]


def test_the_step_of_a_forecast_that_was_asked_for_comes_first_and_the_verdict_is_of_it():
    entry = {"contributions": [], "target": None, "algorithm": "", "rest": {"features": 0, "contribution": 0.0}}
    found = {"method": "segments", "task": "forecasting", "overall": [], "left_out": [], "modelId": "m"}
    steps = [
        {**entry, "id": "s", "step": step, "prediction": 0.5, "fidelity": 0.9 if step == 2 else 0.1}
        for step in (1, 2, 3)
    ]
    shown = explained.shown({**found, "explanations": steps}, "2")
    assert [view.title for view in shown["rows"]] == [f"Series s, step {step}" for step in (2, 1, 3)]
    assert shown["verdict"] == explained.VERDICTS["good"]
    assert explained.shown({**found, "explanations": steps}, "9")["verdict"] == explained.VERDICTS["poor"]


@pytest.mark.parametrize("name", METHODS)
def test_every_answer_says_in_words_how_far_to_trust_it(name):
    entry = {"contributions": [], "target": None, "algorithm": "", "rest": {"features": 0, "contribution": 0.0}}
    found = {"method": name, "task": "regression", "explanations": [], "overall": [], "left_out": [], "modelId": "m"}
    plain = explained.shown({**found, "explanations": [{**entry, "id": 1, "prediction": 0.5}]})
    assert plain["verdict"][0] == "plain"
    assert plain["verdict"][1].endswith(".")
    poor = explained.shown({**found, "explanations": [{**entry, "id": 1, "prediction": 0.5, "fidelity": 0.1}]})
    assert poor["verdict"] == explained.VERDICTS["poor"]


@pytest.mark.parametrize(
    ("task", "columns", "classes", "contributions"),
    [
        ("classification", 300, 50, 1_500_000),
        ("classification", 300, 2, None),
        ("classification", 501, 2, 50_100),
        ("regression", 501, 0, 50_100),
        ("regression", 500, 0, None),
    ],
)
def test_what_explaining_a_model_takes_is_told_where_it_is_much(task, columns, classes, contributions):
    made = record(task=task, result={"trainShape": [400, columns], "classes": list(range(classes))})
    cost = explained.cost(made, 60)
    assert (cost and cost["contributions"]) == contributions
    assert not cost or (cost["rows"], cost["seconds"]) == (100, 60)


def test_a_record_without_the_shape_of_its_training_costs_what_its_columns_do():
    assert explained.cost(record(result={}), 60) is None
