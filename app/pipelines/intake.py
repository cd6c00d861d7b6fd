"""All that can be said of a training before it is queued: what is wrong is answered at once, and nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.payloads import frames, strict_yaml
from app.payloads.parameters import ExtractFeatures, Kind, Task, TrainParameters, check
from app.payloads.training import Tables, assemble
from app.payloads.uploads import Upload, take
from app.pipelines import metrics, registry
from app.pipelines.samples import encode

if TYPE_CHECKING:
    import pandas as pd

    from app.settings import Settings


def read(uploads: dict[str, Upload], settings: Settings) -> Tables:
    """Parse and check the parts of POST /train_pipeline: raw_data, params, and labels unless params name a target.

    Raises
    ------
    Unreadable, FormatUnknown, UploadTooLarge, Unacceptable, InvalidParameters, InvalidData
    """
    take(uploads, ("raw_data", "params"), ("labels",))
    parameters = check(TrainParameters, strict_yaml.loads(uploads["params"].data, "params"))
    task = registry.check(parameters)
    if parameters.limits.seconds is None and (seconds := registry.resolve(parameters).seconds) is not None:
        limits = parameters.limits.model_copy(update={"seconds": min(seconds, settings.max_train_seconds)})
        parameters = parameters.model_copy(update={"limits": limits})
    if parameters.extract_features is not None:
        _check_names(parameters.extract_features)
    labels = frames.read(uploads["labels"], settings) if "labels" in uploads else None
    # Named as text, a column's numbers are read as they are written: a postcode keeps its zeros.
    text = [name for name, kind in parameters.columns.items() if kind in (Kind.CATEGORY, Kind.TEXT, Kind.DATE)]
    tables = Tables(parameters, task, frames.read(uploads["raw_data"], settings, text), labels)
    training = assemble(tables)
    if training.parameters.extract_features is not None:
        _check_series(training.frame, training.parameters.extract_features)
    classes: tuple[object, ...] = ()
    if training.task is Task.CLASSIFICATION:
        classes, _ = encode(training.labels.to_numpy(), training.positive_class)
    registry.resolve(parameters).check(training.parameters, classes)
    metrics.of(parameters.model_training, training.task, len(classes))
    if parameters.extract_features is None:
        kinds = {column.name: column.kind for column in training.signature.columns if column.role == "feature"}
        registry.resolve(parameters).check_kinds(registry.named(parameters), kinds)
    # What the labels decided stands, whatever a later release would make of them.
    return replace(tables, task=training.task)


def _check_names(wanted: ExtractFeatures) -> None:
    from app.pipelines.tsfresh import params

    params.fc_parameters(wanted.default_fc_parameters)
    params.imputation(wanted.impute_function)


def _check_series(frame: pd.DataFrame, wanted: ExtractFeatures) -> None:
    from app.pipelines.tsfresh.series import signals_of

    signals_of(frame, wanted)
