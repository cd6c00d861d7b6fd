"""The tables of an explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.explain.page.labels import condition, others, predicted, titled
from app.pipelines.reports.writing import amount, cell, cut, signed

#: Rows of a table, other rows that are compared, and characters of a cell.
ROWS, _FOUND, _CELL = 60, 10, 120


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    kind
        text, number, or changed: other than in the row that is explained.
    """

    text: str
    kind: str = "number"


@dataclass(frozen=True)
class Table:
    """A table with a heading a column, and a note below.

    Attributes
    ----------
    folded
        Whether it is opened first.
    """

    name: str
    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    folded: bool = False


def _text(value: Any) -> Cell:
    return Cell(cut(cell(value), _CELL), "text")


def contributions(entry: dict[str, Any]) -> Table:
    """Return the contributions, with a column for each thing that one of them has."""
    found = entry["contributions"]
    largest = max((abs(one["contribution"] or 0.0) for one in found), default=0.0)
    of_row, repeated = "id" in entry, isinstance(entry.get("spread"), dict)
    kinds: list[tuple[bool, Cell, Callable[[dict[str, Any]], Cell]]] = [
        (True, Cell("feature", "text"), lambda one: _text(one["feature"])),
        (_any(found, "region"), Cell("region"), lambda one: Cell(cell(one.get("region")))),
        (_any(found, "end"), Cell("from"), lambda one: Cell(cell(one.get("start")))),
        (_any(found, "end"), Cell("up to"), lambda one: Cell(cell(one.get("end")))),
        (_any(found, "value"), Cell("value", "text"), lambda one: _text(one.get("value"))),
        (
            True,
            Cell("contribution" if of_row else "importance"),
            lambda one: Cell(signed(one["contribution"], largest) if of_row else amount(one["contribution"], 3)),
        ),
        (_any(found, "interval"), Cell("95 % interval"), lambda one: Cell(_interval(one.get("interval")))),
        (_any(found, "condition"), Cell("condition", "text"), lambda one: _text(condition(one))),
        (repeated, Cell("standard deviation"), lambda one: Cell(_deviation(entry, one["feature"]))),
    ]
    shown = [(head, told) for there, head, told in kinds if there]
    rows = [[told(one) for _, told in shown] for one in found[:ROWS]]
    return Table("Contributions" if of_row else "Importances", [head for head, _ in shown], rows, _rest(entry, largest))


def _any(found: Sequence[dict[str, Any]], name: str) -> bool:
    return any(one.get(name) is not None for one in found)


def _interval(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{amount(interval[0], 3)} … {amount(interval[1], 3)}"


def _deviation(entry: dict[str, Any], feature: str) -> str:
    return amount(((entry.get("spread") or {}).get(feature) or {}).get("std"), 3)


def _rest(entry: dict[str, Any], largest: float) -> str:
    hidden, told = max(0, len(entry["contributions"]) - ROWS), []
    if hidden:
        told.append(f"{hidden:,} more are in the JSON answer.")
    if name := others(entry):
        told.append(
            f"{name} come{'s' if name.startswith('1 ') else ''} to {signed(entry['rest']['contribution'], largest)}."
        )
    return " ".join(told)


def interactions(entry: dict[str, Any]) -> Table:
    """Return pairs of columns."""
    rows = [
        [*map(_text, pair["features"]), Cell(amount(pair["interaction"], 3)), Cell(amount(pair["standard_error"], 2))]
        for pair in entry["interactions"][:ROWS]
    ]
    heads = [Cell("one", "text"), Cell("other", "text"), Cell("together"), Cell("standard error")]
    return Table("Pairs", heads, rows)


def aggregate(entry: dict[str, Any]) -> Table:
    """Return what the explanations of many rows come to."""
    heads = {"importance": "importance", "mean_absolute": "mean size", "mean": "mean", "rows": "rows"}
    heads |= {"raising": "raising", "lowering": "lowering"}
    found = entry["table"]
    there = [name for name in heads if found and name in found[0]]
    of_parts = _any(found, "value")
    rows = [
        [
            _text(one["feature"]),
            *([_text(one.get("value"))] if of_parts else []),
            *(Cell(signed(one[name]) if name == "mean" else amount(one[name], 3)) for name in there),
        ]
        for one in found[:ROWS]
    ]
    first = [Cell("feature", "text"), *([Cell("which", "text")] if of_parts else [])]
    note = "The mean is over the rows that have it; below 0 it lowers the prediction on average."
    return Table(
        "Over all rows", [*first, *(Cell(heads[name]) for name in there)], rows, note if "mean" in there else ""
    )


def compared(entry: dict[str, Any], unit: str) -> list[Table]:
    """Return the rows that were found beside the row that is explained: where they differ, and where they do not."""
    found = (entry.get("counterfactuals") or entry.get("nearest") or [])[:_FOUND]
    if not found:
        return []
    changed = {name for one in found for name in one["changed"]}
    names = list(found[0]["values"])
    heads = [Cell("column", "text"), Cell("this row", "text")]
    for number, one in enumerate(found, 1):
        name = titled(one) if "id" in one else f"found {number}" if len(found) > 1 else "found"
        heads.append(Cell(cut(name, _CELL), "text"))
    outcomes = [_described(one, entry) for one in found]
    first = [Cell(unit, "text"), Cell(predicted(entry.get("prediction"), entry), "text"), *outcomes]
    away = [Cell("distance", "text"), Cell("", "text"), *(Cell(amount(one["distance"], 3), "text") for one in found)]
    differing = [name for name in names if name in changed]
    note = f"{len(differing) - ROWS:,} more columns differ." if len(differing) > ROWS else ""
    rows = [first, away, *(_across(entry, found, name) for name in differing[:ROWS])]
    tables = [Table("Where they differ", heads, rows, note)]
    if same := [name for name in names if name not in changed]:
        rows = [[_text(name), _text(found[0]["values"][name])] for name in same[:ROWS]]
        tables.append(Table(f"{len(same):,} columns that are the same in all", heads[:2], rows, folded=True))
    return tables


def _described(one: dict[str, Any], entry: dict[str, Any]) -> Cell:
    outcome = "" if one.get("outcome") is None else f" (outcome {cut(one['outcome'], _CELL)})"
    return Cell(f"{predicted(one['prediction'], entry)}{outcome}", "text")


def _across(entry: dict[str, Any], found: Sequence[dict[str, Any]], name: str) -> list[Cell]:
    others = [Cell(_text(one["values"][name]).text, "changed" if name in one["changed"] else "text") for one in found]
    return [_text(name), own(entry, found, name), *others]


def own(entry: dict[str, Any], found: Sequence[dict[str, Any]], name: str) -> Cell:
    """Return the row's own value: as it is told, or as a row has it in which the column did not change."""
    if name in (entry.get("row") or {}):
        return _text(entry["row"][name])
    same = [one["values"][name] for one in found if name not in one["changed"]]
    return _text(same[0]) if same else Cell("other", "text")
