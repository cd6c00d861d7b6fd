"""Fitted neural networks into what they take, their graph, and what is done to its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled import models, networks, transformers
from app.pipelines.compiled.operation import OfColumns, OfNumbers
from app.pipelines.compiling.graphs import of_keras

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def of_columns(step: Any) -> OfColumns:
    """Compile a network that reads rows as they are.

    Raises
    ------
    Uncompiled
    """
    return transformers.Pipeline(networks.NetworkInput(_known(step)), _behind(step))


def of_matrix(step: Any, inner: Callable[[Any], OfNumbers]) -> OfNumbers:
    """Compile a network of a table behind other steps.

    Raises
    ------
    Uncompiled
    """
    return transformers.Chain((networks.NetworkNumbers(_known(step)), *_behind(step)))


def _known(step: Any) -> str:
    import orjson

    return orjson.dumps(step.inputs_, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _behind(step: Any) -> tuple[OfNumbers, ...]:
    graph = of_keras(step)
    if hasattr(step, "deviation_"):
        # In float64, as of large targets that differ little a float32 would keep nothing but their mean.
        return graph, transformers.Stretched(_one(step.deviation_), _one(step.mean_))
    return graph, models.Applied("both" if len(step.classes_) == 2 else "shares")


def _one(value: float) -> Array:
    import numpy as np

    return np.array([float(value)])
