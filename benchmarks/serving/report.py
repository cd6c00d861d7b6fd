"""The figures as Markdown: what was required, what was measured, and whether that is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

#: A power of the size above which a cost is said to grow faster than its size; noise is below.
FASTER = 1.1

#: Cores that other work may take before a case for its figures to be worth something.
BUSY = 0.2

Kept = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Goal:
    """One requirement.

    Attributes
    ----------
    case
        Whose figures tell.
    value
        From the figures of the case to what is compared; KeyError where the system was not there.
    bound
        `least` or `most` that the value may be.
    """

    what: str
    case: str
    value: Callable[[Any], float]
    bound: float
    least: bool = True
    unit: str = "times"

    def row(self, kept: Kept) -> list[str]:
        """Return the row of the table."""
        required = f"{'at least' if self.least else 'under'} {self.bound:g} {self.unit}".rstrip()
        try:
            value = self.value(kept[self.case]["figures"])
        except KeyError:
            return [self.what, required, "not measured", ""]
        met = "met" if self.met(kept) else "**not met**"
        return [self.what, required, f"{value:.3g} {self.unit}".rstrip(), met]

    def met(self, kept: Kept) -> bool:
        """Tell whether what was measured is as required.

        Raises
        ------
        KeyError
            It was not measured.
        """
        value = self.value(kept[self.case]["figures"])
        return value >= self.bound if self.least else value < self.bound


GOALS = (
    Goal("one row, forest, 8 clients: beside MLServer", "forest", lambda f: f["MLServer"]["times"], 8),
    Goal("one row, forest, 8 clients: beside BentoML", "forest", lambda f: f["BentoML"]["times"], 8),
    Goal("one row, logistic regression: beside MLServer", "linear", lambda f: f["MLServer"]["times"], 2),
    Goal("one row, logistic regression: beside MLflow", "linear", lambda f: f["MLflow"]["times"], 2.5),
    Goal("one series, JSON, the path by itself: beside 2017", "series", lambda f: f["1"]["JSON"]["inside_times"], 40),
    Goal("one series, JSON, over HTTP: beside 2017", "series", lambda f: f["1"]["JSON"]["times"], 40),
    Goal("400 series, column-oriented JSON, over HTTP: beside 2017", "series", lambda f: f["400"]["JSON"]["times"], 10),
    Goal("400 series, Arrow, over HTTP: beside 2017", "series", lambda f: f["400"]["Arrow"]["times"], 25),
    Goal("HTTP over the model's own time, forest", "overhead", lambda f: f["forest"]["overhead_ms"], 0.6, False, "ms"),
    Goal("HTTP over the model's own time, linear", "overhead", lambda f: f["linear"]["overhead_ms"], 0.6, False, "ms"),
    Goal("web process, no model: first answer", "start", lambda f: f["first_answer_s"], 1, False, "s"),
    Goal("web process, no model: four workers together", "start", lambda f: f["memory_mb"], 200, False, "MB"),
    Goal("cold model of 50 MB: first answer", "cold", lambda f: f["large"]["first_answer_s"], 1, False, "s"),
    Goal("two workers against one, as they are started: forest", "started", lambda f: _best(f["forest"]), 1.7),
    Goal("two workers against one, as they are started: linear", "started", lambda f: _best(f["linear"]), 1.7),
    Goal("two workers against one, each held to a core: forest", "workers", lambda f: _best(f["forest"]), 1.7),
    Goal("two workers against one, each held to a core: linear", "workers", lambda f: _best(f["linear"]), 1.7),
    Goal("a training beside it: the rate", "training", lambda f: 100 * f["share"], 40, True, "%"),
    Goal("a training beside it: p99", "training", lambda f: f["beside"]["p99_ms"] / 1000, 1, False, "s"),
)


def _best(points: Sequence[Mapping[str, Any]]) -> float:
    """Return the ratio where the clients keep two processes busy: from 8 of them on."""
    return max(float(one["times"]) for one in points if one["clients"] >= 8)


def tables(kept: Kept) -> str:
    """Return all tables, one after another."""
    return "\n\n".join(markdown for _, markdown in sections(kept))


def sections(kept: Kept) -> Iterator[tuple[str, str]]:
    """Yield (name, Markdown) of what has been measured."""
    if not kept:
        return
    goals = table(["what", "required", "measured", ""], (goal.row(kept) for goal in GOALS), "lrrl")
    parts = [f"**{title}**\n\n{made(kept[name]['figures'])}" for name, (title, made) in TABLES.items() if name in kept]
    yield "serving", "\n\n".join([machine(kept), goals, *parts])
    if "growth" in kept:
        yield "growth", _growth(kept["growth"]["figures"])


def machine(kept: Kept) -> str:
    """Say where and when it was measured, and beside what."""
    measured = [one["measured"] for one in kept.values()]
    dates = sorted({one["date"] for one in measured})
    last = max(measured, key=lambda one: one["date"])
    libraries = ", ".join(" ".join(one) for one in last["libraries"].items())
    busy = [name for name, one in kept.items() if one["measured"]["busy"] > BUSY]
    beside = f" **Began beside other work: {', '.join(busy)}.**" if busy else " Nothing else ran."
    return (
        f"{last['cores']} cores, {last['memory_gib']} GiB, Python {last['python']}, {libraries}; "
        f"{' to '.join(dict.fromkeys([dates[0], dates[-1]]))}.{beside}"
    )


def _row(figures: Mapping[str, Mapping[str, float]]) -> str:
    def of(name: str, one: Mapping[str, float]) -> list[str]:
        times = "" if name == "ours" else f"{one['times']:.1f}"
        return [name, f"{one['rate']:.0f}", f"{one['p99_ms']:.1f}", f"{one['one_client_ms']:.2f}", times]

    head = ["", "requests a second, 8 clients", "p99, ms", "one client, ms", "ours is times as fast"]
    return table(head, (of(name, one) for name, one in figures.items()))


#: What a client of 2017 sends, to whom.
_SENT = {"2017": "form, to the 2017 path", "form": "form"}


def _series(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    head = ["series", "sent as", "over HTTP, median ms", "times as fast as 2017", "the path by itself, ms", "times"]
    columns = (("median_ms", 2), ("times", 1), ("inside_ms", 2), ("inside_times", 1))
    return table(
        head,
        (
            [count, _SENT.get(name, name), *(f"{one[key]:.{digits}f}" for key, digits in columns)]
            for count, systems in figures.items()
            for name, one in systems.items()
        ),
        "rlrrrr",
    )


def _overhead(figures: Mapping[str, Mapping[str, float]]) -> str:
    columns = {
        "request_ms": "request", "model_ms": "model", "overhead_ms": "request less model",
        "health_ms": "/health/live", "store_ms": "look at the store", "inside_ms": "whole prediction without HTTP",
    }  # fmt: skip
    head = ["median ms", *columns.values()]
    return table(head, ([name, *(f"{one[key]:.3f}" for key in columns)] for name, one in figures.items()))


def _start(figures: Mapping[str, float]) -> str:
    head = ["first answer, s", "four workers and their parent, MB"]
    return table(head, [[f"{figures['first_answer_s']:.2f}", f"{figures['memory_mb']:.0f}"]], "rr")


def _cold(figures: Mapping[str, Mapping[str, float]]) -> str:
    head = ["artefact, MB", "first answer, s", "second, s", "read, verify and load, s", "of that Redis, s"]
    keys = ("first_answer_s", "second_answer_s", "load_s", "redis_s")
    return table(
        head, ([f"{one['bytes'] / 1e6:.1f}", *(f"{one[key]:.3f}" for key in keys)] for one in figures.values())
    )


def _workers(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    head = [
        "model", "clients", "one, a second", "two, a second", "times", "p99 of two, ms",
        "a request takes of two: web, µs", "Redis, µs", "client, µs",
    ]  # fmt: skip
    return table(
        head,
        (
            [
                model, str(one["clients"]), f"{one['1']['rate']:.0f}", f"{one['2']['rate']:.0f}",
                f"{one['times']:.2f}", f"{one['2']['p99_ms']:.1f}",
                *(f"{one['2'][f'{part}_us']:.0f}" for part in ("web", "redis", "client")),
            ]
            for model, points in figures.items()
            for one in points
        ),
        "l" + 8 * "r",
    )  # fmt: skip


def _training(figures: Mapping[str, Any]) -> str:
    rows = ([name, f"{figures[name]['rate']:.0f}", f"{figures[name]['p99_ms']:.0f}"] for name in ("alone", "beside"))
    return table(["", "requests a second", "p99, ms"], rows)


def _growth(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    parts = []
    for name, points in figures.items():
        columns = [key for key in points[0] if key not in ("n", "power")]
        grows = "power" in points[0]
        head = ["", *columns, *(["power of the size"] if grows else [])]
        parts.append(f"**{name}**\n\n" + table(head, (_point(one, columns, grows) for one in points), "r" * len(head)))
    return "\n\n".join(parts)


def _point(one: Mapping[str, Any], columns: Sequence[str], grows: bool) -> list[str]:
    cells = [f"{one['n']:,}", *(f"{one[key]:,.0f}" if one[key] >= 1000 else f"{one[key]:.3g}" for key in columns)]
    if not grows:
        return cells
    power = one["power"]
    return [*cells, "" if power is None else f"**{power:.2f}**" if power > FASTER else f"{power:.2f}"]


#: {case: (its title, its table)}.
TABLES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "forest": ("One row, a forest of 100 trees", _row),
    "linear": ("One row, a logistic regression", _row),
    "series": ("Series of 128 samples, Minimal features, a forest of 100 trees, one client", _series),
    "overhead": ("What HTTP costs over the model's own time, one row, one client", _overhead),
    "start": ("Start of web processes without a model", _start),
    "cold": ("A web process that has not loaded its model, nor imported what the model needs", _cold),
    "started": ("One web process and two as they are started: each may use both cores", _workers),
    "workers": ("One web process and two, each held to one core, with Redis and the clients on both", _workers),
    "training": ("Two web processes on two cores, alone and with a training of the portfolio beside them", _training),
}


def table(head: Sequence[str], rows: Iterator[list[str]] | Sequence[list[str]], align: str = "") -> str:
    """Return a table in Markdown; `align` has an l or r a column, else the first is left and the others right."""
    align = align or "l" + "r" * (len(head) - 1)
    ruler = ["---:" if one == "r" else "---" for one in align]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ruler, *rows))


def write(made: Mapping[str, str]) -> None:
    """Put each table between its marks, `<!-- NAME -->` and `<!-- end -->`, wherever a document has them."""
    for path in (ROOT / "benchmarks" / "README.md", ROOT / "docs" / "scaling.md"):
        path.write_text(filled(path.read_text(), made))


def filled(text: str, made: Mapping[str, str]) -> str:
    """Return a document with the tables between their marks."""
    for name, markdown in made.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, mark, rest = text.partition(begin)
        if mark:
            text = before + begin + "\n" + markdown + "\n\n" + rest[rest.index(end) :]
    return text
