"""What of a table somebody should look at before a training: in sentences that end in what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.payloads.labels import LEAST
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import pandas as pd

    from app.payloads.profiles.columns import Column

#: Share of missing values from which on a column says little.
_MISSING = 0.95

#: Share of different values among those that are there, and rows, from which on a category tells rows apart.
_APART, _ROWS = 0.95, 20

#: Different values from which on a category is one of many.
_MANY = 100

#: Share of the rows that the rarest class has below which classes are very unequal.
_RARE = 0.01

#: Names of columns that identify rows: id, row_id, customerId, index.
_NAMED = re.compile(r"(?:^|[_\W])(?:id|uuid|guid|key)$|^(?:index|row|Unnamed: 0)$|[a-z](?:Id|ID)$", re.IGNORECASE)


def named_as_id(name: str) -> bool:
    """Tell whether a column has a name that ids have."""
    return bool(_NAMED.search(name)) and not name.lower().endswith(("aid", "bid", "grid"))


def of_column(column: Column, rows: int) -> list[str]:
    """Return what to look at in a column that is learned from, whatever is predicted."""
    found = []
    present = rows - column.missing
    if not present:
        return ["It is empty. Leave it out, or look whether the file is whole."]
    if column.distinct == 1:
        found.append("It has the same value in each row, so that nothing can be learned from it.")
    if column.missing / rows >= _MISSING:
        found.append("Nearly all of its values are missing.")
    elif column.kind is Kind.CATEGORY and column.distinct is not None and column.distinct > 1:
        if present >= _ROWS and column.distinct / present >= _APART:
            found.append("It has another value in nearly each row. If it identifies rows, choose it as the id.")
        elif column.distinct > _MANY:
            found.append("It has many categories, of which most are rare.")
    return found


def of_rows(frame: pd.DataFrame, kinds: dict[str, Kind]) -> list[str]:
    """Return what to look at in the rows as they are: those that are there twice."""
    compared = [name for name, kind in kinds.items() if kind is not Kind.IMAGE and not named_as_id(name)]
    if not compared or len(frame) < 2:
        return []
    twice = int(frame[compared].duplicated().sum())
    if not twice:
        return []
    return [
        f"{twice:,} of the rows {'is' if twice == 1 else 'are'} there already, but for an id. If they are copies, take "
        "them out; if they belong together, name the column of their group."
    ]


def of_classes(counts: dict[str, int]) -> list[str]:
    """Return what to look at in the classes of a classification."""
    few = [name for name, count in counts.items() if count < LEAST]
    if few:
        shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        return [f"A class needs at least {LEAST} rows. Too rare: {shown}."]
    if counts and min(counts.values()) < _RARE * sum(counts.values()):
        return [
            "The classes are very unequal: always to answer the most frequent one would be right nearly always. Look "
            "at a metric that counts the rare ones, such as average_precision or balanced_accuracy."
        ]
    return []
