"""Which sets of features and which imputations can be named."""

import pytest

from app.errors import InvalidParameters
from app.payloads.parameters import ExtractFeatures
from app.pipelines.tsfresh import params


@pytest.mark.parametrize("name", params.SETS)
@pytest.mark.parametrize("behind", ["", "()"], ids=["bare", "called"])
@pytest.mark.parametrize(
    "before",
    ["", "tsfresh.feature_extraction.", "tsfresh.feature_extraction.settings.", " "],
    ids=["name", "package", "module", "space"],
)
def test_a_set_is_known_by_each_of_its_names(name, behind, before):
    from tsfresh.feature_extraction import settings

    assert params.fc_parameters(before + name + behind) == dict(getattr(settings, name)())


@pytest.mark.parametrize(
    "name",
    ["", "()", "MinimalFCParameters()()", "minimalfcparameters", "os.system", "__import__('os')", "None", "dict"],
)
def test_another_name_is_refused_with_the_known_ones(name):
    with pytest.raises(InvalidParameters) as refused:
        params.fc_parameters(name)
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/extract_features/default_fc_parameters"
    assert all(f"{known}()" in fault.detail for known in params.SETS)


def test_a_mapping_is_taken_as_tsfresh_has_it():
    wanted = {"mean": None, "quantile": [{"q": 0.5}], "number_cwt_peaks": {"n": 3}}
    wanted |= {"cwt_coefficients": [{"widths": [2, 5], "coeff": 1, "w": 2}]}
    assert params.fc_parameters(wanted) == {
        "mean": None,
        "quantile": [{"q": 0.5}],
        "number_cwt_peaks": [{"n": 3}],
        "cwt_coefficients": [{"widths": (2, 5), "coeff": 1, "w": 2}],
    }


@pytest.mark.parametrize(
    ("wanted", "pointer", "words"),
    [
        pytest.param({"beauty": None}, "/beauty", "known are abs_energy, absolute_maximum", id="unknown calculator"),
        pytest.param({"set_property": None}, "/set_property", "known are", id="a function that is no calculator"),
        pytest.param({"np": None}, "/np", "known are", id="a module beside the calculators"),
        pytest.param({"quantile": None}, "/quantile", "needs a list of its arguments: q", id="no arguments"),
        pytest.param({"quantile": [{"p": 1}]}, "/quantile", "exactly the arguments q", id="another argument"),
        pytest.param({"quantile": []}, "/quantile", "1 to 1000 combinations", id="no combination"),
        pytest.param({"quantile": [{"q": 0.1}] * 1001}, "/quantile", "1 to 1000 combinations", id="too many"),
        pytest.param({"quantile": 0.5}, "/quantile", "must be null, or a list of mappings", id="a number"),
        pytest.param({"quantile": [0.5]}, "/quantile", "must be null, or a list of mappings", id="a list of numbers"),
        pytest.param({"mean": [{"q": 1}]}, "/mean", "exactly the arguments", id="arguments where there are none"),
    ],
)
def test_a_mapping_that_tsfresh_does_not_take_is_refused(wanted, pointer, words):
    with pytest.raises(InvalidParameters) as refused:
        params.fc_parameters(wanted)
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/extract_features/default_fc_parameters{pointer}"
    assert words in fault.detail


def test_an_empty_mapping_is_refused():
    with pytest.raises(InvalidParameters):
        params.fc_parameters({})


@pytest.mark.parametrize("name", ["", "fillna", "os.system", "tsfresh.utilities.dataframe_functions.impute()"])
def test_another_imputation_is_refused_with_the_known_ones(name):
    with pytest.raises(InvalidParameters) as refused:
        params.imputation(name)
    assert all(known in refused.value.faults[0].detail for known in params.IMPUTATIONS)


def test_parameters_are_described_as_in_2017():
    given = ExtractFeatures(
        column_id="example_id",
        impute_function="tsfresh.utilities.dataframe_functions.impute",
        default_fc_parameters="MinimalFCParameters()",
    )
    described = params.as_2017(given)
    assert described.keys() == {"column_id", "impute_function", "default_fc_parameters"}
    assert described["column_id"] == "example_id"
    assert described["impute_function"] == "impute"
    assert described["default_fc_parameters"] == str(list(params.fc_parameters("MinimalFCParameters()")))
    assert all(isinstance(value, str) for value in described.values())


def test_a_mapping_is_described_by_its_calculators():
    given = ExtractFeatures(column_id="id", default_fc_parameters={"mean": None, "quantile": [{"q": 0.5}]})
    assert params.as_2017(given)["default_fc_parameters"] == "['mean', 'quantile']"


@pytest.mark.parametrize(("named", "described"), [({}, "impute"), ({"impute_function": None}, None)], ids=str)
def test_the_imputation_is_described_as_it_was_given_or_by_its_default(named, described):
    assert params.as_2017(ExtractFeatures(column_id="id", **named)).get("impute_function") == described


def test_of_windows_the_minimal_set_is_computed_and_described_unless_one_is_named():
    unnamed = params.of_windows(ExtractFeatures(column_id="id"))
    assert params.as_2017(unnamed)["default_fc_parameters"] == str(list(params.fc_parameters("MinimalFCParameters()")))
    named = ExtractFeatures(column_id="id", default_fc_parameters="EfficientFCParameters()")
    assert params.of_windows(named) == named
