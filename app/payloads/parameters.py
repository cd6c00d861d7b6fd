"""Parameter files and the parameters of requests, checked field by field. Names are looked up later, by the engines."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.caller import NAMESPACE
from app.errors import Fault, InvalidParameters, at, listed

#: What a pipeline may be called: as a namespace. Nothing in it has a meaning to Redis, a URL or a file system.
ID_PATTERN = f"^{NAMESPACE.pattern}$"

#: A member of an enumeration as Python prints it, where pydantic lists what is known.
_MEMBER = re.compile(r"<\w+\.\w+: ('\w+')>")

#: Rows held out that a training may explain.
MOST_STORED = 100


class Task(StrEnum):
    """What a pipeline predicts."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    FORECASTING = "forecasting"


class Kind(StrEnum):
    """What a column holds: `category` is one of few texts, `text` is free text, `signal` a whole series a row."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"
    DATE = "date"
    IMAGE = "image"
    SIGNAL = "signal"


class Missing(StrEnum):
    """What becomes of missing values in a time series; `interpolate` is linear in the order of the rows."""

    REFUSE = "refuse"
    INTERPOLATE = "interpolate"
    ZERO = "zero"
    DROP = "drop"


class Output(StrEnum):
    """Columns of a prediction: `score` of the positive class, the `prediction`, or the prediction and every score."""

    SCORE = "score"
    PREDICTION = "prediction"
    ALL = "all"


def _arguments(value: object) -> object:
    """None stands for none. Keys in an argument are text, as JSON has them: `class_weight: {0: 1}` names class 0."""
    if isinstance(value, dict):
        return {name: _text_keys(inner) for name, inner in value.items()}
    return {} if value is None else value


def _text_keys(value: object) -> object:
    return {str(key): _text_keys(inner) for key, inner in value.items()} if isinstance(value, dict) else value


ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
PipelineId = (
    Annotated[int, Field(strict=True, ge=0, le=10**16)]
    | Annotated[str, StringConstraints(strict=True, pattern=ID_PATTERN)]
)
Version = Annotated[int, Field(strict=True, ge=1)]
#: Seeds fit what numpy's legacy generators take.
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]


class Strict(BaseModel):
    """Fields that are checked as they stand: an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def conflicts(self) -> list[Fault]:
        """Return what is wrong between fields that are right by themselves."""
        return []


class ExtractFeatures(Strict):
    """How tsfresh turns a long time series into one row an id. Its own argument names."""

    column_id: ColumnName | None = None
    """Column that says which series a row belongs to; only a forecasting of a single series has none."""
    column_sort: ColumnName | None = None
    """Column that orders the rows of a series; without one they stay as sent."""
    column_kind: ColumnName | None = None
    """Column that names the signal of a row, when several are stacked."""
    column_value: ColumnName | None = None
    """Column of the values; without one every other column is a signal."""
    default_fc_parameters: str | dict[str, Any] = "ComprehensiveFCParameters()"
    """Which features: MinimalFCParameters(), Efficient…, Comprehensive…, or {calculator: null or [arguments, …]}. The
    portfolio, when nothing is named, takes what there is time for; a forecasting the minimal ones."""
    impute_function: str | None = "tsfresh.utilities.dataframe_functions.impute"
    """How missing features are filled, by its dotted name."""
    missing: Missing = Missing.REFUSE
    """What becomes of missing values of the series themselves."""
    select: bool = False
    """Keep only the features that are relevant to the labels."""

    @model_validator(mode="after")
    def _columns_differ(self) -> ExtractFeatures:
        named = [self.column_id, self.column_sort, self.column_kind, self.column_value]
        given = [name for name in named if name is not None]
        if len(set(given)) < len(given):
            raise ValueError("column_id, column_sort, column_kind and column_value must name different columns")
        return self


class Forecast(Strict):
    """What a forecasting looks at, and how far ahead. Both count rows of a series."""

    horizon: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    """Steps to forecast."""
    window: Annotated[int, Field(strict=True, ge=2, le=10_000)] = 20
    """Latest values that a forecast is made from."""


class Images(Strict):
    """How images are seen: each is scaled to this size, in pixels."""

    height: Annotated[int, Field(strict=True, ge=4, le=512)] = 32
    width: Annotated[int, Field(strict=True, ge=4, le=512)] = 32
    channels: Literal[1, 3] = 3
    """1: grey. 3: red, green, blue."""


class ModelTraining(Strict):
    """What is trained."""

    model: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Dotted name: sklearn.ensemble.RandomForestClassifier, tpot.TPOTClassifier, …; left out, the portfolio picks."""
    model_args: Annotated[dict[str, Any], BeforeValidator(_arguments)] = {}
    """Arguments of the model; empty for its defaults."""
    metric: str | None = None
    """What a search improves, by scikit-learn's name or a short one (rmse, log_loss). When left out roc_auc or r2; rmse
    of a forecasting, accuracy of AutoKeras."""


class Limits(Strict):
    """What a training may use."""

    seconds: Annotated[int, Field(strict=True, ge=5)] | None = None
    """Wall time of the whole training; an attempt after its worker died has as much again."""
    memory_mb: Annotated[int, Field(strict=True, ge=256)] | None = None
    """Mebibytes that all processes of the training on its machine take, beyond what a worker takes by itself."""
    candidates: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    """Candidates that a search may try."""
    candidate_seconds: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Wall time of one candidate, all of its folds together."""


class StoredExplanations(Strict):
    """Explanations that a training makes at its end and keeps with its version; what else the method takes beside."""

    model_config = ConfigDict(extra="allow")

    method: str | None = None
    """Of one row or of many; when left out lime, of images grad_cam where it fits, of whole series segments."""
    rows: Annotated[int, Field(strict=True, ge=0, le=MOST_STORED)] = 5
    """Rows that are explained, of those that the training held out; 0 for no explanations."""


class TrainParameters(Strict):
    """The `params` part of POST /train_pipeline."""

    pipeline_id: PipelineId
    """Under which the pipeline is kept; training an id again makes its next version."""
    task: Task | None = None
    """Inferred from the model, or else from the labels, when left out."""
    target: ColumnName | None = None
    """Label column: of raw_data when there is no labels part, else of the labels."""
    id_column: ColumnName | None = None
    """Column that identifies a row of a plain table; it is not a feature."""
    positive_class: str | bool | int | float | None = None
    """Class whose probability is a binary prediction's score; the last in sorted order when left out."""
    promote: Annotated[bool, Field(strict=True)] = True
    """Whether the version becomes the current one, which predicts when none is named. The first of an id always does;
    others an admin can promote later."""
    seed: Seed = 0
    """Of every random choice of the training."""
    columns: dict[ColumnName, Literal[Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.TEXT, Kind.DATE]] = {}
    """Kinds of columns of a plain table, where the inferred ones are not wanted."""
    groups: ColumnName | None = None
    """Column whose equal values keep rows or series in one fold: a patient, a subject. Not a feature."""
    time: ColumnName | None = None
    """Column in whose order folds are made: each is tested on what came later. Not a feature."""
    sample_weight: ColumnName | None = None
    """Column of weights, at least 0, one a row or series. Not a feature."""
    folds: Annotated[int, Field(strict=True, ge=2, le=20)] = 5
    """Folds of the cross-validation."""
    extract_features: ExtractFeatures | None = None
    """Present: raw_data is a long time series. Absent: a plain table, one row a sample, or images."""
    forecast: Forecast | None = None
    """Of a forecasting: how far, and from how much."""
    images: Images | None = None
    """How images are seen, when raw_data is images."""
    model_training: ModelTraining = ModelTraining()
    explain: StoredExplanations = StoredExplanations()
    limits: Limits = Limits()

    def conflicts(self) -> list[Fault]:
        """Return what is wrong between fields that are right by themselves."""
        faults = []
        series, forecasting = self.extract_features, self.task is Task.FORECASTING
        identifying = {"id_column": self.id_column, "column_id": series.column_id if series is not None else None}
        roles = {name: role for role, name in identifying.items() if name is not None}
        for role in ("groups", "time", "sample_weight", "target"):
            if (name := getattr(self, role)) is not None and name in roles:
                faults.append(Fault(at("params", role), f"names the same column as {roles[name]}"))
            elif name is not None:
                roles[name] = role
        if self.groups and self.time:
            faults.append(Fault("/params/time", "folds are made by groups or in the order of time, not both"))
        if forecasting and series is None:
            faults.append(Fault("/params/extract_features", "missing: which columns of raw_data are a series"))
        if forecasting and series is not None and series.column_kind is not None:
            detail = "not with task: forecasting; leave it out, and send the signals side by side, a column each"
            faults.append(Fault("/params/extract_features/column_kind", detail))
        if forecasting and series is not None and series.select:
            faults.append(Fault("/params/extract_features/select", "not with task: forecasting; leave it out"))
        if forecasting and self.positive_class is not None:
            faults.append(Fault("/params/positive_class", "a forecast is of numbers; leave it out"))
        if series is not None and series.column_id is None and not forecasting:
            faults.append(Fault("/params/extract_features/column_id", "missing: which series a row belongs to"))
        if self.forecast is not None and not forecasting:
            faults.append(Fault("/params/forecast", "only with task: forecasting"))
        return faults


class PredictParameters(Strict):
    """The `params` part of POST /serve_prediction, or the names beside `data` in a JSON body."""

    pipeline_id: PipelineId
    version: Version | None = None
    """The current one when left out."""
    output: Output | None = None
    """Binary: score. Other tasks: all."""
    explain: str | dict[str, Any] | None = None
    """Method that explains each row beside its prediction, or {method: …} with its parameters."""


Parameters = TypeVar("Parameters", bound=Strict)


def check(model: type[Parameters], values: dict[str, Any]) -> Parameters:
    """Check values against a model.

    Raises
    ------
    InvalidParameters
        With a pointer to each value that is unknown, missing or out of bounds.
    """
    try:
        checked = model.model_validate(values)
    except ValidationError as error:
        # One a place: a value that fits no member of a union is told of by each.
        faults = list({fault.pointer: fault for fault in (_fault(model, e, values) for e in error.errors())}.values())
        raise _refused(faults) from None
    if faults := checked.conflicts():
        raise _refused(faults)
    return checked


def _refused(faults: list[Fault]) -> InvalidParameters:
    return InvalidParameters(f"{len(faults)} of the parameters cannot be accepted.", faults)


def _fault(model: type[Strict], entry: Any, values: dict[str, Any]) -> Fault:
    location = _location(entry, values)
    detail = _MEMBER.sub(r"\1", entry["msg"].removeprefix("Value error, "))
    if entry["type"].startswith("int_"):
        detail = "must be a whole number"
    if location == ["pipeline_id"]:
        detail = "must be a whole number of at least 0, or a name"
    if entry["type"] == "extra_forbidden":
        detail = f"not a parameter; known here are {listed(_known(model, location[:-1]))}"
    if entry["type"] == "string_pattern_mismatch":
        detail = "must be 1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or digit"
    return Fault(at("params", *location), detail)


def _location(entry: Any, values: Any) -> list[str]:
    """Return the steps of a location that lead through the values; pydantic's own also name members of unions."""
    steps, here = [], values
    for step in entry["loc"]:
        inside = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if inside:
            here = here[step]
        if inside or (entry["type"] == "missing" and step == entry["loc"][-1]):
            steps.append(str(step))
    return steps


def _known(model: type[Strict], path: list[str]) -> list[str]:
    fields = model.model_fields
    for step in path:
        inner = fields[step].annotation
        candidates = [inner, *getattr(inner, "__args__", ())]
        fields = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Strict)).model_fields
    return list(fields)
