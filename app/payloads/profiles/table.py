"""A profile of an upload: what each column holds, what is to be predicted, and what to look at before a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError
from app.payloads import doubts
from app.payloads.images import BESIDE, is_images
from app.payloads.parameters import ExtractFeatures, Task, TrainParameters
from app.payloads.profiles import advice, pictures, series
from app.payloads.profiles.columns import Column, describe
from app.payloads.training import Tables, Training, assemble

if TYPE_CHECKING:
    import pandas as pd

#: Rows that are looked at, drawn at random from a longer table.
MOST_ROWS = 100_000

#: Columns that are described one by one.
MOST_COLUMNS = 300

#: First rows that are shown.
_FIRST = 5

#: Cells up to which a table is looked at as its training will.
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted, of what the parameters say so far.

    `counts` are {class: samples} of a classification, the most frequent first, or `described` the numbers to predict.
    """

    name: str
    task: Task
    samples: int
    counts: dict[str, int]
    described: Column | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What was uploaded.

    Attributes
    ----------
    looked_at
        Rows that the columns are described by.
    columns
        At most `MOST_COLUMNS` of them.
    names
        Of all columns.
    roles
        Of the columns of a table that seems to be one of series.
    target
        None as long as nothing says what to predict.
    misfit
        Why what the parameters say does not fit the data, as a problem; None where it does.
    warnings
        What to look at, in sentences.
    first
        The first rows, as text.
    traces
        A few of the series.
    pictures
        A few of the images, of each folder or class some.
    labels
        Names of the columns of the labels that came apart.
    """

    rows: int
    looked_at: int
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    images: bool
    roles: series.Roles | None
    target: Target | None
    misfit: dict[str, Any] | None
    warnings: tuple[str, ...]
    first: tuple[tuple[str | None, ...], ...]
    traces: tuple[series.Trace, ...]
    pictures: tuple[pictures.Picture, ...]
    labels: tuple[str, ...]


def profile(frame: pd.DataFrame, labels: pd.DataFrame | None, parameters: TrainParameters) -> Profile:
    """Look at tables as `frames.read` leaves them, with what is known of the training so far."""
    looked = frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=0).sort_index()
    kinds = {} if parameters.extract_features is not None else parameters.columns
    columns = [describe(looked[name], kinds.get(name)) for name in frame.columns[:MOST_COLUMNS]]
    training, misfit = _assembled(frame, labels, parameters)
    target = None if training is None else _target(training)
    learned = [_with_notes(column, len(looked), parameters) for column in columns]
    return Profile(
        rows=len(frame),
        looked_at=len(looked),
        names=tuple(map(str, frame.columns)),
        columns=tuple(learned),
        images=is_images(frame),
        roles=series.guess(frame),
        target=target,
        misfit=misfit,
        warnings=tuple(_warnings(looked, columns, parameters, training, target)),
        first=_first(frame),
        traces=tuple(_traces(frame, parameters.extract_features, training)),
        pictures=tuple(pictures.of(frame, None if training is None else training.labels)) if is_images(frame) else (),
        labels=() if labels is None else tuple(map(str, labels.columns)),
    )


def _assembled(
    frame: pd.DataFrame, labels: pd.DataFrame | None, parameters: TrainParameters
) -> tuple[Training | None, dict[str, Any] | None]:
    """Join what was sent as a training will, once it is said what to predict."""
    task = parameters.task
    if task is not Task.FORECASTING and parameters.target is None and labels is None:
        return None, None
    if labels is None and len(frame) > MOST_ROWS and parameters.extract_features is None:
        frame = frame.head(MOST_ROWS)
    try:
        return assemble(Tables(parameters, task, frame, labels)), None
    except ServiceError as error:
        return None, error.as_problem()


def _target(training: Training) -> Target:
    name = training.parameters.target or str(training.labels.name)
    if training.task is not Task.CLASSIFICATION:
        return Target(name, training.task, len(training.labels), {}, describe(training.labels.reset_index(drop=True)))
    counts = {str(one): int(count) for one, count in training.labels.value_counts().items()}
    return Target(name, training.task, len(training.labels), counts, None)


def _with_notes(column: Column, rows: int, parameters: TrainParameters) -> Column:
    named = (parameters.id_column, parameters.groups, parameters.time, parameters.sample_weight, parameters.target)
    if parameters.extract_features is not None or column.name in (*named, *BESIDE):
        return column
    return replace(column, notes=(*column.notes, *advice.of_column(column, rows)))


def _warnings(
    looked: pd.DataFrame,
    columns: list[Column],
    parameters: TrainParameters,
    training: Training | None,
    target: Target | None,
) -> list[str]:
    found = []
    if parameters.extract_features is None and not is_images(looked):
        kinds = {one.name: one.kind for one in columns if one.name != parameters.id_column}
        found += advice.of_rows(looked, kinds)
    if training is not None and training.frame.size <= _CELLS:
        found += doubts.doubts(training)
    if target is not None and target.counts:
        found += advice.of_classes(target.counts)
    return found


def _first(frame: pd.DataFrame) -> tuple[tuple[str | None, ...], ...]:
    shown = [name for name in frame.columns[:MOST_COLUMNS] if frame[name].dtype != "object"]
    rows = frame[shown].head(_FIRST).itertuples(index=False, name=None)
    return tuple(tuple(None if value != value or value is None else str(value)[:200] for value in row) for row in rows)


def _traces(frame: pd.DataFrame, wanted: ExtractFeatures | None, training: Training | None) -> list[series.Trace]:
    if wanted is None:
        return []
    labels = None
    if training is not None and training.task is Task.CLASSIFICATION:
        # In raw_data the label stands beside the values, and is no signal.
        labels = training.labels.rename(training.parameters.target or "label")
    return series.traces(frame, wanted, labels)
