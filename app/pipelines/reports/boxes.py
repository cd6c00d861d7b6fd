"""The graph of a pipeline as boxes and lines, from its rows at the top to its model at the bottom."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from markupsafe import Markup, escape

from app.pipelines.reports.plots import svg

#: Pixels of a box, of a line of text in it, of a line that passes a row, and between boxes.
BOX, LINE, PASSING, ACROSS, DOWN = 196, 14, 14, 16, 30

#: Arguments of a step that are shown; the others are counted.
ARGUMENTS = 4

#: Characters that fit into a box.
_FIT = 28

#: Times that all places are brought nearer to what they are joined with, from above and from below in turn.
_SWEEPS = 13


@dataclass(eq=False)
class _Place:
    """A box, or a bend of a line that passes a row of boxes.

    Attributes
    ----------
    key
        By which a row is sorted so that lines do not cross: steps were numbered branch after branch.
    told
        Columns that the step is given.
    leaving
        What is told of its line into a join: the weight of a member, or that it is of the other columns.
    """

    row: int
    key: float
    width: int
    node: dict[str, Any] | None = None
    told: list[str] = field(default_factory=list)
    leaving: str = ""
    x: float = 0.0
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What stands below the name: columns, then arguments."""
        if self.node is None:
            return []
        given = [f"{name}={value}" for name, value in self.node["params"].items()]
        more = len(given) - ARGUMENTS
        return [*self.told, *given[:ARGUMENTS], *([f"and {more} more"] if more > 0 else [])]

    @property
    def height(self) -> int:
        """Pixels."""
        return 24 + LINE * len(self.lines) + (4 if self.lines else 0)


def boxes(graph: dict[str, Any]) -> Markup:
    """Draw the graph that `structure` makes."""
    rows = _rows(graph)
    _spread(rows)
    left = min(place.x - place.width / 2 for row in rows for place in row) - 4
    width = max(place.x + place.width / 2 for row in rows for place in row) + 4 - left
    tops = [4.0]
    for row in rows:
        tops.append(tops[-1] + max(place.height for place in row) + DOWN)
    parts = [_line(upper, lower, tops, left) for row in rows for upper in row for lower in upper.below]
    parts += [_box(place, place.x - left, tops[place.row]) for row in rows for place in row if place.node is not None]
    return svg(width, tops[-1] - DOWN + 4, "steps of the pipeline", parts, kind="graph")


def _rows(graph: dict[str, Any]) -> list[list[_Place]]:
    """Return the places row by row, each below all that it gets something from."""
    depth = {node["id"]: 0 for node in graph["nodes"]}
    # An edge always leads from an earlier node to a later one.
    for source, target, _ in sorted(graph["edges"], key=lambda edge: edge[1]):
        depth[target] = max(depth[target], depth[source] + 1)
    places = {node["id"]: _Place(depth[node["id"]], node["id"], BOX, node) for node in graph["nodes"]}
    every = list(places.values())
    goes_out = Counter(source for source, _, _ in graph["edges"])
    for source, target, told in graph["edges"]:
        upper, lower = places[source], places[target]
        if told and graph["nodes"][target]["kind"] != "join":
            lower.told.append(f"of {told}")
        elif told:
            upper.leaving = told
        # The only way out of a step goes on below it; one of several goes round what the others lead to.
        key = float(source) if goes_out[source] == 1 else target - 0.5
        for row in range(upper.row + 1, lower.row):
            every.append(_Place(row, key, PASSING))
            _join(upper, every[-1])
            upper = every[-1]
        _join(upper, lower)
    rows: list[list[_Place]] = [[] for _ in range(1 + max(depth.values(), default=0))]
    for place in sorted(every, key=lambda place: place.key):
        rows[place.row].append(place)
    return rows


def _join(upper: _Place, lower: _Place) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _spread(rows: list[list[_Place]]) -> None:
    """Place the members of each row side by side, each as near as can be to the middle of what it is joined with."""
    for row in rows:
        _apart(row)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else rows[::-1]:
            for place in row:
                beside = (place.above if down else place.below) or [place]
                place.x = _mean([other.x for other in beside])
            _apart(row)


def _apart(row: list[_Place]) -> None:
    """Move the members of a row apart until none overlaps, in their order and as little as can be.

    Without the room that they need at least, places must only not fall: isotonic regression, by pooling neighbours.
    """
    needed = [0.0]
    for before, place in pairwise(row):
        needed.append(needed[-1] + (before.width + place.width) / 2 + ACROSS)
    pools: list[list[float]] = []
    for place, room in zip(row, needed, strict=True):
        pools.append([place.x - room])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    placed = [_mean(pool) for pool in pools for _ in pool]
    for place, room, x in zip(row, needed, placed, strict=True):
        place.x = x + room


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _box(place: _Place, x: float, top: float) -> str:
    """Draw a step: its name, its columns, and what was given to it."""
    assert place.node is not None
    name, kind = place.node["label"], place.node["kind"]
    shape = f'x="{x - BOX / 2:.1f}" y="{top:.1f}" width="{BOX}" height="{place.height}" rx="5"'
    parts = [
        f'<rect class="box {escape(kind)}" {shape}/>',
        f'<text class="step" x="{x:.1f}" y="{top + 16:.1f}" text-anchor="middle">{escape(_cut(name))}</text>',
    ]
    for number, text in enumerate(place.lines):
        at = f'x="{x - BOX / 2 + 8:.1f}" y="{top + 32 + LINE * number:.1f}"'
        parts.append(f'<text class="argument" {at}>{escape(_cut(text))}</text>')
    given = ", ".join(f"{name}={value}" for name, value in place.node["params"].items())
    whole = " ".join([f"{name}({given})", *place.told])
    return f"<g>{''.join(parts)}<title>{escape(whole)}</title></g>"


def _line(upper: _Place, lower: _Place, tops: list[float], left: float) -> str:
    begin, end = upper.x - left, lower.x - left
    # A bend is as tall as its row, so that its line goes straight down there.
    bottom = tops[upper.row + 1] - DOWN if upper.node is None else tops[upper.row] + upper.height
    top, middle = tops[lower.row], tops[lower.row] - DOWN / 2
    bends = f"C{begin:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {top:.1f}"
    path = f"M{begin:.1f} {bottom:.1f}V{top - DOWN:.1f}{bends}"
    if lower.node is None:
        path += f"V{tops[lower.row + 1] - DOWN:.1f}"
    drawn = f'<path class="edge" d="{path}"/>'
    if not upper.leaving:
        return drawn
    return f'{drawn}<text class="told" x="{begin + 5:.1f}" y="{bottom + 12:.1f}">{escape(_cut(upper.leaving))}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= _FIT else f"{text[: _FIT - 1]}…"
