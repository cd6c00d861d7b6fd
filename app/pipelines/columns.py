"""Which columns of its rows a fitted pipeline reads, so that serving computes and asks for no others."""

from __future__ import annotations

from typing import Any


def columns_read(fitted: Any, columns: list[str]) -> list[str]:
    """Return the columns that a fitted pipeline reads, in their order.

    Parameters
    ----------
    fitted
        A pipeline that begins with a ColumnTransformer, a wrapper or an ensemble of such, or anything else, which
        reads all.
    columns
        Of the rows that it was fitted on.
    """
    read = _read(fitted)
    return columns if read is None else [name for name in columns if name in read]


def _read(fitted: Any) -> set[str] | None:
    """Return the names of the columns; None for all."""
    members = getattr(fitted, "fitted_", None)
    if isinstance(members, list):
        found = [_read(member) for member in members]
        return None if any(read is None for read in found) else set().union(*(read or set() for read in found))
    if hasattr(fitted, "steps"):
        return _read(fitted.steps[0][1])
    if hasattr(fitted, "transformers_"):
        kept = [
            columns
            for name, transformer, columns in fitted.transformers_
            if name != "remainder" and transformer != "drop"
        ]
        return {name for columns in kept for name in columns}
    return None
