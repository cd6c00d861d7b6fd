"""The fields of the form, and the parameters of POST /train_pipeline that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from app.pages.training import known
from app.payloads.parameters import Task

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

#: {pointer into the parameters: (field of the form, what people call it)}.
LABELS = {
    "/params/pipeline_id": ("pipeline_id", "Name of the model"),
    "/params/task": ("task", "Task"),
    "/params/target": ("target", "What to predict"),
    "/params/id_column": ("id_column", "Id of a row"),
    "/params/positive_class": ("positive_class", "Positive class"),
    "/params/groups": ("groups", "Groups"),
    "/params/time": ("time", "Order in time"),
    "/params/sample_weight": ("sample_weight", "Weights"),
    "/params/folds": ("folds", "Folds"),
    "/params/seed": ("seed", "Seed"),
    "/params/extract_features/column_id": ("column_id", "Id of a series"),
    "/params/extract_features/column_sort": ("column_sort", "Order of the rows"),
    "/params/extract_features/column_kind": ("column_kind", "Name of the signal"),
    "/params/extract_features/column_value": ("column_value", "Value"),
    "/params/extract_features/default_fc_parameters": ("features", "Features"),
    "/params/extract_features/select": ("select", "Keep the relevant features only"),
    "/params/forecast/horizon": ("horizon", "Steps ahead"),
    "/params/forecast/window": ("window", "Latest values to look at"),
    "/params/model_training/model": ("model", "Model"),
    "/params/model_training/metric": ("metric", "Metric"),
    "/params/explain/rows": ("explain_rows", "Rows to explain"),
    "/params/limits/seconds": ("seconds", "Seconds"),
    "/params/limits/memory_mb": ("memory_mb", "Memory"),
    "/params/limits/candidates": ("candidates", "Candidates"),
    "/params/limits/candidate_seconds": ("candidate_seconds", "Seconds of a candidate"),
}

#: What stands in a field for what is a number or a name in the parameters.
_WHOLE = ("folds", "seed")
_LIMITS = ("seconds", "memory_mb", "candidates", "candidate_seconds")
_SERIES = ("column_id", "column_sort", "column_kind", "column_value")


#: What a network may look at.
_KINDS = ("table", "text", "image", "series")


@dataclass(frozen=True)
class Seen:
    """What the page knows of the files that it has looked at; it comes back with each request."""

    file: str = ""
    labels_file: str = ""
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    task: Task | None = None
    looks_at: str = "table"
    images: bool = False

    @classmethod
    def of(cls, text: str) -> Seen:
        """Read it back; what is no such thing is as if nothing had been seen."""
        try:
            value = orjson.loads(text or "{}")
            columns, labels = (tuple(map(str, value.get(name, ()))) for name in ("columns", "labels"))
            file, labels_file = (str(value.get(name, "")) for name in ("file", "labels_file"))
            task = Task(value["task"]) if value.get("task") else None
            looks_at = value.get("looks_at")
            images = value.get("images") is True
        except (ValueError, TypeError, AttributeError):
            return cls()
        known = str(looks_at) if looks_at in _KINDS else "table"
        return cls(file, labels_file, columns, labels, task, known, images)

    @property
    def either(self) -> list[str]:
        """Columns of the data or of the labels, each once."""
        return list(dict.fromkeys((*self.columns, *self.labels)))

    def as_text(self) -> str:
        """Return what `of` reads."""
        return orjson.dumps(self).decode()


@dataclass(frozen=True)
class Form:
    """What is filled in: texts by field, kinds of columns, and what was seen of the files."""

    values: dict[str, str]
    kinds: dict[str, str] = field(default_factory=dict)
    seen: Seen = Seen()

    @classmethod
    def of(cls, sent: MultiDict[str, str]) -> Form:
        """Read a form as it was sent."""
        values = {name: value.strip() for name, value in sent.items() if value.strip()}
        kinds = {}
        for text in sent.getlist("kinds"):
            try:
                name, kind = orjson.loads(text)
            except (ValueError, TypeError):
                continue
            kinds[str(name)] = str(kind)
        # Names of columns may begin or end in blanks, and are taken as they are.
        named = {name: sent[name] for name in ("target", "id_column", *_SERIES) if sent.get(name)}
        return cls({**values, **named}, kinds, Seen.of(sent.get("seen", "")))

    @property
    def series(self) -> bool:
        """Whether the rows are moments of series."""
        return self.values.get("shape") == "series" or self.values.get("task") == Task.FORECASTING

    @property
    def task(self) -> Task | None:
        """The task that was chosen, or else the one that the data has told."""
        chosen = self.values.get("task", "")
        return Task(chosen) if chosen in list(Task) else self.seen.task


def parameters(form: Form) -> dict[str, Any]:
    """Return the parameters that a form makes; what is left at its default is left out."""
    values = form.values
    made: dict[str, Any] = {"pipeline_id": _whole(values.get("pipeline_id", ""))}
    made |= _given(values, "task", "target", "positive_class")
    if form.series:
        made["extract_features"] = _series(values)
        if values.get("task") == Task.FORECASTING:
            made |= _part(
                "forecast", {name: _whole(text) for name, text in _given(values, "horizon", "window").items()}
            )
    else:
        made |= _given(values, "id_column")
        made |= _part("columns", form.kinds)
    made |= _given(values, "groups", "time", "sample_weight")
    made |= {name: _whole(text) for name, text in _given(values, *_WHOLE).items()}
    made |= _part("model_training", {**_model(form), **_given(values, "metric")})
    made |= _part("explain", {"rows": _whole(values["explain_rows"])} if "explain_rows" in values else {})
    return made | _part("limits", {name: _whole(text) for name, text in _given(values, *_LIMITS).items()})


def _series(values: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = dict(_given(values, *_SERIES))
    if "features" in values:
        made["default_fc_parameters"] = values["features"]
    made |= _given(values, "missing")
    return {**made, "select": True} if "select" in values and values.get("task") != Task.FORECASTING else made


def _model(form: Form) -> dict[str, str]:
    """Return the model that the engine and the task come to; nothing where the portfolio picks."""
    task = form.task or Task.CLASSIFICATION
    match form.values.get("engine", ""):
        case "tpot":
            return {"model": f"tpot.TPOT{'Classifier' if task is Task.CLASSIFICATION else 'Regressor'}"}
        case "autokeras":
            # Networks of series are for whole series; a forecast is made from a table of its latest values.
            series = form.series and task is not Task.FORECASTING
            looks_at = "series" if series else "table" if form.series else form.seen.looks_at
            return {"model": known.network(looks_at, task)}
        case "named":
            return {"model": form.values.get("model", "")}
    return {}


def _given(values: dict[str, str], *names: str) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}


def _part(name: str, made: dict[str, Any]) -> dict[str, Any]:
    return {name: made} if made else {}


def _whole(text: str) -> int | str:
    """Read a whole number; what is none is left as it is, for the checks to tell."""
    plain = text.isascii() and text.isdecimal() and (text == "0" or not text.startswith("0")) and len(text) <= 16
    return int(text) if plain else text
