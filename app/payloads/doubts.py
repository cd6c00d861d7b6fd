"""What of a table may be meant otherwise than it is read: said with the result, as nobody asks before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import listed
from app.payloads import dates
from app.payloads.parameters import Kind, Task
from app.payloads.training import Training

if TYPE_CHECKING:
    import pandas as pd

#: Different values of a column that are looked at, and share of them that must look like something else.
_LOOKED_AT, _SHARE = 1_000, 0.95

#: Different values from which on a category that looks like a quantity may be one.
_QUANTITY = 10

#: Different values up to which a column may tell the labels by itself: of more it tells rows apart.
_TELLING = 50

#: Correlation with a target from which on a column is that target.
_SAME = 0.9999

#: A number with a currency, a unit, grouped thousands or a decimal comma.
_DECORATED = r"[^\d\w\s]{0,3}\s?[+-]?\d[\d.,'\s]*\s?(?:[^\d\w\s]|[A-Za-z]{1,4})?"


def doubts(training: Training) -> list[str]:
    """Return in sentences what the caller should look at; of series and images nothing."""
    if training.parameters.extract_features is not None:
        return []
    named = set(training.parameters.columns)
    kinds = {column.name: column.kind for column in training.signature.columns if column.role == "feature"}
    columns = {name: training.frame[name] for name in kinds}
    found = []
    if counting := [name for name, kind in kinds.items() if kind is Kind.NUMBER and _counts(columns[name])]:
        found.append(f"{listed(counting)} counts the rows. If it tells them apart, name it as id_column.")
    categories = {name: _different(columns[name]) for name, kind in kinds.items() if kind is Kind.CATEGORY}
    unnamed = {name: values for name, values in categories.items() if name not in named}
    if quantities := [name for name, values in unnamed.items() if _looks_like_numbers(values)]:
        found.append(
            f"{listed(quantities)}: read as categories, though most values look like numbers with a sign, a unit or a "
            "comma. Send plain numbers, 1234.5, if they are quantities."
        )
    if dated := [name for name, values in unnamed.items() if dates.ambiguous(values)]:
        found.append(
            f"{listed(dated)}: read as categories, as the dates do not tell day from month. Write them as 2020-12-31."
        )
    if telling := [name for name, kind in kinds.items() if kind is not Kind.IMAGE and _tells(columns[name], training)]:
        found.append(f"{listed(telling)} alone tells the labels. If it is known only after them, leave it out.")
    return found


def _counts(values: pd.Series) -> bool:
    import numpy as np

    return len(values) > 1 and bool((np.diff(values.to_numpy(dtype="float64")) == 1).all())


def _different(values: pd.Series) -> pd.Series:
    present = values.dropna()
    return present[present.str.strip() != ""].drop_duplicates().head(_LOOKED_AT)


def _looks_like_numbers(values: pd.Series) -> bool:
    text = values.str.strip()
    # With zeros before them they are codes; and what is nothing but a number was put into quotes by someone.
    if len(text) <= _QUANTITY or text.str.match(r"0\d").any() or text.str.fullmatch(r"[+-]?\d+").all():
        return False
    return float(text.str.fullmatch(_DECORATED).mean()) >= _SHARE


def _tells(values: pd.Series, training: Training) -> bool:
    """Tell whether each value of a column stands beside one label only, though both are there many times."""
    import numpy as np

    labels = training.labels.to_numpy()
    if training.task is Task.REGRESSION:
        if values.dtype.kind != "f" or values.isna().any() or values.nunique() < 2:
            return False
        return bool(abs(np.corrcoef(values, labels.astype("float64"))[0, 1]) > _SAME)
    if not 1 < values.nunique() <= min(_TELLING, len(labels) // 5):
        return False
    return int(training.labels.set_axis(values.index).groupby(values, dropna=False).nunique().max()) == 1
