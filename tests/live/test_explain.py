"""Explanations of served predictions: in the caller's columns, repeatable, and with a measure of trust."""

import pytest

#: Features that tsfresh computes of one signal here.
MINIMAL = {
    f"measurement__{name}"
    for name in (
        "sum_values",
        "median",
        "mean",
        "length",
        "standard_deviation",
        "variance",
        "root_mean_square",
        "maximum",
        "absolute_maximum",
        "minimum",
    )
}
COLUMNS = {"island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year"}
METHODS = pytest.mark.parametrize("method", ["lime", "shap"])


@pytest.fixture(scope="module")
def of_series(new_pipeline, series):
    pipeline = new_pipeline()
    response = pipeline.train(
        *series[:2],
        extract_features={"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"},
        model_training={"model": "sklearn.ensemble.RandomForestClassifier"},
    )
    assert response.status_code == 200, response.text
    return pipeline


@pytest.fixture(scope="module")
def of_table(new_pipeline, penguins):
    pipeline = new_pipeline()
    model = {"model": "sklearn.ensemble.RandomForestClassifier"}
    response = pipeline.train(penguins[0], target="species", id_column="id", model_training=model)
    assert response.status_code == 200, response.text
    return pipeline


def explained(pipeline, rows, **parameters):
    response = pipeline.ask("/explain", rows, **parameters)
    assert response.status_code == 200, response.text
    return response.json()


def check(answer, method, ids, columns):
    """Check what every explanation promises, whatever the method and the model."""
    assert answer["method"] == method
    assert answer["version"] == 1
    assert [one["id"] for one in answer["explanations"]] == ids
    for one in answer["explanations"]:
        named = [entry["feature"] for entry in one["contributions"]]
        assert len(named) == len(set(named)) == min(5, len(columns))
        assert set(named) <= columns
        sizes = [abs(entry["contribution"]) for entry in one["contributions"]]
        assert sizes == sorted(sizes, reverse=True)
        if method == "lime":
            assert one["fidelity"] <= 1
            assert all(entry["condition"] for entry in one["contributions"])
        else:
            assert 0 <= one["additivity_error"] < 1e-6


@METHODS
def test_a_series_is_explained_in_the_features_of_its_signal(of_series, series, method):
    answer = explained(of_series, series[2], method=method, ids=[16, 24], num_features=5)
    check(answer, method, [16, 24], MINIMAL)
    scores = of_series.predict(series[2])["score"]
    for one in answer["explanations"]:
        assert one["target"] == 1
        assert one["prediction"] == pytest.approx(scores[one["id"]])


@METHODS
def test_a_row_is_explained_in_the_columns_of_the_table(of_table, penguins, method):
    rows = penguins[1]
    ids = rows["id"].tolist()[:3]
    answer = explained(of_table, rows, method=method, ids=ids, num_features=5)
    check(answer, method, ids, COLUMNS)
    found = of_table.predict(rows)
    for one in answer["explanations"]:
        assert one["target"] == found["prediction"][one["id"]]
        assert one["prediction"] == pytest.approx(found[f"score_{one['target']}"][one["id"]])


@METHODS
def test_values_are_shown_as_they_were_sent(of_table, penguins, method):
    row = penguins[1].head(1)
    answer = explained(of_table, row, method=method)
    shown = {entry["feature"]: entry["value"] for entry in answer["explanations"][0]["contributions"]}
    assert shown == {name: row[name].item() for name in shown}
    assert set(shown) == COLUMNS


@METHODS
def test_the_same_request_gives_the_same_explanation(of_table, penguins, method):
    first, second = (explained(of_table, penguins[1].head(2), method=method, seed=7) for _ in range(2))
    assert first.pop("seconds") >= 0
    assert second.pop("seconds") >= 0
    assert first == second
    assert first["seed"] == 7


def test_shap_contributions_add_up_to_the_prediction(of_table, penguins):
    answer = explained(of_table, penguins[1].head(3), method="shap", num_features=100)
    assert answer["scale"] == "probability"
    for one in answer["explanations"]:
        total = one["base_value"] + sum(entry["contribution"] for entry in one["contributions"])
        assert total == pytest.approx(one["local_prediction"], abs=1e-6)
        assert total == pytest.approx(one["prediction"], abs=1e-6)


@METHODS
def test_a_class_can_be_asked_for(of_table, penguins, method):
    answer = explained(of_table, penguins[1].head(1), method=method, target="Chinstrap")
    assert [one["target"] for one in answer["explanations"]] == ["Chinstrap"]


@METHODS
def test_one_json_body_is_explained_as_a_form_is(of_table, penguins, method):
    rows = penguins[1].dropna().head(1)
    body = {"pipeline_id": of_table.id, "method": method, "data": rows.to_dict("records")}
    by_body = of_table.service.post("/explain", json=body).json()
    assert by_body["explanations"] == explained(of_table, rows, method=method)["explanations"]


def test_a_method_that_is_not_known_is_refused_with_those_that_are(of_table, penguins):
    response = of_table.ask("/explain", penguins[1].head(1), method="tea leaves")
    assert response.status_code == 422
    assert "lime" in response.text
    assert "shap" in response.text


def test_an_id_that_was_not_sent_is_named(of_table, penguins):
    response = of_table.ask("/explain", penguins[1].head(1), method="lime", ids=[123456])
    assert response.status_code == 422
    assert "123456" in response.text
