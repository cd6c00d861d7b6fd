"""SHAP (Lundberg & Lee 2017): exact for trees and linear models where the pipeline allows, else by coalitions of parts.

Exact values of trees and linear models are those of the inputs of the last step, of which each comes from one column:
those that come of one column are added up. Of an additive model that is the value of the column; where a column of many
inputs (a category) works together with others it is close to it and not the same, as the game is another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters
from app.explain import kernel, linear, parts, shapley, trees
from app.explain.base import Asked, Case, FinalStep, Masked, Subject
from app.explain.found import Contribution, Local, Part
from app.explain.parts.columns import Columns
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Share of the output's size by which exact values may miss it. More means that the estimator was read wrongly (a
#: link function that SHAP does not know), and the sampler answers instead.
_TOLERANCE = 1e-4

#: Rows that the model is asked for, one explanation, when nothing is asked for; of images, whose answers take longer.
SAMPLES, OF_IMAGES = 20_000, 1_000


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Explain one row by Shapley values, `additivity_error` being what they miss the model's output by."""
    n_samples = asked.parameters.num_samples or (OF_IMAGES if subject.images is not None else SAMPLES)
    masked = parts.of(subject, case, asked)
    wanted = asked.parameters.algorithm
    if isinstance(masked, Columns) and (found := exact_each(subject, [case], asked)) is not None:
        return found[0]
    if wanted in ("tree", "linear"):
        raise InvalidParameters(
            f"This is not explained as a {wanted} model.",
            [Fault("/params/algorithm", "does not fit here; leave it out, or ask for exact, kernel or permutation")],
        )
    return of_parts(subject, masked, asked, n_samples, wanted)


def of_parts(subject: Subject, masked: Masked, asked: Asked, n_samples: int, wanted: str = "auto") -> Local:
    """Explain one row by the Shapley values of its parts.

    Parameters
    ----------
    wanted
        auto, exact, kernel or permutation.

    Raises
    ------
    InvalidParameters
        Too many parts for exact values, or other rows that parts are compared with for the kernel.
    """
    found, algorithm = _shares(masked, asked, n_samples, wanted)
    contributions = [
        Contribution(part, float(value), None if found.ended == "exact" else float(error), degrees=found.degrees)
        for part, value, error in zip(masked.parts, found.values, found.errors, strict=True)
    ]
    total = found.base + float(found.values.sum())
    trust: dict[str, float | None] = {"additivity_error": abs(total - found.full)}
    if found.ended != "exact":
        trust["standard_error"] = float(found.errors.max(initial=0.0))
    return Local(
        contributions,
        base_value=found.base,
        local_prediction=total,
        trust=trust,
        algorithm=algorithm,
        scale=subject.scale,
        num_samples=found.asked * (masked.cost if algorithm == "exact" else 1),
        background=masked.background,
        ended=found.ended,
        details=masked.details,
    )


def _shares(masked: Masked, asked: Asked, n_samples: int, wanted: str) -> tuple[shapley.Shares, str]:
    """Return the values of the parts, and the algorithm that they are of."""
    n_parts, max_error = len(masked.parts), asked.parameters.max_error
    if wanted == "exact" and n_parts > shapley.MOST_EXACT:
        raise InvalidParameters(
            f"There are {n_parts} parts; of at most {shapley.MOST_EXACT} all coalitions are asked for.",
            [Fault("/params/algorithm", "ask for permutation, or leave it out")],
        )
    if wanted == "kernel" and masked.background:
        raise InvalidParameters(
            "The kernel is for words, regions and stretches; columns are compared with other rows.",
            [Fault("/params/algorithm", "ask for permutation, or leave it out")],
        )

    def answers(masks: Array, others: Array | None = None) -> Array:
        told: Array = masked.answers(masks, others)[:, asked.output]
        return told

    fits = n_parts <= shapley.MOST_EXACT and 2**n_parts * masked.cost <= n_samples
    if wanted == "exact" or (wanted == "auto" and fits):
        return shapley.shares(answers, n_parts, None, asked.seed), "exact"
    if wanted == "permutation" or masked.background:
        n_others = max(1, masked.background)
        return shapley.shares(answers, n_parts, n_samples, asked.seed, max_error, n_others), "permutation"
    found = kernel.shares(answers, n_parts, n_samples, asked.seed, max_error)
    return found, "exact" if found.ended == "exact" else "kernel"


def exact_each(subject: Subject, cases: Sequence[Case], asked: Asked) -> list[Local] | None:
    """Explain rows by the exact values of a pipeline of trees or a linear model; None where it is neither.

    None too where words are explained, of which no value is known. All rows are asked for at once.
    """
    import pandas as pd

    final, wanted = subject.final, asked.parameters
    if final is None or wanted.algorithm not in ("auto", "tree", "linear") or parts.by_words(subject, wanted.text):
        return None
    inputs = final.transform(pd.concat([case.row for case in cases]))
    if wanted.algorithm != "linear" and trees.reads(final.model):
        return _added_up(subject, final, trees.values(subject, final, inputs), inputs, asked, "tree")
    if wanted.algorithm != "tree" and linear.adds_up(final.model):
        return _added_up(subject, final, _linear(subject, final, inputs), inputs, asked, "linear")
    return None


def _linear(subject: Subject, final: FinalStep, inputs: Array) -> tuple[Array, Array]:
    """Return values of a linear model whose columns are taken to be independent: weight times distance to the mean.

    Shapes (n_rows, n_inputs, n_outputs) and (n_outputs,).
    """
    import numpy as np

    mean: Array = subject.once("mean", lambda: final.transform(subject.background).mean(axis=0))
    weights, intercept = linear.weights(final.model)
    return (inputs - mean)[:, :, np.newaxis] * weights, mean @ weights + intercept


def _added_up(
    subject: Subject,
    final: FinalStep,
    found: tuple[Array, Array] | None,
    inputs: Array,
    asked: Asked,
    algorithm: str,
) -> list[Local] | None:
    """Add up the values of the last step's inputs by column; None when they do not add up to its output.

    Parameters
    ----------
    found
        Values, shape (n_rows, n_inputs, n_outputs), and base values. One output of two classes is the second class's.
    """
    import numpy as np

    if found is None:
        return None
    n_outputs, columns = found[0].shape[2], subject.columns
    sign, output = _place(subject, n_outputs, asked.output)
    values, base = sign * found[0][:, :, output], float(sign * found[1][min(output, len(found[1]) - 1)])
    scale = trees.scale(final.model) if algorithm == "tree" else None
    answers = _raw_output(final, inputs) if scale is None else final.answers(inputs)
    actual = sign * answers[:, output]
    totals = base + values.sum(axis=1)
    errors = np.abs(totals - actual)
    if (errors > _TOLERANCE * np.maximum(1.0, np.abs(actual))).any():
        return None
    # Of trees these are close to the column's own value, and are told apart.
    several = [name for name, count in Counter(final.origins).items() if count > 1 and algorithm == "tree"]
    shares = np.zeros((len(values), len(columns)))
    for place, name in enumerate(final.origins):
        shares[:, columns.index(name)] += values[:, place]
    if scale is None:
        scale = "value" if subject.task is not Task.CLASSIFICATION else ("log_odds" if n_outputs == 1 else "score")
    return [
        Local(
            [Contribution(Part(name), float(share)) for name, share in zip(columns, row, strict=True)],
            base_value=base,
            local_prediction=float(total),
            trust={"additivity_error": float(error)},
            algorithm=algorithm,
            scale=scale,
            background=0 if algorithm == "tree" else len(subject.background),
            details={"added_up": several} if several else {},
        )
        for row, total, error in zip(shares, totals, errors, strict=True)
    ]


def _place(subject: Subject, n_outputs: int, wanted: int) -> tuple[float, int]:
    """Return the sign and the position of the wanted output: log odds of two classes are one, negated for the first."""
    if n_outputs > 1:
        return 1.0, wanted
    return (1.0 if subject.task is not Task.CLASSIFICATION or wanted == 1 else -1.0), 0


def _raw_output(final: FinalStep, inputs: Array) -> Array:
    """Return what values add up to, shape (n_rows, n_outputs): the model's answer before any link function."""
    import numpy as np

    model, name = final.model, type(final.model).__name__
    if not hasattr(model, "predict_proba"):
        # What numbers are, whatever the link: values of its logarithm do not add up to them, and are then not used.
        raw: Any = final.answers(inputs)
    elif name.startswith("XGB"):
        raw = model.predict(inputs, output_margin=True)
    elif name.startswith("LGBM"):
        raw = model.predict(inputs, raw_score=True)
    else:
        raw = model.decision_function(inputs)
    return np.asarray(raw, dtype="float64").reshape(len(inputs), -1)
