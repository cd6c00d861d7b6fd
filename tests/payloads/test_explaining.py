"""Parameters of explanations, method by method."""

import pytest

from app.errors import InvalidParameters
from app.explain import registry
from app.payloads.explaining import METHODS, ExplainParameters, check_explaining


def refused(**values):
    """Return the error of parameters for pipeline 1."""
    with pytest.raises(InvalidParameters) as refusal:
        check_explaining({"pipeline_id": 1, **values})
    return refusal.value


def pointers(**values):
    return {fault.pointer for fault in refused(**values).faults}


def test_each_method_has_parameters_and_an_explainer():
    assert METHODS.keys() == registry.METHODS.keys()


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_has_a_default_and_says_what_it_is(method):
    checked = check_explaining({"pipeline_id": 1, "method": method})
    assert type(checked) is METHODS[method]
    assert (checked.num_features, checked.seed, checked.version, checked.target) == (10, 0, None, None)
    schema = METHODS[method].model_json_schema()
    described = schema["properties"]
    assert schema["description"]
    assert all(described[name].get("description") for name in described.keys() - {"pipeline_id"})


@pytest.mark.parametrize("method", METHODS)
def test_parameters_are_the_same_to_a_worker(method):
    sent = check_explaining({"pipeline_id": "p", "method": method, "seed": 3, "num_features": 2})
    assert ExplainParameters.from_bytes(sent.to_bytes()) == sent


def test_sp_lime_has_the_defaults_of_its_predecessor():
    parameters = check_explaining({"pipeline_id": 1, "method": "sp_lime"})
    assert (parameters.sample_size, parameters.num_explanations) == (20, 5)


def test_methods_over_many_rows_need_none_and_others_do():
    many = {"partial_dependence", "permutation_importance", "interactions", "summary", "sp_lime"}
    assert {name for name, parameters in METHODS.items() if not parameters.needs_rows} == many


@pytest.mark.parametrize("method", [None, "tea leaves", 7, ["lime"]])
def test_a_method_that_is_not_known_is_refused_with_those_that_are(method):
    (fault,) = refused(method=method).faults
    assert fault.pointer == "/params/method"
    assert method is None or "lime, shap" in fault.detail


def test_a_method_that_is_nearly_right_is_hinted_at():
    assert "did you mean counterfactual?" in refused(method="counterfactuals").faults[0].detail


@pytest.mark.parametrize(
    ("method", "changes", "pointer"),
    [
        ("lime", {"ids": []}, "ids"),
        ("lime", {"ids": list(range(101))}, "ids"),
        ("lime", {"num_features": 0}, "num_features"),
        ("lime", {"num_features": 10_001}, "num_features"),
        ("lime", {"num_samples": 10**9}, "num_samples"),
        ("lime", {"num_samples": 50_001}, "num_samples"),
        ("lime", {"num_samples": 9}, "num_samples"),
        ("lime", {"max_error": 0}, "max_error"),
        ("lime", {"stability": "perhaps"}, "stability"),
        ("lime", {"seed": 2**32}, "seed"),
        ("lime", {"version": 0}, "version"),
        ("lime", {"algorithm": "tree"}, "algorithm"),
        ("shap", {"num_samples": 50_001}, "num_samples"),
        ("shap", {"algorithm": "guess"}, "algorithm"),
        ("segments", {"algorithm": "tree"}, "algorithm"),
        ("segments", {"num_segments": 1}, "num_segments"),
        ("segments", {"num_segments": 201}, "num_segments"),
        ("segments", {"num_samples": 10_001}, "num_samples"),
        ("segments", {"fill": "noise"}, "fill"),
        ("features_on_signal", {"num_segments": 201}, "num_segments"),
        ("gradients", {"num_samples": 10_001}, "num_samples"),
        ("nearest", {"distance": "l3"}, "distance"),
        ("nearest", {"count": 101}, "count"),
        ("nearest", {"difference": 0}, "difference"),
        ("counterfactual", {"count": 11}, "count"),
        ("counterfactual", {"seconds": 61}, "seconds"),
        ("counterfactual", {"ranges": {"age": [1]}}, "ranges/age"),
        ("counterfactual", {"ranges": {"age": [2, 1]}}, "ranges/age"),
        ("counterfactual", {"allowed": {"city": []}}, "allowed/city"),
        ("counterfactual", {"at_least": 2, "at_most": 1}, "at_least"),
        ("counterfactual", {"immutable": ["age"], "ranges": {"age": [1, 2]}}, "immutable"),
        ("ice", {"columns": []}, "columns"),
        ("ice", {"grid_size": 101}, "grid_size"),
        ("partial_dependence", {"columns": ["a", "b", "c"]}, "columns"),
        ("partial_dependence", {"num_rows": 5_001}, "num_rows"),
        ("permutation_importance", {"seconds": 61}, "seconds"),
        ("interactions", {"num_rows": 1_001}, "num_rows"),
        ("summary", {"num_rows": 1_001}, "num_rows"),
        ("summary", {"algorithm": "nearest"}, "algorithm"),
        ("sp_lime", {"sample_size": 501}, "sample_size"),
        ("sp_lime", {"num_explanations": 101}, "num_explanations"),
        ("sp_lime", {"ids": [1]}, "ids"),
    ],
)
def test_what_is_out_of_bounds_is_pointed_at(method, changes, pointer):
    assert pointers(method=method, **changes) == {f"/params/{pointer}"}


def test_a_bound_is_in_the_answer():
    assert "50000" in refused(method="lime", num_samples=10**9).faults[0].detail


def test_a_parameter_of_another_method_is_refused_with_those_of_this_one():
    (fault,) = refused(method="nearest", stability=True).faults
    assert fault.pointer == "/params/stability"
    assert "distance, count, difference" in fault.detail


def test_a_part_within_a_part_is_pointed_at():
    with pytest.raises(InvalidParameters) as refusal:
        check_explaining({"pipeline_id": 1, "method": "lime", "num_samples": 1}, "params/explain")
    assert [fault.pointer for fault in refusal.value.faults] == ["/params/explain/num_samples"]
