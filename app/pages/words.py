"""Numbers, times and names as people read them: the filters of the templates."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from app.pipelines.reports import writing

if TYPE_CHECKING:
    from flask import Flask

#: Digits that a number is rounded to.
_DIGITS = 4

#: Numbers from which on, and below which, powers of ten are shorter than digits.
_LARGE, _SMALL = 1e9, 1e-4

#: What stands for nothing.
NOTHING = "–"

#: {metric: how people write it}; any other is written as it is.
METRICS = {
    "roc_auc": "ROC AUC",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "mse": "MSE",
    "f1": "F1",
    "brier": "Brier score",
}


def number(value: object) -> str:
    """Write a number with as many digits as say something; text stays, and nothing is a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if value and not _SMALL <= abs(value) < _LARGE:
        return f"{value:.3g}"
    if isinstance(value, int) or value == int(value):
        return f"{value:,.0f}"
    digits = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def value(found: object) -> str:
    """Write a value of a row as it stands in the data."""
    if found is None or found != found:
        return "missing"
    return writing.cell(found)


def percent(share: float | None) -> str:
    """Write a share of 1."""
    return NOTHING if share is None else writing.percent(share)


def seconds(value: float | None) -> str:
    """Write a duration in the units that people would take."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 60:
        return f"{number(round(value, 1))} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(count: float | None) -> str:
    """Write a number of bytes."""
    if count is None:
        return NOTHING
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{number(round(count, 1))} {unit}"
        count /= 1000
    return f"{number(round(count, 1))} GB"


def moment(value: str | float | None) -> Markup | str:
    """Write a time, which the browser shows in its own zone: ISO 8601, or seconds since 1970."""
    if value is None:
        return NOTHING
    when = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(
        when.isoformat(timespec="seconds"), when.astimezone(UTC)
    )


def metric(name: str | None) -> str:
    """Write the name of a metric."""
    return METRICS.get(name or "", name or "score")


def count(value: int, one: str, many: str = "") -> str:
    """Write a number of things: `3 models`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def short(text: object, most: int = 60) -> str:
    """Cut a text that is too long for its place."""
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def kind_of_model(name: str) -> str:
    """Return what a pipeline does in the end, by what it prints as: the last step's class, without its arguments."""
    return name.partition("(")[0].rpartition(".")[2] or name


def register(app: Flask) -> None:
    """Make the words filters of the templates."""
    filters: dict[str, Any] = {
        "number": number,
        "percent": percent,
        "seconds": seconds,
        "size": size,
        "moment": moment,
        "metric": metric,
        "count": count,
        "short": short,
        "value": value,
        # So those of the explanations' own pages call it.
        "cut": short,
        "kind_of_model": kind_of_model,
    }
    app.jinja_env.filters.update(filters)
