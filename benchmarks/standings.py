"""Ranks, verdicts and tables of what quality.py has measured; nothing here trains or reads a file."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: The system that is judged, and the single defaults it is held against.
OURS, DEFAULTS = "portfolio", ("scikit-learn", "LightGBM")

#: How far below the best single default a score may be.
MARGIN = 0.005

#: How much longer than its budget a fit may take.
OVER = 1.1

#: Digits that are printed, and that ranks look at: scores that read the same are the same.
DIGITS = 4


@dataclass(frozen=True)
class Result:
    """One run of one system on one split.

    Attributes
    ----------
    seconds, cores : the budget.
    score : roc_auc, roc_auc_ovr_weighted or r2 on the test rows; None where the system failed.
    fit_seconds, predict_seconds : wall time, by the caller's clock.
    failure : why there is no score.
    busy : cores that something else kept busy just before.
    note : what was chosen, in a few words.
    singles : scores of single default models in hindsight, by name.
    """

    data: str
    system: str
    seed: int
    seconds: int
    cores: int
    score: float | None
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    failure: str = ""
    date: str = ""
    busy: float = 0.0
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    singles: dict[str, float] = field(default_factory=dict)


def ranks(scores: Sequence[float | None]) -> list[float]:
    """Rank scores from 1, the highest; ties share the mean of their places, and failures (None) the last ones."""
    keys = [float("-inf") if score is None else round(score, DIGITS) for score in scores]
    return [sum(other > key for other in keys) + (keys.count(key) + 1) / 2 for key in keys]


class Standings:
    """Results of some systems on some sets, compared where all systems have run.

    Parameters
    ----------
    results : of one budget.
    systems, data : the order in which to print.
    """

    def __init__(self, results: Sequence[Result], systems: Sequence[str], data: Sequence[str]) -> None:
        known = {(one.data, one.seed, one.system): one for one in results}
        seeds = sorted({one.seed for one in results})
        self.systems = list(systems)
        #: (data set, seed) → results, in the order of the systems.
        self.splits = {
            (name, seed): [known[name, seed, system] for system in systems]
            for name in data
            for seed in seeds
            if all((name, seed, system) in known for system in systems)
        }
        self.data = [name for name in data if any(key[0] == name for key in self.splits)]

    def of(self, system: str, data: str | None = None) -> list[Result]:
        """Return a system's results, on one set or all."""
        place = self.systems.index(system)
        return [found[place] for key, found in self.splits.items() if data in (None, key[0])]

    def score(self, system: str, data: str) -> float | None:
        """Return the mean score over the seeds, or None when one of them failed."""
        scores = [one.score for one in self.of(system, data)]
        return None if None in scores else statistics.mean(score for score in scores if score is not None)

    def mean_ranks(self) -> dict[str, float]:
        """Return the mean over all splits of each system's rank among all."""
        each = [ranks([one.score for one in found]) for found in self.splits.values()]
        return {system: statistics.mean(row[place] for row in each) for place, system in enumerate(self.systems)}

    def table(self) -> str:
        """Return a Markdown table: a row a set, a column a system, then ranks, time and failures."""
        lines = [f"| | {' | '.join(self.systems)} |", f"|---|{'---:|' * len(self.systems)}"]
        for name in self.data:
            scores = [self.score(system, name) for system in self.systems]
            best = max((round(score, DIGITS) for score in scores if score is not None), default=None)
            lines.append(_line(name, [_cell(score, best) for score in scores]))
        lines.append(_line("**mean rank**", [f"**{rank:.2f}**" for rank in self.mean_ranks().values()]))
        lines.append(_line("fit, s: median", [self._seconds(system, statistics.median) for system in self.systems]))
        lines.append(_line("fit, s: most", [self._seconds(system, max) for system in self.systems]))
        failed = [sum(one.score is None for one in self.of(system)) for system in self.systems]
        return "\n".join([*lines, _line("failed runs", [str(count) for count in failed])])

    def failures(self) -> list[str]:
        """Return a line for each run that failed."""
        found = [one for results in self.splits.values() for one in results if one.score is None]
        return [f"- {one.system} on {one.data}, seed {one.seed}: {one.failure}" for one in found]

    def _seconds(self, system: str, of: Callable[[list[float]], float]) -> str:
        times = [one.fit_seconds for one in self.of(system) if one.fit_seconds is not None]
        return f"{of(times):.1f}" if times else "-"


def verdicts(standings: Standings, seconds: int) -> list[str]:
    """Judge the portfolio by its rank, by the single defaults and by its budget; each line says what was measured."""
    if not standings.splits or OURS not in standings.systems:
        return ["Nothing to judge: there is no split that the portfolio and all others have run on."]
    return [_best_rank(standings), *_no_default_is_better(standings), _in_time(standings, seconds)]


def _best_rank(standings: Standings) -> str:
    found = standings.mean_ranks()
    ours = found.pop(OURS)
    if not found:
        return "1. Best mean rank of all: nothing beside it was run."
    next_best = min(found, key=lambda system: found[system])
    numbers = f"{ours:.2f}; the best of the others is {next_best} with {found[next_best]:.2f}"
    return f"1. Best mean rank of all: {_kept(ours < found[next_best])}. {numbers}."


def _no_default_is_better(standings: Standings) -> list[str]:
    defaults = [system for system in DEFAULTS if system in standings.systems]
    if not defaults:
        return [f"2. Never more than {MARGIN} below the best single default: no default was run."]
    worst, lines = _worst(standings, lambda name: {one: standings.score(one, name) for one in defaults}), []
    words = f"2. Never more than {MARGIN} below the best single default (mean over the seeds)"
    lines.append(f"{words}: {_kept(worst[0] >= -MARGIN)}. {worst[1]}.")
    hindsight = _worst(standings, lambda name: _in_hindsight(standings, name))
    words = "   Beside the best of all single defaults in hindsight, chosen for each set by its test rows"
    return [*lines, f"{words}: {_kept(hindsight[0] >= -MARGIN)}. {hindsight[1]}."]


def _worst(standings: Standings, defaults: Callable[[str], dict[str, float | None]]) -> tuple[float, str]:
    """Return the least difference of the portfolio to the best default of a set, and where that is."""
    found = []
    for name in standings.data:
        scores = {one: score for one, score in defaults(name).items() if score is not None}
        if not scores:
            continue
        best, ours = max(scores, key=lambda one: scores[one]), standings.score(OURS, name)
        if ours is None:
            found.append((float("-inf"), f"It failed on {name}"))
            continue
        numbers = f"{ours:.{DIGITS}f} against {scores[best]:.{DIGITS}f} of {best}"
        found.append((ours - scores[best], f"The least difference is {ours - scores[best]:+.4f}, on {name}: {numbers}"))
    return min(found, default=(float("-inf"), "No default has a score"))


def _in_hindsight(standings: Standings, name: str) -> dict[str, float | None]:
    """Return the mean score over the seeds of each single default model."""
    found: dict[str, float | None] = {}
    if "LightGBM" in standings.systems:
        found["LightGBM"] = standings.score("LightGBM", name)
    if "scikit-learn" in standings.systems:
        rows = [one.singles for one in standings.of("scikit-learn", name)]
        for single in set.intersection(*(set(row) for row in rows)):
            found[single] = statistics.mean(row[single] for row in rows)
    return found


def _in_time(standings: Standings, seconds: int) -> str:
    words = f"3. At most {seconds * OVER:g} s for a budget of {seconds} s"
    timed = [one for one in standings.of(OURS) if one.fit_seconds is not None]
    if not timed:
        return f"{words}: {_kept(False)}. No run came to its end."
    late = max(timed, key=lambda one: one.fit_seconds or 0.0)
    untimed = len(standings.of(OURS)) - len(timed)
    unended = f"; {untimed} run(s) never ended" if untimed else ""
    kept = _kept(not untimed and late.fit_seconds is not None and late.fit_seconds <= seconds * OVER)
    return f"{words}: {kept}. The longest took {late.fit_seconds:.1f} s, on {late.data}, seed {late.seed}{unended}."


def _kept(holds: bool) -> str:
    return "**kept**" if holds else "**not kept**"


def _cell(score: float | None, best: float | None) -> str:
    if score is None:
        return "failed"
    text = f"{score:.{DIGITS}f}"
    return f"**{text}**" if best is not None and round(score, DIGITS) == best else text


def _line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def describe(descriptions: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table of the data sets."""
    lines = [
        "| data set | task | rows | columns | what is special | source | licence |",
        "|---|---|---:|---:|---|---|---|",
    ]
    for one in descriptions:
        columns = [_task(one), str(one["rows"]), str(one["columns"]), _special(one), one["source"], one["licence"]]
        lines.append(_line(one["name"], columns))
    return "\n".join(lines)


def _task(one: dict[str, Any]) -> str:
    classes = f", {len(one['classes'])} classes" if one["task"] == "multiclass" else ""
    return f"{one['task']}{classes}: {one['predicts']}"


def _special(one: dict[str, Any]) -> str:
    if one["series"]:
        lengths = f"{one['shortest']} to {one['longest']}" if one["shortest"] < one["longest"] else f"{one['longest']}"
        return f"series of {lengths} samples, {one['signals']} signal(s)"
    words = [f"{one['texts']} of texts"] if one["texts"] else ["numbers only"]
    words += [f"{one['missing']} missing values"] if one["missing"] else []
    words += (
        [f"{one['rarest']:.0%} in the rarest class"] if (one["rarest"] or 1) < 0.2 and one["task"] == "binary" else []
    )
    return ", ".join(words)
