"""A tree as a drawing, from its root at the left to its leaves at the right, with the way of a row through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from app.pages.asking.typed import as_known
from app.pages.usual import usual as of_column
from app.pages.words import number, percent, short, visible
from app.payloads.signature import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.store.record import Record

#: Pixels of the width of a node, between two beside each other, and of a leaf's row.
WIDTH, ACROSS, ROW = 200, 44, 50

#: Levels that are drawn at first, and that one can ask for.
LEVELS, CHOICES = 4, (2, 3, 4, 5, 6)

#: Characters that fit into a node.
_FIT = 25

#: Colours of classes.
_COLOURS = 6


@dataclass
class Node:
    """A node where it is drawn.

    Attributes
    ----------
    title, told
        What it asks, or what it answers; and of how many rows.
    whole
        All of it, for those who stop at it.
    bar
        (colour, begin, width) of its shares, from 0 to 1.
    edges
        To its children: (pixels down to the child, what the answer is, whether the row goes there).
    """

    x: float
    y: float
    title: str
    told: str
    whole: str
    bar: list[tuple[str, float, float]]
    leaf: bool
    on: bool
    edges: list[tuple[float, str, bool]] = field(default_factory=list)


def tree(
    told: dict[str, Any] | None,
    record: Record,
    levels: int = LEVELS,
    place: int = 0,
    way: Sequence[int] = (),
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """Return the drawing of a tree; None where there is none.

    Parameters
    ----------
    told
        As `app.pipelines.reports.tree` does.
    levels
        That are drawn below the root.
    place
        The row, of those whose path is known, that is followed.
    way, typed
        Of a row that was typed in: numbers of the nodes that it comes to, and the fields of the form.
    """
    if not told:
        return None
    rows, levels = told["rows"], max(CHOICES[0], min(levels, CHOICES[-1]))
    row = rows[place] if typed is None and place < len(rows) else None
    way = row["nodes"] if row else way
    sketch = _Sketch(told["nodes"], record, levels, set(way))
    sketch.place(0)
    return {
        "model": told["model"],
        "trees": told["trees"] or 1,
        "depth": told["depth"],
        "leaves": told["leaves"],
        "scaled": told["scaled"],
        "rows": rows,
        "levels": levels,
        "choices": [one for one in CHOICES if one <= max(told["depth"], CHOICES[0])],
        "nodes": sketch.drawn,
        "box": WIDTH,
        "gap": ACROSS,
        "width": (WIDTH + ACROSS) * (1 + max(min(levels, node["level"]) for node in told["nodes"])) - ACROSS + 4,
        "height": ROW * sketch.leaves + 4,
        "whose": f"Row {short(row['id'], 40)}" if row else "These values" if way else "",
        "state": {"row": place} if typed is None else typed,
        "steps": list(_steps(told["nodes"], way)),
        "end": _end(told["nodes"][way[-1]]) if way else None,
        "key": _key(record),
        "fields": _fields(told["nodes"], record),
    }


class _Sketch:
    """Places the nodes: leaves one below the other, and what leads to them at their middle."""

    def __init__(self, nodes: list[dict[str, Any]], record: Record, levels: int, way: set[int]) -> None:
        self._nodes, self._record, self._levels, self._way = nodes, record, levels, way
        values = [node["value"] for node in nodes if node.get("value") is not None]
        self._least, self._greatest = min(values, default=0.0), max(values, default=1.0)
        self.leaves, self.drawn = 0, list[Node]()

    def place(self, here: int) -> float:
        """Place a node and all below it; return the pixels from the top to its middle."""
        node = self._nodes[here]
        x = 2 + node["level"] * (WIDTH + ACROSS)
        open_ = "below" in node and node["level"] < self._levels
        drawn = self._node(node, here, x, open_)
        self.drawn.append(drawn)
        if not open_:
            drawn.y = 2 + ROW * self.leaves + ROW / 2
            self.leaves += 1
            return drawn.y
        children = [(node["below"], not _category(node)), (node["above"], _category(node))]
        # Whoever says yes is above.
        children.sort(key=lambda child: not child[1])
        middles = [(self.place(child), "yes" if yes else "no", child in self._way) for child, yes in children]
        drawn.y = sum(middle for middle, _, _ in middles) / 2
        drawn.edges = [(middle, answer, on and drawn.on) for middle, answer, on in middles]
        return drawn.y

    def _node(self, node: dict[str, Any], here: int, x: float, asks: bool) -> Node:
        rows = f"{node['rows']:,} rows"
        answer = answered(node)
        hidden = " …" if not asks and ("below" in node or "levels" in node) else ""
        title = f"{question(node)}?" if asks else f"{answer}{hidden}"
        return Node(
            x=x,
            y=0.0,
            title=question(node, _FIT) + "?" if asks else short(title, _FIT),
            told=f"{rows}, {short(answer, 20)}" if asks else rows,
            whole=f"{title} {rows}. {_all(node)}",
            bar=self._bar(node),
            leaf=not asks,
            on=here in self._way,
        )

    def _bar(self, node: dict[str, Any]) -> list[tuple[str, float, float]]:
        if "shares" not in node:
            wide = (self._greatest - self._least) or 1.0
            return [("k0", 0.0, ((node.get("value") or self._least) - self._least) / wide)]
        classes, found, begin = self._record.result.get("classes") or [], [], 0.0
        for one in sorted(node["shares"], key=lambda share: _place(classes, share["class"])):
            found.append((f"k{_place(classes, one['class']) % _COLOURS}", begin, one["share"]))
            begin += one["share"]
        return found


def question(node: dict[str, Any], most: int = 200) -> str:
    """Return what a node asks, in about so many characters: what a column is compared with stays."""
    name = str(node["column"]) if node.get("column") is not None else f"input {node['input']}"
    if _category(node):
        asked = f" {short(visible(node['part']), max(8, most // 2))}"
    else:
        part = f" ({node['part']})" if node.get("part") else ""
        asked = f"{part} ≤ {number(node['threshold'])}"
    return f"{short(name, max(6, most - len(asked)))}{asked}"


def answered(node: dict[str, Any]) -> str:
    """Return the likeliest class of a node with its share, or its number."""
    if "shares" not in node:
        return number(node.get("value"))
    best: dict[str, Any] = node["shares"][0] if node["shares"] else {"class": "–", "share": None}
    return f"{visible(best['class'])}: {percent(best['share'])}"


def _category(node: dict[str, Any]) -> bool:
    return str(node.get("part") or "").startswith("= ")


def _all(node: dict[str, Any]) -> str:
    return ", ".join(f"{visible(one['class'])} {percent(one['share'])}" for one in node.get("shares") or [])


def _place(classes: list[Any], name: Any) -> int:
    return classes.index(name) if name in classes else 0


def _key(record: Record) -> list[tuple[str, str]]:
    """Return the colours of classes, where they are so few that each has its own."""
    classes = record.result.get("classes") or []
    return [(f"k{place}", visible(name)) for place, name in enumerate(classes)] if len(classes) <= _COLOURS else []


def _steps(nodes: list[dict[str, Any]], way: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was asked on a way, and what the answers were."""
    found = []
    for here, following in pairwise(way):
        node = nodes[here]
        yes = (following == node["above"]) if _category(node) else (following == node["below"])
        found.append({"question": question(node), "answer": "yes" if yes else "no"})
    return found


def _end(node: dict[str, Any]) -> str:
    more = node.get("levels")
    told = f"{answered(node)} of {node['rows']:,} rows of the training"
    return f"{told}; {more} more level(s) follow, which are not kept" if more else told


def _fields(nodes: list[dict[str, Any]], record: Record) -> list[dict[str, Any]]:
    """Return the columns that are asked for, as fields of a form; none of models of series or images."""
    columns = record.signature.get("columns") or []
    if any(column["role"] != "feature" or column["kind"] == "image" for column in columns):
        return []
    asked = {node["column"] for node in nodes if node.get("column") is not None}
    return [
        {
            "name": f"column.{place}",
            "label": column["name"],
            "kind": column["kind"],
            "value": usual(column),
            "choices": column["summary"].get("categories") if column["kind"] == "category" else None,
        }
        for place, column in enumerate(columns)
        if column["name"] in asked
    ]


def usual(column: dict[str, Any]) -> Any:
    """Return a value that a column has had in training, as a request has it; None where none is known."""
    return of_column(Column.from_json({"summary": {}} | column))


def values(record: Record, form: Mapping[str, str]) -> tuple[list[str], list[Any]]:
    """Return the columns and the values of a row of the form; what is not asked for is as it mostly was in training."""
    columns = record.signature.get("columns") or []
    return [column["name"] for column in columns], [
        _value(column, form.get(f"column.{place}")) for place, column in enumerate(columns)
    ]


def _value(column: dict[str, Any], text: str | None) -> Any:
    if text is None:
        return usual(column)
    return (
        as_known(text, (column.get("summary") or {}).get("categories") or ()) if column["kind"] == "category" else text
    )
