"""The door of batch predictions: a file through a pipeline into a file, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from app.errors import Fault, InvalidParameters, ServiceError
from app.payloads import frames
from app.payloads.batches.blocks import blocks
from app.payloads.batches.parameters import Form
from app.payloads.batches.results import Kinds, ResultFile, Widened
from app.payloads.parameters import Kind, Output, Task
from app.payloads.signature import Signature
from app.payloads.training import SINGLE_SERIES
from app.pipelines import prediction
from app.pipelines.straddling import Straddling
from app.pipelines.trained import TrainedPipeline
from app.store.record import Record

if TYPE_CHECKING:
    import pandas as pd

    from app.settings import Settings

#: Rows that are predicted at once. A pipeline may need hundreds of numbers for each.
_ROWS = 20_000

#: What the file is called in an error.
_PART = "raw_data"


class Source(Protocol):
    """A file that can be read more than once."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self) -> IO[bytes]:
        """Open it at its beginning."""


@dataclass(frozen=True)
class Batch:
    """A file to predict.

    Attributes
    ----------
    write
        Begins the result anew.
    told
        Called with the share of the file that is done, from 0 to 1, and the rows of the result.
    """

    source: Source
    form: Form
    write: Callable[[], IO[bytes]]
    result_form: Form
    output: Output | None
    told: Callable[[float, int], None]


def check(record: Record) -> None:
    """Check that a version predicts files.

    Raises
    ------
    InvalidParameters
    """
    if any(column.kind is Kind.IMAGE for column in Signature.from_json(record.signature).columns):
        raise InvalidParameters(
            "Images are not predicted in batches.",
            [Fault("/params/pipeline_id", "reads images; send them to POST /serve_prediction")],
        )


def predict(pipeline: TrainedPipeline, batch: Batch, settings: Settings) -> int:
    """Predict a file and return the rows of the result.

    Raises
    ------
    Unreadable, UploadTooLarge, InvalidData, InvalidParameters
        Saying of which rows; what is written by then is no result.
    """
    from threadpoolctl import threadpool_limits

    kinds: Kinds = {}
    # Blocks are small: threads that share one wait for each other more than they save, on a busy machine many times.
    with threadpool_limits(1):
        while True:
            try:
                return _written(pipeline, batch, settings, kinds)
            except Widened:
                # Of each column a few times at most.
                continue


def _written(pipeline: TrainedPipeline, batch: Batch, settings: Settings, kinds: Kinds) -> int:
    n_rows = 0
    with batch.source.read() as source, batch.write() as file, ResultFile(file, batch.result_form, kinds) as result:
        for frame, done in _whole(pipeline, batch, source, settings, kinds.get("id") == "string"):
            with _about(frame.index[0], frame.index[-1]):
                samples = pipeline.rows(frame, _PART)
                columns = prediction.columns(pipeline, samples.index, pipeline.predict(samples), batch.output)
            if pipeline.task is Task.FORECASTING and pipeline.signature.names("sort"):
                # Every block has the same columns, also one in which no time can be told.
                columns.setdefault("time", [None] * len(samples))
                columns = {name: columns[name] for name in ("id", "step", "time", "prediction")}
            result.write(columns)
            n_rows += len(samples)
            batch.told(done, n_rows)
    return n_rows


def _whole(
    pipeline: TrainedPipeline, batch: Batch, source: IO[bytes], settings: Settings, ids_are_text: bool
) -> Iterator[tuple[pd.DataFrame, float]]:
    """Yield rows that can be predicted by themselves, of series whole ones, and the share of the file they end at."""
    frames_read = _frames(pipeline, batch, source, settings, ids_are_text)
    if pipeline.features is None:
        for frame, done in frames_read:
            for start in range(0, len(frame), _ROWS):
                yield frame.iloc[start : start + _ROWS], done
        return
    id_column = pipeline.signature.id_column
    straddling = Straddling(None if id_column == SINGLE_SERIES else id_column)
    for frame, done in frames_read:
        with _about(frame.index[0], frame.index[-1]):
            whole = straddling.whole(frame, _PART)
        if len(whole):
            yield whole, done
    if (rest := straddling.rest(_PART)) is not None:
        yield rest, 1.0


def _frames(
    pipeline: TrainedPipeline, batch: Batch, source: IO[bytes], settings: Settings, ids_are_text: bool
) -> Iterator[tuple[pd.DataFrame, float]]:
    """Yield the rows of a file as they are read of an upload, numbered over all of it."""
    import pandas as pd

    signature = pipeline.signature
    id_column = signature.id_column
    texts = {column.name for column in signature.columns if column.kind in (Kind.CATEGORY, Kind.TEXT)}
    whole = {id_column} if ids_are_text and id_column is not None else set()
    as_written = [*signature.text_columns, *whole]
    last = 0
    for block in blocks(source, batch.source.size, batch.form, _PART, texts | whole):
        with _about(last, None):
            frame = frames.read(block.upload, settings, as_written, None if whole else id_column)
        first, last = last, last + len(frame)
        frame.index = pd.RangeIndex(first, last)
        yield frame, block.done


@contextmanager
def _about(first: int, last: int | None) -> Iterator[None]:
    """Say of which rows of the file an error is, counted from 1; of a block that cannot be read where it begins."""
    try:
        yield
    except ServiceError as error:
        where = f"row {first + 1} and those after it" if last is None else f"rows {first + 1} to {last + 1}"
        error.detail = f"{error.detail} This is of {where}."
        raise
