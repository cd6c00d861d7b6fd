"""What local explanations come to over many rows: means by column, word, stretch of a signal, place in images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters
from app.explain import many, registry, shap
from app.explain.answer import shown
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local, Overall, Part
from app.payloads.explaining import METHODS, ExplainParameters
from app.payloads.parameters import check

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Stretches of the signals: series differ in length, and these are parts of each.
_STRETCHES = 20

#: Samples of each explanation when nothing is asked for: means need less than one explanation. Of images and series
#: fewer, as their answers take longer.
_SAMPLES, _OF_SLOW = 2_000, 200

#: Figures of trust of which the greatest counts.
_ERRORS = ("additivity_error", "standard_error", "divergence")

#: Columns whose values are given beside their contributions, for a plot of each row.
_SHOWN = 20


def explain(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Explain each row by a local method, and take the means.

    Raises
    ------
    InvalidParameters
        The local method does not fit, or needs series, and none were sent.
    """
    wanted = asked.parameters
    method = wanted.algorithm or _usual(subject)
    registry.check(method, subject)
    if method in ("segments", "features_on_signal") and any(case.signals is None for case in cases):
        raise InvalidParameters(
            "Stretches of series are explained of series that are sent.",
            [Fault("/params/algorithm", "send raw_data with series, or ask for shap or lime where they fit")],
        )
    asked = replace(asked, parameters=_of_method(subject, wanted, method))
    if subject.images is not None:
        cases = _of_class(subject, cases, asked)
    explainer = registry.resolve(method)
    exact = shap.exact_each(subject, cases, asked) if method == "shap" else None
    places, each = (range(len(cases)), exact) if exact else many.explained(explainer, subject, cases, asked)
    common = _common(each, late=not exact and asked.late and len(each) < len(cases))
    if "map" in each[0].details or "regions" in each[0].details:
        return _maps(each, common)
    return _means(subject, [cases[place] for place in places], each, method, common)


def _of_class(subject: Subject, cases: Sequence[Case], asked: Asked) -> Sequence[Case]:
    """Return the images that are predicted as the class explained; where none is, all of them."""
    import pandas as pd

    if not subject.classes:
        return cases
    likeliest = subject.predict(pd.concat([case.row for case in cases])).argmax(axis=1)
    return [case for case, code in zip(cases, likeliest, strict=True) if code == asked.output] or cases


def _usual(subject: Subject) -> str:
    fitting = registry.fitting(subject)
    return next(name for name in ("grad_cam", "shap", "segments") if name in fitting)


def _of_method(subject: Subject, wanted: Any, method: str) -> ExplainParameters:
    """Return the parameters of the local method."""
    common: dict[str, Any] = {"pipeline_id": wanted.pipeline_id, "method": method}
    if "num_samples" in METHODS[method].model_fields:
        slow = subject.images is not None or method == "segments"
        common["num_samples"] = wanted.num_samples or (_OF_SLOW if slow else _SAMPLES)
    if "max_error" in METHODS[method].model_fields:
        common["max_error"] = wanted.max_error
    # More samples than the local method takes are refused as they are of itself.
    return check(METHODS[method], common)


def _means(
    subject: Subject, cases: Sequence[Case], each: Sequence[Local], method: str, common: dict[str, Any]
) -> Overall:
    """Return for each part how much it moves predictions, in either direction, and on average."""
    import numpy as np

    names: dict[Part, int] = {}
    cells = []
    for row, one in enumerate(each):
        for found in one.contributions:
            part = _same(found.part, one, method)
            cells.append((row, names.setdefault(part, len(names)), found.value))
    shares, there = np.zeros((len(each), len(names))), np.zeros((len(each), len(names)), dtype=bool)
    for row, column, value in cells:
        shares[row, column] += value
        there[row, column] = True
    sizes = np.abs(shares).mean(axis=0)
    spread = np.abs(shares).std(axis=0, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.full(len(names), np.nan)
    order = np.argsort(-sizes, kind="stable")
    parts = list(names)
    table = [
        {
            "feature": parts[column].feature,
            "value": parts[column].value,
            # Where it is there: a rare word may matter much in the few texts that have it.
            "mean": float(shares[there[:, column], column].mean()),
            "rows": int(there[:, column].sum()),
        }
        for column in order[:100]
    ]
    points = {
        parts[column].feature: {
            "contributions": shares[:, column].tolist(),
            "values": [_value(subject, case, parts[column].feature) for case in cases],
        }
        for column in order[:_SHOWN]
        if parts[column].start is None and parts[column].value is None
    }
    bases = [one.base_value for one in each if one.base_value is not None]
    return Overall(
        contributions=[
            Contribution(part, float(sizes[column]), float(spread[column]), degrees=len(each) - 1)
            for part, column in names.items()
        ],
        base_value=float(np.mean(bases)) if bases else None,
        trust={name: _worst(name, each) for name in each[0].trust},
        details={"table": table, "points": points},
        **common,
    )


def _same(part: Part, one: Local, method: str) -> Part:
    """Return the part that stands for this one in all rows: a word wherever it is, a stretch by its place."""
    if part.start is None:
        return replace(part, value=None)
    if method in ("segments", "features_on_signal"):
        # Cut as they are: of a series that is shorter than its stretches some are left out.
        length = len(one.details["signals"][part.feature])
        count = min(_STRETCHES, length)
        place = round((part.start - one.details["start"]) * count / length)
        return Part(part.feature, f"{100 * place // count} to {100 * (place + 1) // count} %")
    return Part(part.feature, part.value)


def _value(subject: Subject, case: Case, name: str) -> Any:
    return shown(case.row[name].iloc[0], subject.kinds.get(name)) if name in case.row.columns else None


def _worst(name: str, each: Sequence[Local]) -> float | None:
    """Return the mean of what is better when it is greater, and the greatest of an error."""
    values = [value for one in each if (value := one.trust.get(name)) is not None]
    if not values:
        return None
    return max(values) if name in _ERRORS else sum(values) / len(values)


def _maps(each: Sequence[Local], common: dict[str, Any]) -> Overall:
    """Return the mean map of images."""
    import numpy as np

    maps = [np.array(one.details["map"]) if "map" in one.details else _of_regions(one) for one in each]
    mean = np.mean(maps, axis=0)
    return Overall(
        trust={name: _worst(name, each) for name in each[0].trust},
        details={"map": mean.tolist(), "deviation": np.std(maps, axis=0).tolist()},
        **common,
    )


def _of_regions(one: Local) -> Array:
    """Return the contribution at each pixel: that of its region over the pixels of the region."""
    import numpy as np

    regions = np.array(one.details["regions"])
    shares = np.zeros(regions.max() + 1)
    for found in one.contributions:
        assert found.part.region is not None
        shares[found.part.region] = found.value
    by_pixel: Array = (shares / np.bincount(regions.ravel()))[regions]
    return by_pixel


def _common(each: Sequence[Local], late: bool) -> dict[str, Any]:
    first, samples = each[0], [one.num_samples for one in each if one.num_samples is not None]
    return {
        "algorithm": f"mean_{first.algorithm}",
        "scale": first.scale,
        "num_samples": max(samples, default=None),
        "background": first.background,
        "rows": len(each),
        "ended": many.ended(each, late),
    }
