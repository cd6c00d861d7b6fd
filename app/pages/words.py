"""Numbers, times and names as people read them: the filters of the templates."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined
from markupsafe import Markup

from app.pipelines.reports import writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

#: Digits that a number is rounded to.
_DIGITS = 4

#: Numbers from which on, and below which, powers of ten are shorter than digits.
_LARGE, _SMALL = 1e9, 1e-4

#: How a printed pipeline begins, and how many brackets are open within one of its steps.
_PIPELINE, _OF_STEPS = "Pipeline(", 3

#: A text or a bracket of what scikit-learn prints, the name before a step, and classes that do something.
_MARK = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|[()\[\]{}]")
_NAME = re.compile(r"^\s*(?:'[^']*'|\"[^\"]*\")\s*,\s*")
_CLASS = re.compile(
    r"\b(?!Pipeline|FeatureUnion|StratifiedKFold|KFold|Passthrough|SkipTransformer|EstimatorTransformer)([A-Z]\w+)\("
)

#: {part of a request: what people call it}, and those whose parts are columns.
_PARTS = {
    "": "the request",
    "raw_data": "the data",
    "labels": "the labels",
    "params": "the parameters",
    "query": "the address",
    "data": "the data",
}
_TABLES = {"raw_data", "labels"}

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
    text = f"{value:,.{_decimals(value)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spread(std: float | None, mean: float | None) -> str:
    """Write a standard deviation with the digits of its mean, and at least one that is not 0."""
    if not std or not mean or not math.isfinite(std) or not _SMALL <= abs(mean) < _LARGE:
        return number(std)
    text = f"{std:,.{_decimals(mean)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{std:.1g}" if text == "0" else text


def _decimals(number: float) -> int:
    return max(0, _DIGITS - 1 - math.floor(math.log10(abs(number))))


def value(found: object) -> str:
    """Write a value of a row as it stands in the data."""
    if found is None or found != found:
        return "missing"
    return writing.cell(found)


def visible(name: object) -> str:
    """Write the name of a class, a column or a row so that blanks can be seen."""
    return writing.visible(name)


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
    return writing.cut(text, most)


def kind_of_model(name: str) -> str:
    """Return what a pipeline does in the end, by what it prints as: the last step's class, without its arguments."""
    if (steps := _steps(name)) is not None:
        if not steps.whole:
            return candidate(name)
        return kind_of_model(steps.texts[-1]) if steps.texts else name
    return name.partition("(")[0].rpartition(".")[2] or name


def candidate(name: str) -> str:
    """Return a candidate in few words: a printed pipeline as `A > B > C`, the classes of steps that do something."""
    if (steps := _steps(name)) is None:
        return name
    *before, last = [_CLASS.findall(text) for text in steps.texts] or [[]]
    # What the last step is made of does not follow it.
    told = [one for some in before for one in some] + (last[:1] if steps.whole else last)
    return (" > ".join(told) or "Pipeline") + ("" if steps.whole else " …")


@dataclass(frozen=True)
class _Steps:
    """The steps of a pipeline as they are printed, and whether all of it is there."""

    texts: list[str]
    whole: bool


def _steps(name: str) -> _Steps | None:
    """Return the steps of what scikit-learn prints of a pipeline; None of anything else."""
    if not name.startswith(_PIPELINE):
        return None
    depth, begins, texts = 0, 0, []
    for mark in _MARK.finditer(name):
        if mark[0] in "([{":
            depth += 1
            begins = mark.end() if depth == _OF_STEPS else begins
        elif mark[0] in ")]}":
            depth -= 1
            if depth == _OF_STEPS - 1:
                texts.append(_NAME.sub("", name[begins : mark.start()]))
    if depth > 0 and (rest := _NAME.sub("", name[begins:])) and depth >= _OF_STEPS:
        texts.append(rest)
    return _Steps(texts, depth == 0)


def pointed(pointer: str) -> str:
    """Name what a JSON pointer of a problem points to: a column of the data, a field, or the whole part."""
    part, *steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.strip("/").split("/")]
    if not steps:
        return _PARTS.get(part, part)
    if part in _TABLES:
        return f"column {steps[0]}"
    return ".".join(steps if part in _PARTS else [part, *steps])


def _there(write: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter take what a record lacks for nothing."""

    @wraps(write)
    def written(value: object, *more: object) -> Any:
        return write(None if isinstance(value, Undefined) else value, *more)

    return written


def register(app: Flask) -> None:
    """Make the words filters of the templates."""
    of_numbers: dict[str, Callable[..., Any]] = {
        "number": number,
        "percent": percent,
        "seconds": seconds,
        "size": size,
        "spread": spread,
    }
    filters: dict[str, Any] = {
        **{name: _there(write) for name, write in of_numbers.items()},
        "moment": _there(moment),
        "metric": _there(metric),
        "count": count,
        "short": short,
        "value": value,
        # So those of the explanations' own pages call it.
        "cut": short,
        "kind_of_model": kind_of_model,
        "candidate": candidate,
        "pointed": pointed,
        "visible": visible,
    }
    app.jinja_env.filters.update(filters)
