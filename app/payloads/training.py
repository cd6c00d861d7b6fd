"""One training's input: assembled and checked by the route, kept in Redis as Arrow, assembled again by the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from app.errors import MOST_NAMED, Fault, InvalidData, InvalidParameters, at, listed, nearest
from app.payloads import beside
from app.payloads import labels as labelling
from app.payloads.images import by_path, is_images
from app.payloads.parameters import Forecast, Task, TrainParameters, check
from app.payloads.signature import Signature, infer

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Id column of a single series, which has none of its own.
SINGLE_SERIES = "_series"


@dataclass(frozen=True)
class Tables:
    """What was uploaded, parsed and not yet joined.

    `labels` is None when `target` names a column of `frame`; `task` is None when the labels decide.
    """

    parameters: TrainParameters
    task: Task | None
    frame: pd.DataFrame
    labels: pd.DataFrame | None

    def to_bytes(self) -> dict[str, bytes]:
        """Return what `from_bytes` reads: Arrow streams and JSON, which hold data and no code."""
        stored = {
            "parameters": orjson.dumps(self.parameters.model_dump(mode="json", exclude_unset=True)),
            "task": (self.task.value if self.task else "").encode(),
            "frame": to_arrow(self.frame),
        }
        return stored if self.labels is None else stored | {"labels": to_arrow(self.labels)}

    @classmethod
    def from_bytes(cls, stored: dict[str, bytes]) -> Self:
        """Read the tables of another process, with the same types."""
        task = stored["task"].decode()
        labels = from_arrow(stored["labels"]) if "labels" in stored else None
        parameters = check(TrainParameters, orjson.loads(stored["parameters"]))
        return cls(parameters, Task(task) if task else None, from_arrow(stored["frame"]), labels)


@dataclass(frozen=True)
class Training:
    """Rows and labels that belong together.

    Attributes
    ----------
    parameters
        As sent, with the columns filled in that are known by themselves: the file name of images, the one series.
    frame
        DataFrame of shape (n_rows, n_columns) as the signature has it. In a plain table a row is a sample; in a
        series the rows of one id are.
    labels
        Series of shape (n_samples,), indexed by id, in the order in which the ids first occur in `frame`. Of a
        forecasting: the values to forecast, one a row.
    positive_class
        Class whose probability is a binary prediction's score; None for numbers.
    groups, times, weights
        Arrays of shape (n_samples,), or None: which samples stay together, their order in time, their weights.
    """

    parameters: TrainParameters
    task: Task
    signature: Signature
    frame: pd.DataFrame
    labels: pd.Series
    positive_class: object
    groups: np.ndarray[Any, Any] | None = None
    times: np.ndarray[Any, Any] | None = None
    weights: np.ndarray[Any, Any] | None = None


def assemble(tables: Tables) -> Training:
    """Join and check what was uploaded.

    Raises
    ------
    InvalidData, InvalidParameters
        Saying which columns, ids or labels do not fit.
    """
    parameters, frame = completed(tables.parameters, tables.frame)
    if tables.task is Task.FORECASTING:
        if tables.labels is not None:
            raise InvalidParameters(
                "A forecasting learns the values of its series, and has no labels.",
                [Fault("/labels", "leave this part out; target names the column to forecast")],
            )
        return _forecasting(parameters, frame)
    series = parameters.extract_features
    apart = tables.labels
    if apart is not None and is_images(frame) and "file" in apart.columns:
        apart = apart.assign(file=by_path(apart["file"], frame["file"]))
    identifying = [parameters.id_column] if series is None else [series.column_id, series.column_sort]
    if parameters.target is not None and parameters.target in identifying:
        raise InvalidParameters(
            "The target must not be a column that identifies or orders rows.",
            [Fault("/params/target", f"{parameters.target} has that role already")],
        )
    signature = infer(frame, parameters)
    if apart is None:
        labels = _target_column(frame, parameters)
    elif signature.id_column is None:
        raise InvalidParameters(
            "Labels are joined by id: name the id column of the table, or the target column in raw_data.",
            [Fault("/params/id_column", "missing, and raw_data and labels came apart")],
        )
    else:
        ids = _unique_ids(frame, signature.id_column, parameters)
        known = [name for name in beside.named(parameters) if name in apart.columns]
        labels = labelling.join(apart.drop(columns=known), ids, signature.id_column, parameters.target)
    task = tables.task or labelling.task(labels)
    labelling.check(labels, task, "/labels" if apart is not None else at("raw_data", parameters.target))
    positive = None
    if task is Task.CLASSIFICATION:
        positive = labelling.positive_class(labels, parameters.positive_class)
    described = beside.read(parameters, frame, apart, signature.id_column, labels.index)
    if (weights := described.get("weights")) is not None:
        labelling.check_weights(labels, weights, task)
    return Training(parameters, task, signature, signature.conform(frame), labels, positive, **described)


def completed(parameters: TrainParameters, frame: pd.DataFrame) -> tuple[TrainParameters, pd.DataFrame]:
    """Fill in the columns that are known by themselves: the file name of images, and the id of a single series.

    Raises
    ------
    InvalidData, InvalidParameters
        The caller has another use for such a column.
    """
    series = parameters.extract_features
    if series is None and parameters.id_column is None and is_images(frame):
        parameters = parameters.model_copy(update={"id_column": "file"})
        if faults := parameters.conflicts():
            raise InvalidParameters("The file names of images are their ids, and nothing else.", faults)
        return parameters, frame
    if series is not None and series.column_id in (None, SINGLE_SERIES):
        series = series.model_copy(update={"column_id": SINGLE_SERIES})
        return parameters.model_copy(update={"extract_features": series}), as_single(frame)
    return parameters, frame


def as_single(frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
    """Give the rows of a single series the column of ids that they lack.

    Raises
    ------
    InvalidData
        A column of the caller's has its name.
    """
    if SINGLE_SERIES in frame.columns:
        raise InvalidData(
            f"{SINGLE_SERIES} is what this service calls a single series.",
            [Fault(at(part, SINGLE_SERIES), "rename this column; if it tells series apart, name it as column_id")],
        )
    return frame.assign(**{SINGLE_SERIES: 0})


def _forecasting(parameters: TrainParameters, frame: pd.DataFrame) -> Training:
    """Check a forecasting's values; its samples are windows of them, made later."""
    series = parameters.extract_features
    assert series is not None
    refused = [name for name in ("groups", "time", "sample_weight", "id_column") if getattr(parameters, name)]
    if refused:
        raise InvalidParameters(
            "A forecasting is tested in the order of its series, and its rows have no weights.",
            [Fault(at("params", name), "leave it out") for name in refused],
        )
    signature = infer(frame, parameters.model_copy(update={"target": None}))
    values = signature.names("value")
    target = parameters.target or values[0]
    if target not in values or (parameters.target is None and len(values) > 1):
        raise InvalidParameters(
            "Name the column to forecast.", [Fault("/params/target", f"known are {listed(values)}")]
        )
    parameters = parameters.model_copy(update={"target": target, "forecast": parameters.forecast or Forecast()})
    return Training(parameters, Task.FORECASTING, signature, signature.conform(frame), frame[target], None)


def _target_column(frame: pd.DataFrame, parameters: TrainParameters) -> pd.Series:
    """Take the labels from raw_data: one a row of a table, one a series."""
    target = parameters.target
    if target is None or target not in frame:
        detail = "missing"
        if target is not None:
            columns = list(map(str, frame.columns))
            detail = f"{target} is not a column of raw_data; {nearest(target, columns)}known are {listed(columns)}"
        raise InvalidParameters(
            "Send a labels part, or name the label column of raw_data.", [Fault("/params/target", detail)]
        )
    series = parameters.extract_features
    id_column = parameters.id_column if series is None else series.column_id
    if id_column is None:
        labels = frame[target].rename("label")
    else:
        ids = _unique_ids(frame, id_column, parameters)
        found = frame[[id_column, target]].drop_duplicates().set_index(id_column)[target]
        twice = found.index[found.index.duplicated()].unique()
        if len(twice):
            raise InvalidData(
                f"{len(twice)} id(s) are labelled more than once: {listed(twice)}.",
                [Fault(at("raw_data", target), "differs within a series")],
            )
        labels = found.reindex(ids).rename("label")
    missing = labels.index[labels.isna()]
    if len(missing):
        raise InvalidData(
            f"{len(missing)} row(s) or series have an empty label in {target}: {listed(missing)}.",
            [Fault(at("raw_data", target), f"empty in {len(missing)} row(s) or series; {labelling.EMPTY}")],
        )
    return labels


def _unique_ids(frame: pd.DataFrame, id_column: str, parameters: TrainParameters) -> pd.Index:
    """Return the ids in the order in which they first occur; in a plain table each occurs once."""
    import pandas as pd

    ids = frame[id_column]
    if ids.isna().any():
        raise InvalidData(f"{int(ids.isna().sum())} row(s) have no id.", [Fault(at("raw_data", id_column), "empty")])
    if parameters.extract_features is None and ids.duplicated().any():
        twice = ids[ids.duplicated()].unique().tolist()
        raise InvalidData(
            f"{len(twice)} id(s) occur in more than one row: {listed(twice)}.",
            [Fault(at("raw_data", id_column), f"{value} is not unique") for value in twice[:MOST_NAMED]],
        )
    return pd.Index(ids.unique(), name=id_column)


def to_arrow(frame: pd.DataFrame) -> bytes:
    """Write a frame as an Arrow stream, without its index."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_arrow(data: bytes) -> pd.DataFrame:
    """Read what `to_arrow` wrote, with the same types."""
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_all().to_pandas()
