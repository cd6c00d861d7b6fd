"""All that can be said of a training before it is queued: what is wrong is answered at once, and nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payloads import frames, strict_yaml
from app.payloads.parameters import ExtractFeatures, TrainParameters, check
from app.payloads.training import Tables, assemble
from app.payloads.uploads import Upload, take
from app.pipelines import registry

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
    task = registry.check(parameters.model_training, parameters.task)
    if parameters.extract_features is not None:
        _check_names(parameters.extract_features)
    labels = frames.read(uploads["labels"], settings) if "labels" in uploads else None
    tables = Tables(parameters, task, frames.read(uploads["raw_data"], settings), labels)
    training = assemble(tables)
    if parameters.extract_features is not None:
        _check_series(training.frame, parameters.extract_features)
    classes = tuple(training.labels.unique().tolist())
    registry.resolve(parameters.model_training.model).check(parameters.model_training, classes)
    return tables


def _check_names(wanted: ExtractFeatures) -> None:
    from app.pipelines.tsfresh import params

    params.fc_parameters(wanted.default_fc_parameters)
    params.imputation(wanted.impute_function)


def _check_series(frame: pd.DataFrame, wanted: ExtractFeatures) -> None:
    from app.pipelines.tsfresh.features import signals_of

    signals_of(frame, wanted)
