"""Explanations as JSON has them, and as a table of contributions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local, Overall, Part
from app.payloads.cells import guarded
from app.payloads.explaining import ExplainParameters
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import pandas as pd


def header(found: Local | Overall) -> dict[str, Any]:
    """Return what is said once for a request."""
    return {
        "algorithm": found.algorithm,
        "scale": found.scale,
        "num_samples": found.num_samples,
        "background": found.background,
        "ended": found.ended,
    }


def local(subject: Subject, case: Case, prediction: float, asked: Asked, found: Local) -> dict[str, Any]:
    """Return the explanation of one row."""
    return {
        **named(case.row),
        **header(found),
        "target": _target(subject, asked),
        "prediction": prediction,
        "base_value": found.base_value,
        "local_prediction": found.local_prediction,
        **_contributions(subject, case.row, asked, found.contributions),
        **_finite(found.trust),
        **found.details,
    }


def overall(subject: Subject, asked: Asked, found: Overall, by_class: bool = True) -> dict[str, Any]:
    """Return the explanation of a model for one class, or for all at once."""
    return {
        **header(found),
        "target": _target(subject, asked) if by_class else None,
        "rows": found.rows,
        "base_value": found.base_value,
        **_contributions(subject, None, asked, found.contributions),
        **_finite(found.trust),
        **found.details,
    }


def explainer(name: str, parameters: type[ExplainParameters], scope: str) -> dict[str, Any]:
    """Return a method with its parameters and their defaults."""
    schema = parameters.model_json_schema()
    left_out = ("pipeline_id", "version", "method")
    return {
        "method": name,
        "scope": scope,
        "description": schema["description"],
        "needs_rows": parameters.needs_rows,
        "parameters": {name: one for name, one in schema["properties"].items() if name not in left_out},
    }


def shown(value: Any, kind: Kind | None) -> Any:
    """Return a value of a row as the caller sent it; a missing one is None, and so is what has no one value."""
    if value is None or kind in (Kind.IMAGE, Kind.SIGNAL) or value != value:
        return None
    if kind is Kind.DATE:
        return value.isoformat()
    if kind is Kind.BOOLEAN:
        return bool(value)
    return value.item() if hasattr(value, "item") else value


def named(row: pd.DataFrame) -> dict[str, Any]:
    """Return the id of a row; of a forecast the step too."""
    if row.index.nlevels == 1:
        return {"id": row.index.tolist()[0]}
    return {name: row.index.get_level_values(name).tolist()[0] for name in ("id", "step")}


def _target(subject: Subject, asked: Asked) -> Any:
    return subject.classes[asked.output] if subject.classes else None


def _contributions(subject: Subject, row: pd.DataFrame | None, asked: Asked, contributions: Any) -> dict[str, Any]:
    """Return the largest contributions, and the sum of the others."""
    ordered = sorted(contributions, key=lambda one: -abs(one.value))
    first, others = ordered[: asked.parameters.num_features], ordered[asked.parameters.num_features :]
    rest = {"features": len(others), "contribution": math.fsum(one.value for one in others)}
    return {"contributions": [_contribution(subject, row, one) for one in first], "rest": rest}


def _contribution(subject: Subject, row: pd.DataFrame | None, one: Contribution) -> dict[str, Any]:
    part = one.part
    entry: dict[str, Any] = {"feature": part.feature, "value": _value(subject, row, part), "contribution": one.value}
    if one.interval is not None:
        entry["standard_error"] = one.error
        entry["interval"] = list(one.interval)
    if one.condition is not None:
        entry["condition"] = one.condition
    if part.start is not None:
        entry |= {"start": part.start, "end": part.end}
    if part.region is not None:
        entry["region"] = part.region
    return entry


def _value(subject: Subject, row: pd.DataFrame | None, part: Part) -> Any:
    if part.start is not None or part.region is not None or row is None:
        return part.value
    return shown(row[part.feature].iloc[0], subject.kinds.get(part.feature))


def _finite(trust: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None or not math.isfinite(value) else value for name, value in trust.items()}


def table(answer: dict[str, Any]) -> str:
    """Return an answer as CSV: a line a contribution, a changed value of a row found, a point of a curve, a pair."""
    columns = (
        "id", "step", "target", "of", "number", "feature", "value", "contribution", "standard_error", "low", "high",
        "condition", "start", "end", "region", "prediction",
    )  # fmt: skip
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    for entry in (*answer["explanations"], *answer["overall"]):
        place = {name: entry.get(name) for name in ("id", "step", "target")}
        for line in _lines(entry):
            writer.writerow([guarded((place | line).get(name)) for name in columns])
    return written.getvalue()


def _lines(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the lines of one explanation by the names of their columns."""
    for one in entry["contributions"]:
        low, high = one.get("interval", (None, None))
        yield {**one, "of": "contribution", "low": low, "high": high}
    for kind in ("nearest", "counterfactuals"):
        for number, found in enumerate(entry.get(kind, ())):
            common = {"of": kind, "number": number, "prediction": found["prediction"]}
            yield from ({**common, "feature": name, "value": found["values"][name]} for name in found["changed"])
    for curve in entry.get("curves", ()):
        means = curve.get("mean") or curve.get("predictions")
        spread = zip(curve.get("low") or [None] * len(means), curve.get("high") or [None] * len(means), strict=True)
        for value, mean, (low, high) in zip(curve["grid"], means, spread, strict=True):
            common = {"of": "curve", "feature": curve["feature"], "value": value}
            yield {**common, "prediction": mean, "low": low, "high": high}
    for pair in entry.get("interactions", ()):
        yield {
            "of": "interaction",
            "feature": " × ".join(pair["features"]),
            "contribution": pair["interaction"],
            "standard_error": pair["standard_error"],
        }
    if surface := entry.get("surface"):
        for a, line in zip(surface["grids"][0], surface["mean"], strict=True):
            for b, mean in zip(surface["grids"][1], line, strict=True):
                feature, value = " × ".join(surface["features"]), f"{a} × {b}"
                yield {"of": "surface", "feature": feature, "value": value, "prediction": mean}
