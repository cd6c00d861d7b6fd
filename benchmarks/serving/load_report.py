"""The figures of load as Markdown: what was required, what was measured, and whether that is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.serving.report import Goal, Kept, machine, table

#: What may be answered while more is asked than can be done.
SHED = {"200", "429", "503"}


def _not(figures: Mapping[str, Any], allowed: set[str]) -> float:
    return sum((figures["unsent"], *(count for status, count in figures["statuses"].items() if status not in allowed)))


def _grown(figures: Mapping[str, Any]) -> float:
    return 100 * max(part["growth"] for part in figures["parts"].values())


def _more(name: str) -> Callable[[Any], float]:
    """Return what tells how many more files or threads a part had at most at the end than at the beginning."""
    return lambda figures: max(part["end"][name] - part["begin"][name] for part in figures["parts"].values())


def _capacity(model: str) -> Callable[[Any], float]:
    return lambda figures: figures[model]["capacity"]


def _late(model: str) -> Callable[[Any], float]:
    return lambda figures: figures[model]["required"]["p99_ms"]


def _of_rates(case: str, share: float) -> Iterator[Goal]:
    """Yield what is required of each model: a rate, and within how long 99 in 100 answers come at that rate."""
    required = {
        "linear": ("one row, logistic regression", 400, 100),
        "forest": ("one row, forest of 100 trees", 100, 250),
        "series": ("20 series of 50 samples", 100, 300),
    }
    for model, (what, rate, ms) in required.items():
        yield Goal(f"{what}, 8 clients", case, _capacity(model), share * rate, True, "a second")
        yield Goal(f"{what}, at {rate} a second: p99", case, _late(model), ms / share, False, "ms")


GOALS = (
    *_of_rates("steady", 1),
    *_of_rates("smoke", 0.5),
    Goal("4 times what it can do: other than 200, 429, 503", "overload", lambda f: _not(f["over"], SHED), 1, False, ""),
    # Without any it was no overload, and the figures say nothing.
    Goal("4 times what it can do: refused", "overload", lambda f: _refused(f["over"]["statuses"]), 1, True, ""),
    Goal("refusals meanwhile: p99", "overload", lambda f: f["rejected_p99_ms"], 200, False, "ms"),
    Goal("/health/live meanwhile: p99", "overload", lambda f: f["live_p99_ms"], 500, False, "ms"),
    Goal("/health/live meanwhile: other than 200", "overload", lambda f: _refused(f["live_statuses"]), 1, False, ""),
    Goal("refused more than 5 s afterwards", "overload", lambda f: f["after"]["refused"], 1, False, ""),
    Goal("soak: answers other than 200", "soak", lambda f: _refused(f["statuses"]), 1, False, ""),
    Goal("soak: changes that were refused", "soak", lambda f: _refused_changes(f["changes"]), 1, False, ""),
    Goal("soak: growth of memory of the part that grew most", "soak", _grown, 5, False, "%"),
    Goal("soak: more open files at the end", "soak", _more("files"), 5, False, ""),
    Goal("soak: more threads at the end", "soak", _more("threads"), 3, False, ""),
)


def _refused(statuses: Mapping[str, int]) -> float:
    return sum(count for status, count in statuses.items() if status != "200")


def _refused_changes(changes: Mapping[str, int]) -> float:
    return sum(count for what, count in changes.items() if ":" in what)


def tables(kept: Kept) -> str:
    """Return all tables, one after another."""
    if not kept:
        return ""
    goals = table(["what", "required", "measured", ""], [goal.row(kept) for goal in GOALS if goal.case in kept], "lrrl")
    parts = [f"**{title}**\n\n{made(kept[name]['figures'])}" for name, (title, made) in TABLES.items() if name in kept]
    return "\n\n".join([machine(kept), goals, *parts])


def _statuses(figures: Mapping[str, Any]) -> str:
    told = [f"{count:,} × {status}" for status, count in figures["statuses"].items()]
    unsent = figures.get("unsent", 0)
    return ", ".join([*told, f"{unsent:,} never sent"] if unsent else told)


def _steady(figures: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["", "8 clients, a second", "asked, a second", "median, ms", "p99, ms", "answered"]
    rows = (
        [name, f"{one['capacity']:.0f}", *_asked(asked)]
        for name, one in figures.items()
        for asked in (one["required"], one["much"])
    )
    return table(head, rows, "lrrrrl")


def _asked(asked: Mapping[str, Any]) -> list[str]:
    return [f"{asked['offered']:.0f}", f"{asked['p50_ms']:.1f}", f"{asked['p99_ms']:.1f}", _statuses(asked)]


def _overload(figures: Mapping[str, Any]) -> str:
    head = ["can do, a second", "asked", "answered", "200: p99, ms", "refused: p99, ms", "afterwards: p99, ms"]
    over = figures["over"]
    row = [f"{figures['capacity']:.0f}", f"{over['offered']:.0f}", _statuses(over), f"{over['p99_ms']:.0f}"]
    return table(head, [[*row, f"{figures['rejected_p99_ms']:.0f}", f"{figures['after']['p99_ms']:.0f}"]], "rrlrrr")


def _soak(figures: Mapping[str, Any]) -> str:
    told = (
        f"{figures['minutes']:g} minutes, {figures['rate']:.0f} requests a second of {figures['capacity']:.0f}, "
        f"{_statuses(figures)}, p99 {figures['p99_ms']:.0f} ms; "
        + ", ".join(f"{count} × {what}" for what, count in figures["changes"].items())
        + "."
    )
    head = ["", "memory once settled, MB", "at the end, MB", "growth, %", "open files", "threads"]
    rows = (
        [name, f"{one['begin']['memory_mb']:.1f}", f"{one['end']['memory_mb']:.1f}", f"{100 * one['growth']:.1f}"]
        + [f"{one['begin'][size]:.0f} → {one['end'][size]:.0f}" for size in ("files", "threads")]
        for name, one in figures["parts"].items()
    )
    return f"{told}\n\n{table(head, rows)}"


#: {case: (its title, its table)}.
TABLES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "steady": ("At a rate, latency from the moment at which a request was to be sent", _steady),
    "smoke": ("At a rate, for a few seconds", _steady),
    "overload": ("Four times what it can do, for a minute", _overload),
    "soak": ("Half of what it can do, with trainings, promotions and deletions beside it", _soak),
}
