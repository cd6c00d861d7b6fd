"""Parameters of explanations, method by method."""

import re

import pytest

from app.errors import InvalidParameters, within
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


#: {method: {parameter: (least, greatest)}} of whole numbers, beside those that every method has.
BOUNDS = {
    "lime": {"num_samples": (10, 50_000)},
    "shap": {"num_samples": (10, 50_000)},
    "segments": {"num_samples": (10, 10_000), "num_segments": (2, 200)},
    "features_on_signal": {"num_samples": (10, 50_000), "num_segments": (2, 200)},
    "grad_cam": {},
    "gradients": {"num_samples": (10, 10_000)},
    "counterfactual": {"count": (1, 10)},
    "nearest": {"count": (1, 100)},
    "ice": {"grid_size": (2, 100)},
    "partial_dependence": {"grid_size": (2, 100), "num_rows": (2, 5_000)},
    "permutation_importance": {"seconds": (1, 60)},
    "interactions": {"num_rows": (1, 1_000)},
    "summary": {"num_rows": (1, 1_000), "num_samples": (10, 50_000)},
    "sp_lime": {"num_samples": (10, 50_000), "sample_size": (1, 500), "num_explanations": (1, 100)},
}
EVERYWHERE = {"num_features": (1, 10_000), "seed": (0, 2**32 - 1)}


@pytest.mark.parametrize(
    ("method", "name", "least", "most"),
    [
        pytest.param(method, name, *bounds, id=f"{method} {name}")
        for method in METHODS
        for name, bounds in (EVERYWHERE | BOUNDS[method]).items()
    ],
)
def test_whole_numbers_have_both_bounds_and_are_whole(method, name, least, most):
    for value in (least, most):
        assert getattr(check_explaining({"pipeline_id": 1, "method": method, name: value}), name) == value
    for value in (least - 1, most + 1, float(least) + 0.5, float(most), str(least), True):
        assert pointers(method=method, **{name: value}) == {f"/params/{name}"}


def test_the_bounds_are_those_of_all_whole_numbers():
    mixed = {"pipeline_id", "version", "target", "ids", "wanted", "allowed"}
    for method, parameters in METHODS.items():
        whole = {
            name for name, field in parameters.model_fields.items() if re.search(r"\bint\b", str(field.annotation))
        }
        assert whole - mixed == {*EVERYWHERE, *BOUNDS[method]}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", float("nan"), float("inf"), "much", "1", True, [1]])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("lime", "max_error"),
        ("nearest", "difference"),
        ("counterfactual", "at_least"),
        ("counterfactual", "at_most"),
        ("counterfactual", "seconds"),
    ],
)
def test_fractions_are_numbers_that_end(method, name, value):
    assert pointers(method=method, **{name: value}) == {f"/params/{name}"}


@pytest.mark.parametrize(
    "bounds", [[float("-inf"), 1], [0, float("inf")], [float("nan"), 1], [True, 2], ["1", 2], [1, 2, 3]]
)
def test_the_ends_of_a_range_are_numbers_that_end(bounds):
    found = pointers(method="counterfactual", ranges={"a": bounds})
    assert all(pointer.startswith("/params/ranges/a") for pointer in found)


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_parameter_of_any_method_is_answered_with_all_that_it_has(method):
    (fault,) = refused(method=method, unheard_of=1).faults
    assert fault.pointer == "/params/unheard_of"
    assert fault.detail == f"not a parameter; known here are {', '.join(METHODS[method].model_fields)}"


@pytest.mark.parametrize("name", ["columns", "immutable", "labels", "text"])
@pytest.mark.parametrize("value", ["", "x" * 201, 7, None])
def test_names_of_columns_are_text_of_up_to_200_letters(name, value):
    method = {"columns": "ice", "immutable": "counterfactual", "labels": "permutation_importance", "text": "lime"}[name]
    several = name in ("columns", "immutable")
    values = {name: [value] if several else value}
    if value is None and not several:
        assert getattr(check_explaining({"pipeline_id": 1, "method": method, **values}), name) is None
        return
    assert pointers(method=method, **values) == {f"/params/{name}/0" if several else f"/params/{name}"}


@pytest.mark.parametrize("value", ["yes", True, 1, 1.5])
@pytest.mark.parametrize(("method", "name"), [("lime", "target"), ("summary", "target"), ("counterfactual", "wanted")])
def test_a_class_keeps_its_type(method, name, value):
    found = getattr(check_explaining({"pipeline_id": 1, "method": method, name: value}), name)
    assert (found, type(found)) == (value, type(value))


def test_all_that_is_wrong_is_pointed_at_at_once():
    wrong = {"num_features": 0, "seed": -1, "ids": [], "extra": 1}
    assert pointers(method="lime", **wrong) == {f"/params/{name}" for name in wrong}


def test_all_conflicts_of_a_counterfactual_are_pointed_at_at_once():
    values = {
        "ranges": {"age": [2, 1], "size/2": [9, 3]},
        "allowed": {"plan": ["full"]},
        "immutable": ["plan", "age"],
        "at_least": 5,
        "at_most": 4,
    }
    assert pointers(method="counterfactual", **values) == {
        "/params/ranges/age", "/params/ranges/size~12", "/params/immutable", "/params/at_least"
    }  # fmt: skip


def test_no_value_of_the_caller_is_repeated_in_an_answer():
    told = refused(method="counterfactual", seconds="s3cret", wanted=["s3cret"], ranges={"a": ["s3cret", 1]})
    assert "s3cret" not in str([told.detail, told.faults])


def test_a_bound_is_in_the_answer():
    assert "50000" in refused(method="lime", num_samples=10**9).faults[0].detail


def test_a_parameter_of_another_method_is_refused_with_those_of_this_one():
    (fault,) = refused(method="nearest", stability=True).faults
    assert fault.pointer == "/params/stability"
    assert "distance, count, difference" in fault.detail


def test_a_part_within_a_part_is_pointed_at():
    for wrong, pointer in (({"num_samples": 1}, "num_samples"), ({"ranges": {"age": [2, 1]}}, "ranges/age")):
        method = "lime" if "num_samples" in wrong else "counterfactual"
        with pytest.raises(InvalidParameters) as refusal, within("params/explain"):
            check_explaining({"pipeline_id": 1, "method": method, **wrong})
        assert [fault.pointer for fault in refusal.value.faults] == [f"/params/explain/{pointer}"]
