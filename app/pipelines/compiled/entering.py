"""What enters the trees at the end of a compiled pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled.models import Trees
from app.pipelines.compiled.operation import Columns, OfColumns, OfNumbers
from app.pipelines.compiled.transformers import Chain, Pipeline

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def entering(program: OfColumns | None, columns: Columns) -> Array | None:
    """Return the numbers that trees are asked with, float32 of shape (n_samples, n_inputs).

    None where a pipeline is not compiled, or ends in something else than trees.

    Raises
    ------
    Declined
    """
    if not isinstance(program, Pipeline):
        return None
    *steps, last = _each(program.steps)
    if not isinstance(last, Trees):
        return None
    return Pipeline(program.encoder, tuple(steps))(columns).astype("float32")


def _each(steps: tuple[OfNumbers, ...]) -> Iterator[OfNumbers]:
    for step in steps:
        if isinstance(step, Chain):
            yield from _each(step.steps)
        else:
            yield step
