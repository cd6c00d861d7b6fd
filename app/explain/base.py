"""What an explainer is given, and what it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from app.errors import Fault, InvalidParameters, listed
from app.explain.found import Local, Overall, Part
from app.payloads.explaining import ExplainParameters
from app.payloads.parameters import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Member:
    """One of the pipelines whose answers are averaged; mostly there is no other.

    Attributes
    ----------
    share
        Its weight in the average; those of all add up to 1.
    steps
        The fitted transformers before its model; the first takes rows of the caller's columns.
    model
        The fitted estimator.
    answers
        From what the model takes, shape (n_rows, n_inputs), to what it gives, as `Subject.predict`.
    """

    share: float
    steps: tuple[Any, ...]
    model: Any
    answers: Callable[[Array], Array]


@dataclass(frozen=True)
class FinalStep:
    """The last step of a pipeline, or of all that are averaged, where each input comes from one column of the caller.

    Attributes
    ----------
    model
        The fitted estimator; None where there are several.
    transform
        From rows of the caller's columns to the array that the model takes, shape (n_rows, n_inputs); those of all
        models side by side.
    answers
        From such an array to what `Subject.predict` gives for the rows.
    origins
        The caller's column behind each input, shape (n_inputs,).
    """

    model: Any
    transform: Callable[[pd.DataFrame], Array]
    answers: Callable[[Array], Array]
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """A neural network behind a pipeline.

    Attributes
    ----------
    reads
        What it looks at: table, image, text or series.
    inputs
        From rows to its input, float32 of shape (n_rows, ...), or the codes of a text's words, int32.
    copy
        Returns a live Keras model that nobody else uses.
    answers
        From its input to what `Subject.predict` gives, by many threads at once; raises `Declined` of inputs that it
        does not take. None where it is not compiled.
    """

    reads: str
    inputs: Callable[[pd.DataFrame], Array]
    copy: Callable[[], Any]
    answers: Callable[[Array], Array] | None = None


@dataclass(frozen=True)
class Subject:
    """The model as explainers see it.

    Attributes
    ----------
    classes
        Labels by the columns of `predict`; empty for numbers.
    kinds
        {column: kind} of the rows; tsfresh's features are numbers.
    predict
        From rows to probabilities, shape (n_rows, n_classes), or for numbers to values, (n_rows, 1).
    background
        Training rows to compare with, columns as `predict` takes them.
    members
        The pipelines that answer; none where the model is none whose first step makes numbers of columns.
    final
        Set where the contributions to the last step can be added up by the caller's column.
    network
        Set where the model is one neural network.
    of_series
        Whether rows are computed of series, or hold them.
    computed
        Columns that tsfresh computes of series.
    images
        Height, width and channels at which the model sees images.
    measure
        From rows, their labels, a seed and seconds to what shuffling each column costs; see `reports.importances`.
    reported
        Returns what the version's training reported.
    kept
        What was built once for a loaded version, such as SHAP's tables of its trees; see `once`.
    """

    task: Task
    classes: tuple[Any, ...]
    kinds: dict[str, Kind]
    predict: Callable[[pd.DataFrame], Array]
    background: pd.DataFrame
    members: tuple[Member, ...] = ()
    final: FinalStep | None = None
    network: Network | None = None
    of_series: bool = False
    computed: tuple[str, ...] = ()
    images: tuple[int, int, int] | None = None
    measure: Callable[[pd.DataFrame, Sequence[Any], int, float], dict[str, Any]] | None = None
    reported: Callable[[], dict[str, Any]] = dict
    kept: dict[str, Any] = field(default_factory=dict)
    lock: Any = field(default_factory=RLock, repr=False, compare=False)

    @property
    def columns(self) -> list[str]:
        """The caller's columns, or the features of a series."""
        return list(self.background.columns)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, made at its first use by one thread and then kept."""
        with self.lock:
            if name not in self.kept:
                self.kept[name] = make()
            return self.kept[name]

    def class_of(self, named: Any, parameter: str) -> int:
        """Return the place of a class that a parameter names, as it is written.

        Raises
        ------
        InvalidParameters
            With the classes that are known.
        """
        same = [place for place, name in enumerate(self.classes) if str(name) == str(named)]
        if not same:
            known = (
                f"known classes are {listed(self.classes)}"
                if self.classes
                else "a regression has no classes; leave it out"
            )
            raise InvalidParameters(
                f"The {parameter} is not a class of this model.", [Fault(f"/params/{parameter}", known)]
            )
        return same[0]

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Return the columns of some kinds."""
        return [name for name in self.columns if self.kinds[name] in kinds]

    @property
    def scale(self) -> str:
        """Unit of what `predict` gives."""
        return "probability" if self.task is Task.CLASSIFICATION else "value"


class Signals(Protocol):
    """The series behind one row.

    Attributes
    ----------
    values
        {signal: its samples in order, shape (n_samples,)}.
    start
        Number of the first of these samples in the whole series; of a forecast only the last ones are read.
    """

    @property
    def values(self) -> dict[str, Array]:
        """See above."""

    @property
    def start(self) -> int:
        """See above."""

    def rows(self, changed: Sequence[dict[str, Array]]) -> pd.DataFrame:
        """Return the rows, as `predict` takes them, of other values of the same series."""


@dataclass(frozen=True)
class Case:
    """One row to be explained, shape (1, n_columns).

    Attributes
    ----------
    signals
        The series that it was computed of, if it was and was sent.
    label
        What was really observed, where that was sent.
    sent
        Whether the row was sent, and is none of those that are kept with the version.
    """

    row: pd.DataFrame
    signals: Signals | None = None
    label: Any = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What to explain: a column of `predict`, and how.

    Attributes
    ----------
    seed
        Of every random choice; other than that of the parameters where a method is repeated.
    deadline
        Of `time.monotonic`: after it a method over many rows goes on with none but those that it has.
    """

    output: int
    parameters: Any
    seed: int
    deadline: float = math.inf

    @classmethod
    def of(cls, parameters: ExplainParameters, output: int = 0, deadline: float = math.inf) -> Asked:
        """Ask as the parameters say."""
        return cls(output, parameters, parameters.seed, deadline)

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self.deadline


class Masked(Protocol):
    """One row taken apart.

    Attributes
    ----------
    cost
        Rows that the model is asked for by one mask without `others`.
    background
        Background rows that are compared with; 0 where what is left out does not come of other rows.
    details
        What is needed to show the parts: of an image where each region lies.
    """

    @property
    def parts(self) -> tuple[Part, ...]:
        """What can be left out."""

    @property
    def cost(self) -> int:
        """See above."""

    @property
    def background(self) -> int:
        """See above."""

    @property
    def details(self) -> dict[str, Any]:
        """See above."""

    def answers(self, masks: Array, others: Array | None = None) -> Array:
        """Return what the model answers with the parts that are kept, (n_masks, n_parts) to (n_masks, n_outputs).

        Parameters
        ----------
        others
            Number of the background row of each mask, shape (n_masks,); means over all of them when left out.
        """


class LocalExplainer(Protocol):
    """A method that explains one row. Knows neither Flask, nor the store, nor an engine; the same gives the same."""

    def __call__(self, subject: Subject, case: Case, asked: Asked) -> Local:
        """Explain one row."""


class GlobalExplainer(Protocol):
    """A method that explains a model by many rows, with the promises of a local one."""

    def __call__(self, subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
        """Explain the model by rows; those of its background when none were sent."""
