"""Which features and which imputation can be named. Strings are looked up in tables, never evaluated."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from app.errors import EngineMissing, Fault, InvalidParameters, at
from app.payloads.parameters import ExtractFeatures

#: Parameter sets of tsfresh, with or without the module in front and the parentheses behind.
SETS = ("MinimalFCParameters", "EfficientFCParameters", "ComprehensiveFCParameters")

#: {name: how missing features are filled}. `range` takes the median, least and greatest value of the training rows;
#: with tsfresh's own `impute` a request of one series would be filled from itself.
IMPUTATIONS = {
    "tsfresh.utilities.dataframe_functions.impute": "range",
    "tsfresh.utilities.dataframe_functions.impute_dataframe_zero": "zero",
    "impute": "range",
    "impute_dataframe_zero": "zero",
}

#: {calculator: {argument: the most that it may be}} of what costs time or memory in proportion, or more.
CEILINGS = {
    "agg_autocorrelation": {"maxlag": 10_000},
    "approximate_entropy": {"m": 100},
    "ar_coefficient": {"k": 1_000},
    "binned_entropy": {"max_bins": 10_000},
    "cwt_coefficients": {"widths": 1_000},
    "energy_ratio_by_chunks": {"num_segments": 10_000},
    "fourier_entropy": {"bins": 10_000},
    "friedrich_coefficients": {"m": 20, "r": 10_000},
    "lempel_ziv_complexity": {"bins": 10_000},
    "max_langevin_fixed_point": {"m": 20, "r": 10_000},
    "number_cwt_peaks": {"n": 100},
    "number_peaks": {"n": 10_000},
    "permutation_entropy": {"dimension": 20},
}

#: Members of a list among the arguments, characters of a text, and how large a number may be.
_MEMBERS, _CHARACTERS, _LARGEST = 10_000, 200, 1e12

#: {calculator: None, or a list of its arguments}: what tsfresh takes.
FcParameters = dict[str, list[dict[str, Any]] | None]


def imputation(wanted: str | None) -> str:
    """Return how missing features are filled; a model cannot do without, so none named means `range`.

    Raises
    ------
    InvalidParameters
    """
    if wanted is None:
        return "range"
    if wanted not in IMPUTATIONS:
        raise InvalidParameters(
            "The impute_function is not one that this service knows.",
            [Fault("/params/extract_features/impute_function", f"unknown; known are {', '.join(IMPUTATIONS)}")],
        )
    return IMPUTATIONS[wanted]


def fc_parameters(wanted: str | dict[str, Any]) -> FcParameters:
    """Return tsfresh's parameters for the name of a set, or for a mapping of calculators to their arguments.

    Raises
    ------
    InvalidParameters
        An unknown set, calculator or argument, listing the known ones.
    EngineMissing
    """
    try:
        from tsfresh.feature_extraction import settings
    except ImportError:
        raise EngineMissing("tsfresh", "tsfresh") from None

    if isinstance(wanted, dict):
        return _explicit(wanted)
    return dict(getattr(settings, set_of(wanted))())


def set_of(wanted: str) -> str:
    """Return the name of a set by itself, for which tsfresh need not be there.

    Raises
    ------
    InvalidParameters
    """
    name = wanted.strip().removesuffix("()").removeprefix("tsfresh.feature_extraction.settings.")
    name = name.removeprefix("tsfresh.feature_extraction.")
    if name not in SETS:
        raise InvalidParameters(
            "The default_fc_parameters are not a set that this service knows.",
            [Fault(_POINTER, f"unknown; known are {', '.join(f'{known}()' for known in SETS)}, or a mapping")],
        )
    return name


_POINTER = "/params/extract_features/default_fc_parameters"


def _explicit(wanted: dict[str, Any]) -> FcParameters:
    calculators = _calculators()
    faults: list[Fault] = []
    found: FcParameters = {}
    for name, arguments in wanted.items():
        if name not in calculators:
            faults.append(Fault(_POINTER + at(name), f"unknown; known are {', '.join(sorted(calculators))}"))
            continue
        combinations = [arguments] if isinstance(arguments, dict) else arguments
        detail = _refusal(calculators[name], combinations) or _excess(name, combinations)
        if detail:
            faults.append(Fault(_POINTER + at(name), detail))
        else:
            found[name] = None if combinations is None else [_as_tuples(entry) for entry in combinations]
    if faults or not wanted:
        raise InvalidParameters("The default_fc_parameters name what tsfresh does not have.", faults)
    return found


def _calculators() -> dict[str, Callable[..., Any]]:
    from tsfresh.feature_extraction import feature_calculators

    return {name: member for name, member in vars(feature_calculators).items() if hasattr(member, "fctype")}


def _refusal(calculator: Callable[..., Any], combinations: Any) -> str | None:
    """Say why the arguments of a calculator are not taken; None when they are."""
    expected = set(list(inspect.signature(calculator).parameters)[1:])
    if combinations is None:
        return f"needs a list of its arguments: {', '.join(sorted(expected))}" if expected else None
    if not isinstance(combinations, list) or not all(isinstance(entry, dict) for entry in combinations):
        return "must be null, or a list of mappings of arguments"
    if not combinations or len(combinations) > 1000:
        return "must have 1 to 1000 combinations of arguments"
    # A combiner takes all combinations at once in one argument; what is in them only it knows.
    if expected == {"param"}:
        return None
    wrong = [entry for entry in combinations if set(entry) != expected]
    return f"each combination must have exactly the arguments {', '.join(sorted(expected))}" if wrong else None


def _excess(name: str, combinations: list[dict[str, Any]] | None) -> str | None:
    """Say which of the arguments of a calculator is too much; None when none is."""
    for argument, value in ((key, value) for entry in combinations or () for key, value in entry.items()):
        most = CEILINGS.get(name, {}).get(argument, _LARGEST)
        members = value if isinstance(value, list) else [value]
        if len(members) > _MEMBERS or any(isinstance(one, list | dict) for one in members):
            return f"{argument}: must be a number, a text, or a list of at most {_MEMBERS} of them"
        if any(isinstance(one, str) and len(one) > _CHARACTERS for one in members):
            return f"{argument}: must have at most {_CHARACTERS} characters"
        if any(isinstance(one, int | float) and not -_LARGEST <= one <= most for one in members):
            return f"{argument}: must be at most {most:g}"
    return None


def _as_tuples(value: Any) -> Any:
    """YAML has lists where tsfresh's arguments are tuples."""
    if isinstance(value, dict):
        return {name: _as_tuples(inner) for name, inner in value.items()}
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def of_windows(wanted: ExtractFeatures) -> ExtractFeatures:
    """Return what is computed of each window of a forecasting: tsfresh's minimal set unless one is named.

    There are thousands of windows, and their latest values are features by themselves.
    """
    if "default_fc_parameters" in wanted.model_fields_set:
        return wanted
    return wanted.model_copy(update={"default_fc_parameters": "MinimalFCParameters()"})


def as_2017(parameters: ExtractFeatures) -> dict[str, str]:
    """Describe the feature parameters as the 2017 service did: every value a string.

    `default_fc_parameters` is the list of calculator names, `impute_function` its bare name.
    """
    given = parameters.model_dump(exclude_unset=True, exclude_none=True)
    described = {name: str(value) for name, value in given.items()}
    described["default_fc_parameters"] = str(list(fc_parameters(parameters.default_fc_parameters)))
    if parameters.impute_function is not None:
        described["impute_function"] = parameters.impute_function.rpartition(".")[2]
    return described
