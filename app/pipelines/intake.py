"""All that can be said of a training before it is queued: what is wrong is answered at once, and nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import within
from app.payloads import beside, frames, strict_yaml
from app.payloads.explaining import check_explaining
from app.payloads.parameters import ExtractFeatures, Kind, Task, TrainParameters, check
from app.payloads.training import Tables, Training, assemble
from app.payloads.uploads import Upload, take
from app.pipelines import costs, folds, metrics, registry
from app.pipelines.samples import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from app.settings import Settings

    Array = np.ndarray[Any, Any]


def read(uploads: dict[str, Upload], settings: Settings) -> Tables:
    """Parse and check the parts of POST /train_pipeline: raw_data, params, and labels unless params name a target.

    Raises
    ------
    Unreadable, FormatUnknown, UploadTooLarge, Unacceptable, InvalidParameters, InvalidData
    """
    take(uploads, ("raw_data", "params"), ("labels",))
    parameters = check(TrainParameters, strict_yaml.loads(uploads["params"].data, "params"))
    task = registry.check(parameters)
    check_explained(parameters)
    if parameters.limits.seconds is None and (seconds := registry.resolve(parameters).seconds) is not None:
        limits = parameters.limits.model_copy(update={"seconds": min(seconds, settings.max_train_seconds)})
        parameters = parameters.model_copy(update={"limits": limits})
    if parameters.extract_features is not None:
        _check_names(parameters.extract_features)
    tables = tables_of(uploads, parameters, task, settings)
    training = assemble(tables)
    classes, y = _coded(training)
    registry.resolve(parameters).check(training.parameters, classes)
    metric = metrics.of(parameters.model_training, training.task, len(classes))
    if parameters.extract_features is None:
        kinds = {column.name: column.kind for column in training.signature.columns if column.role == "feature"}
        registry.resolve(parameters).check_kinds(registry.named(parameters), kinds)
    if y is None:
        y = _forecast(training)
    else:
        _check_samples(training, y)
    metrics.check(metric, parameters.model_training, y)
    if settings.dask_scheduler_address is None and not _picks_features(parameters):
        # How fast a cluster is nobody here knows.
        costs.require_training(training, parameters.limits.seconds or settings.train_seconds, y)
    # What the labels decided stands, whatever a later release would make of them.
    return replace(tables, task=training.task)


def _picks_features(parameters: TrainParameters) -> bool:
    """Tell whether the engine takes the features that there is time for, as none are named."""
    series = parameters.extract_features
    return series is not None and registry.picks(parameters) and "default_fc_parameters" not in series.model_fields_set


def tables_of(uploads: dict[str, Upload], parameters: TrainParameters, task: Task | None, settings: Settings) -> Tables:
    """Read raw_data, and labels where they came, as the parameters say.

    Raises
    ------
    Unreadable, FormatUnknown, UploadTooLarge, InvalidData
    """
    series = parameters.extract_features
    id_column = parameters.id_column if series is None else series.column_id
    labels = None
    if "labels" in uploads:
        labels = frames.read(uploads["labels"], settings, (), id_column, _classes(parameters, task, apart=True))
    # Named as text, a column's numbers are read as they are written: a postcode keeps its zeros.
    text = [name for name, kind in parameters.columns.items() if kind in (Kind.CATEGORY, Kind.TEXT, Kind.DATE)]
    frame = frames.read(uploads["raw_data"], settings, text, id_column, _classes(parameters, task, apart=False))
    return Tables(parameters, task, frame, labels)


def _classes(parameters: TrainParameters, task: Task | None, apart: bool) -> Callable[[str], bool]:
    """Return what tells of a column whether it may hold classes: of the labels that came apart, or of the data."""

    def may(name: str) -> bool:
        if task not in (None, Task.CLASSIFICATION):
            return False
        if parameters.target is not None:
            return name == parameters.target
        return apart and name not in beside.named(parameters)

    return may


def check_explained(parameters: TrainParameters) -> None:
    """Check what is to be explained at the end of a training.

    Raises
    ------
    InvalidParameters
    """
    wanted = parameters.explain
    if wanted.method is not None or wanted.model_extra:
        # It would be found wrong at the end of the training only.
        known = {} if wanted.method is None else {"method": wanted.method}
        with within("params/explain"):
            check_explaining({**(wanted.model_extra or {}), **known, "pipeline_id": parameters.pipeline_id})


def _check_names(wanted: ExtractFeatures) -> None:
    from app.pipelines.tsfresh import params

    params.fc_parameters(wanted.default_fc_parameters)
    params.imputation(wanted.impute_function)


def _coded(training: Training) -> tuple[tuple[Any, ...], Array | None]:
    """Return the classes, and the labels as codes or numbers; None of a forecasting, whose series have to be cut."""
    match training.task:
        case Task.CLASSIFICATION:
            return encode(training.labels.to_numpy(), training.positive_class)
        case Task.REGRESSION:
            return (), training.labels.to_numpy().astype("float64")
        case Task.FORECASTING:
            return (), None


def _check_samples(training: Training, y: Array) -> None:
    """Refuse series with values that are missing, and groups or times that no folds can be made of."""
    from app.pipelines.tsfresh.series import signals_of

    if training.parameters.extract_features is not None:
        signals_of(training.frame, training.parameters.extract_features)
    folds.check(training, y)


def _forecast(training: Training) -> Array:
    """Cut and split the series as the training will, and return the values to forecast."""
    from app.pipelines.tsfresh import backtest
    from app.pipelines.tsfresh.cut import Cut

    parameters = training.parameters
    wanted, forecast = parameters.extract_features, parameters.forecast
    assert wanted is not None
    assert forecast is not None
    cut = Cut.of(training.frame, wanted, forecast, parameters.target, parameters.seed)
    backtest.split(cut.order, folds.wanted(parameters), forecast.horizon)
    return cut.y
