"""LIME (Ribeiro, Singh & Guestrin 2016): a linear model of the pipeline's answers around one row.

Of a table rows are drawn near the explained one: each value is one of its column's (see `drawn`), and the linear model
sees whether it lies in the same quartile, or is the same category, as the row's own; what it cannot see of a value is
no noise to it (see `variates`). Of texts and images parts are left out, the number of those left out being drawn first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.explain import last_step, parts, surrogate
from app.explain.base import Asked, Case, Masked, Subject
from app.explain.drawn import CELLS, STRATA, Drawn
from app.explain.found import Local, Part
from app.explain.mixing import OWN, taken
from app.explain.parts.columns import Columns, values_of
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Samples when nothing is asked for: of rows and texts LIME's own, and of images, whose answers take longer.
SAMPLES, OF_IMAGES = 5_000, 1_000

#: Widths of the kernels, LIME's own: of columns times the root of their number, of other parts over cosine distances.
_OF_COLUMNS, _OF_PARTS = 0.75, 0.25

#: Shares of parts that are told apart: whole numbers of half the width of others take half the time to draw.
_SHARES = 2**16

#: Share of rows below which a value is drawn more often than it occurs, and how often: a category that hardly any row
#: has would hardly be seen.
_RARE, _OFTEN = 0.05, 0.2


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Explain one row by the weights of a local linear model, `fidelity` being its R² on the rows drawn."""
    n_samples = asked.parameters.num_samples or (OF_IMAGES if subject.images is not None else SAMPLES)
    masked = parts.of(subject, case, asked)
    if isinstance(masked, Columns):
        return _of_columns(subject, case.row, masked.parts, asked, n_samples)
    return of_parts(subject, masked, asked, n_samples)


def of_parts(subject: Subject, masked: Masked, asked: Asked, n_samples: int) -> Local:
    """Explain one row by a linear model of what is answered without some of its parts."""
    import numpy as np

    n_parts = len(masked.parts)

    def draw(count: int, generator: np.random.Generator, itself: bool) -> surrogate.Rows:
        # Of a share drawn first as many others are gone as of any other number, and any of them are as likely.
        shares = generator.integers(_SHARES, size=(count, 1), dtype="uint16")
        masks = generator.integers(_SHARES, size=(count, n_parts), dtype="uint16") >= shares
        masks[np.arange(count), generator.integers(n_parts, size=count)] = False
        masks[: int(itself)] = True
        return surrogate.Rows(masks, masked.answers(masks))

    def nearness(masks: Array) -> Array:
        distances = 1 - np.sqrt(np.count_nonzero(masks, axis=1) / n_parts)
        near: Array = np.exp(-(distances**2) / (2 * _OF_PARTS**2))
        return near

    around = surrogate.Around(draw, nearness)
    found = surrogate.explain(subject, masked.parts, asked, around, n_samples)
    return replace(found, details=masked.details)


def _of_columns(subject: Subject, row: pd.DataFrame, columns: Sequence[Part], asked: Asked, n_samples: int) -> Local:
    import numpy as np

    drawn = Drawn.of(subject)
    bins = [_like(subject, drawn, name, value) for name, value in values_of(row).items()]
    same = np.vstack([np.column_stack([one.same for one in bins]), np.ones(len(bins), dtype=bool)])
    # The row's own values are a group of their own.
    strata = np.vstack([drawn.strata, np.full(len(bins), STRATA, dtype="int16")])
    often = np.array([_OFTEN if one.same.mean() < _RARE else 0.0 for one in bins])
    ask = last_step.asking(subject, row, drawn)

    def draw(count: int, generator: np.random.Generator, itself: bool) -> surrogate.Rows:
        places = _evenly(subject, count, len(drawn.rows), generator)
        if often.any():
            places[generator.random(places.shape) < often] = OWN
        places[: int(itself)] = OWN
        return surrogate.Rows(taken(same, places), ask(places), taken(strata, places))

    def nearness(masks: Array) -> Array:
        away = masks.shape[1] - masks.sum(axis=1)
        near: Array = np.exp(-away / (2 * _OF_COLUMNS**2 * masks.shape[1]))
        return near

    conditions = [f"{part.feature} {one.condition}" for part, one in zip(columns, bins, strict=True)]
    around = surrogate.Around(draw, nearness)
    found = surrogate.explain(subject, columns, asked, around, n_samples, conditions)
    return replace(found, algorithm="lime_tabular", background=len(subject.background))


def _evenly(subject: Subject, count: int, n_others: int, generator: np.random.Generator) -> Array:
    """Draw the place of a value for each column, shape (count, n_columns): each as often as another.

    As in a Latin hypercube (McKay, Beckman & Conover 1979) what a column does by itself is then no chance, and only
    what columns do together is. To permute each column anew takes as long as the linear model does; of as many rows as
    are drawn by default they are permuted once for a version, and each is turned by a number of its own (Cranley &
    Patterson 1976).
    """
    import numpy as np

    n_columns = len(subject.columns)

    def permuted(rows: int, generator: np.random.Generator) -> Array:
        places = np.resize(generator.permutation(n_others), rows)
        # In Fortran's order, as columns are taken.
        return generator.permuted(np.tile(places, (n_columns, 1)), axis=1).T

    length = max(1, SAMPLES // n_others) * n_others
    if count < length or length * n_columns > CELLS:
        return permuted(count, generator)
    known = subject.once("places", lambda: permuted(length, np.random.default_rng(0)))
    turned = [
        np.array([np.roll(column, turn) for column, turn in zip(known.T, turns, strict=True)])
        for turns in generator.integers(length, size=(count // length, n_columns)).tolist()
    ]
    return np.concatenate([*turned, permuted(count % length, generator).T], axis=1).T


@dataclass(frozen=True)
class _Like:
    """Which drawn rows have a value like that of the row, shape (n_drawn,), and what "like" means."""

    same: Array
    condition: str


def _like(subject: Subject, drawn: Drawn, name: str, value: Any) -> _Like:
    import numpy as np

    kind = subject.kinds[name]
    if kind is Kind.SIGNAL:
        return _Like(np.array([one is value for one in drawn.rows[name]]), f"= {_written(value, kind)}")
    if value is None or value != value:
        return _Like(drawn.rows[name].isna().to_numpy(), "is missing")
    if name not in drawn.edges:
        same = (drawn.rows[name] == value).to_numpy(dtype=bool, na_value=False)
        return _Like(same, f"= {_written(value, kind)}")
    edges = drawn.edges[name]
    place = int(edges.searchsorted(value))
    low = f"> {_written(edges[place - 1], kind)}" if place else ""
    high = f"<= {_written(edges[place], kind)}" if place < len(edges) else ""
    return _Like(drawn.quartiles[name] == place, " and ".join(filter(None, (low, high))) or "is any number")


def _written(value: Any, kind: Kind) -> str:
    if kind is Kind.DATE:
        return str(value)[:10] if str(value)[11:] in ("", "00:00:00") else str(value)[:19]
    if kind is Kind.BOOLEAN:
        return str(bool(value))
    return f"{value:.6g}" if kind is Kind.NUMBER else str(value)
