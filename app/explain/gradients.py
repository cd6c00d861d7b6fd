"""Integrated (Sundararajan et al. 2017) and expected gradients (Erion et al. 2021) of a network on a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import deadline
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local, Part
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Points that are asked for at once, and where an error is waited for.
_TOGETHER, _A_ROUND = 512, 64


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Explain one row by the gradients of its output at points between background rows and the row.

    `additivity_error` is what base value and contributions miss the output by: the error of the sum over points.
    """
    import numpy as np

    network = subject.network
    assert network is not None
    live = subject.once("network", network.copy)
    others = network.inputs(subject.background).astype("float64")
    point = network.inputs(case.row).astype("float64")
    if asked.parameters.algorithm == "integrated":
        others = others.mean(axis=0, keepdims=True)
    of_output = _of_output(subject, asked)
    base = float(_answers(live, of_output, others).mean())
    full = float(_answers(live, of_output, point)[0])
    # Inputs that come of one column count as one, in each sample: their errors are not apart.
    origins = list(subject.columns if subject.final is None else subject.final.origins)
    member = np.array([[origin == name for name in subject.columns] for origin in origins], dtype="float64")
    # Of one straight way the points are no sample: what their sum misses is the error there is.
    sampled = asked.parameters.algorithm == "expected"
    max_error = asked.parameters.max_error if sampled else None
    starts, places = _points(others, asked.parameters.num_samples, asked.seed)
    by_column, ended = np.empty((0, len(subject.columns))), "num_samples"
    together = _TOGETHER if max_error is None else _A_ROUND
    for first in range(0, len(starts), together):
        deadline.check()
        here = slice(first, first + together)
        shares = _shares(live, of_output, point, starts[here], places[here])
        by_column = np.concatenate([by_column, shares @ member])
        errors = by_column.std(axis=0, ddof=1) / np.sqrt(len(by_column))
        if max_error is not None and errors.max() <= max_error:
            ended = "max_error"
            break
    values = by_column.mean(axis=0)
    total = base + float(values.sum())
    trust: dict[str, float | None] = {"additivity_error": abs(total - full)}
    if sampled:
        trust["standard_error"] = float(errors.max())
    return Local(
        [
            Contribution(Part(name), float(value), float(error) if sampled else None, degrees=len(by_column) - 1)
            for name, value, error in zip(subject.columns, values, errors, strict=True)
        ],
        base_value=base,
        local_prediction=total,
        trust=trust,
        algorithm=f"{asked.parameters.algorithm}_gradients",
        scale="probability" if subject.task is Task.CLASSIFICATION else "value",
        num_samples=len(by_column),
        background=len(others),
        ended=ended,
    )


def _of_output(subject: Subject, asked: Asked) -> Any:
    """Return what takes the explained output of a network's answers: of two classes it may give one alone."""

    def chosen(answers: Any) -> Any:
        if answers.shape[1] > 1 or subject.task is not Task.CLASSIFICATION:
            return answers[:, asked.output if answers.shape[1] > 1 else 0]
        return answers[:, 0] if asked.output == 1 else 1 - answers[:, 0]

    return chosen


def _points(others: Array, n_samples: int, seed: int) -> tuple[Array, Array]:
    """Return where ways begin, shape (n_samples, n_inputs), and how far along them to look, (n_samples, 1)."""
    import numpy as np

    generator = np.random.default_rng(seed)
    # Each background row as often as another, with few samples at most once, and places in equal steps: less noise.
    starts = others[np.resize(generator.permutation(len(others)), n_samples)]
    places = (np.arange(n_samples) + 0.5) / n_samples
    return starts, (generator.permutation(places) if len(others) > 1 else places)[:, None]


def _shares(model: Any, of_output: Any, point: Array, starts: Array, places: Array) -> Array:
    """Return gradient times way at each point, shape (n_points, n_inputs)."""
    import torch

    between = torch.tensor((starts + places * (point - starts)).astype("float32"), requires_grad=True)
    with torch.enable_grad():
        told = of_output(model(between, training=False))
        (gradient,) = torch.autograd.grad(told.sum(), between)
    shares: Array = gradient.cpu().numpy().astype("float64") * (point - starts)
    return shares


def _answers(model: Any, of_output: Any, inputs: Array) -> Array:
    import torch

    with torch.no_grad():
        answers: Array = of_output(model(torch.tensor(inputs.astype("float32")), training=False)).cpu().numpy()
    return answers
