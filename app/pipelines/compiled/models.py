"""Numbers into predictions: probabilities of shape (n_samples, n_classes), or targets of shape (n_samples, 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled.operation import Columns, Declined, OfColumns, OfNumbers
from app.pipelines.compiled.small_trees import SmallTrees

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Rows that go through a network at once.
_BATCH = 256

#: How onnxruntime says that it cannot do with a graph or an input.
_FAILURES = ("Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException")


@dataclass(frozen=True)
class Linear:
    """Weighted sums of the inputs.

    Attributes
    ----------
    weights
        Shape (n_inputs, n_outputs).
    shift
        Shape (n_outputs,).
    """

    weights: Array
    shift: Array

    def __call__(self, X: Array) -> Array:
        """Return X @ weights + shift."""
        found: Array = X @ self.weights + self.shift
        return found


@dataclass(frozen=True)
class Applied:
    """A function of scores, by its name in `FUNCTIONS`."""

    function: str

    def __call__(self, X: Array) -> Array:
        """Return what the function does."""
        return FUNCTIONS[self.function](X)


def expit(X: Array) -> Array:
    """Return 1 / (1 + exp(-X)), without an overflow."""
    import numpy as np

    small = np.exp(-np.abs(X))
    return np.where(X >= 0, 1.0, small) / (1.0 + small)


def _softmax(X: Array) -> Array:
    import numpy as np

    likely = np.exp(X - X.max(axis=1, keepdims=True))
    found: Array = likely / likely.sum(axis=1, keepdims=True)
    return found


def _shares(X: Array) -> Array:
    """Return rows that add up to 1; those of zeros alone are even."""
    import numpy as np

    total = X.sum(axis=1, keepdims=True)
    found: Array = np.where(total > 0, X / np.where(total > 0, total, 1.0), 1.0 / X.shape[1])
    return found


def _both(X: Array) -> Array:
    import numpy as np

    return np.hstack([1.0 - X, X])


def _relu(X: Array) -> Array:
    found: Array = X.clip(0.0)
    return found


def _tanh(X: Array) -> Array:
    import numpy as np

    found: Array = np.tanh(X)
    return found


def _exp(X: Array) -> Array:
    import numpy as np

    found: Array = np.exp(X)
    return found


#: {name: function of an array of shape (n_samples, n_outputs)}. `both`: a probability into those of two classes.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "expit": expit,
    "softmax": _softmax,
    "shares": _shares,
    "both": _both,
    "relu": _relu,
    "tanh": _tanh,
    "exp": _exp,
}


@dataclass(frozen=True)
class Trees:
    """A forest, or boosted trees.

    Attributes
    ----------
    model
        As treelite writes it.
    single
        Whether the trees were grown on numbers of single precision, so that what comes is rounded to these first.
    """

    model: bytes
    single: bool

    @cached_property
    def _live(self) -> Any:
        import treelite

        return treelite.Model.deserialize_bytes(self.model)

    @cached_property
    def _type(self) -> str:
        return str(self._live.input_type)

    @cached_property
    def _small(self) -> SmallTrees | None:
        return SmallTrees.of(self._live)

    @cached_property
    def _config(self) -> Any:
        from treelite.gtil import gtil

        # On one thread: there are as many web processes as cores, and threads that share one wait for each other.
        return gtil.GTILConfig(nthread=1, predict_type="default")

    def __call__(self, X: Array) -> Array:
        """Return probabilities or targets."""
        import numpy as np
        from treelite import TreeliteError
        from treelite.gtil import gtil

        if self.single:
            X = X.astype("float32")
        X = np.ascontiguousarray(X, dtype=self._type)
        if self._small is not None and not np.isnan(X).any():
            return self._small(X)
        try:
            # What `gtil.predict` is, without reading its configuration anew, which takes as long as a forest does.
            found: Array = gtil._predict_impl(self._live, X, config=self._config)
        except TreeliteError as error:
            raise Declined from error
        return found.reshape(len(X), -1).astype("float64")


@dataclass(frozen=True)
class Graph:
    """A graph of ONNX.

    Attributes
    ----------
    model
        The bytes of the graph, with one input.
    output
        Name of the output that is the answer.
    dtype
        Of its input.
    """

    model: bytes
    output: str
    dtype: str

    @cached_property
    def _live(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # What it tells of its own optimisations is no news of ours.
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])

    def __call__(self, X: Array) -> Array:
        """Return float64 of shape (n_samples, n_outputs)."""
        import numpy as np
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        X = np.ascontiguousarray(X, dtype=self.dtype)
        try:
            parts = [self._run(X[first : first + _BATCH]) for first in range(0, len(X), _BATCH)]
        except tuple(getattr(failures, name) for name in _FAILURES) as error:
            raise Declined from error
        return np.concatenate(parts).astype("float64")

    def _run(self, X: Array) -> Array:
        found: Array = self._live.run([self.output], {self._live.get_inputs()[0].name: X})[0]
        return found.reshape(len(X), -1)


@dataclass(frozen=True)
class Sigmoids:
    """Scores as probabilities, calibrated class by class (Platt 1999); shapes (n_scores,)."""

    slopes: Array
    shifts: Array

    def __call__(self, X: Array) -> Array:
        """Return probabilities for scores of shape (n_samples, n_scores), of two classes one."""
        return expit(-(X * self.slopes + self.shifts))


@dataclass(frozen=True)
class Mean:
    """The weighted mean of what whole pipelines predict."""

    members: tuple[OfColumns, ...]
    weights: tuple[float, ...]

    def __call__(self, columns: Columns) -> Array:
        """Return the mean."""
        import numpy as np

        found: Array = np.average(
            np.stack([member(columns) for member in self.members]), axis=0, weights=np.array(self.weights)
        )
        return found


@dataclass(frozen=True)
class MeanOf:
    """The weighted mean of what models predict of the same numbers."""

    members: tuple[OfNumbers, ...]
    weights: tuple[float, ...]

    def __call__(self, X: Array) -> Array:
        """Return the mean."""
        import numpy as np

        found: Array = np.average(
            np.stack([member(X) for member in self.members]), axis=0, weights=np.array(self.weights)
        )
        return found


@dataclass(frozen=True)
class Constant:
    """The same answer for every row, shape (n_outputs,)."""

    answer: Array

    def __call__(self, X: Array) -> Array:
        """Return the answer once a row."""
        import numpy as np

        return np.tile(self.answer, (len(X), 1))


@dataclass(frozen=True)
class Change:
    """The last known value and its predicted change, see `app.pipelines.tsfresh.relative`.

    Attributes
    ----------
    column
        Of the last known value.
    levels, lasts
        Columns that become relative, and what to.
    """

    inner: OfColumns
    column: str
    levels: tuple[str, ...]
    lasts: tuple[str, ...]

    def __call__(self, columns: Columns) -> Array:
        """Return targets, shape (n_samples, 1)."""
        relative = dict(columns)
        for name, last in zip(self.levels, self.lasts, strict=True):
            relative[name] = columns[name] - columns[last]
        found: Array = self.inner(relative) + columns[self.column].astype("float64")[:, None]
        return found
