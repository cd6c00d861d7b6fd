"""How good explanations are, and how long they take, beside the LIME and SHAP that people install.

    python benchmarks/faithful.py                      all cases: about ten minutes
    python benchmarks/faithful.py --cases text table   some of them

Both sides ask the same fitted pipeline, made as this service makes them; the stock ones through the function that a
person would write for them. Each row is explained by one side and at once by the other, the first one changing from row
to row, so that what else the machine does falls on both. Deletion is the area under the model's answer as parts are
left out, the most telling first (lower is better), insertion the same as they come back (higher is better); stability
is the mean Jaccard similarity of the five largest contributions between five seeds. All but the times is the same each
time.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from importlib.metadata import version
from itertools import combinations, product
from pathlib import Path
from typing import Any

# Before NumPy is there: its threads wait for each other wherever something else runs on a core, on either side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.explain import sp_lime  # noqa: E402  once the path is known
from app.explain.base import Case  # noqa: E402
from benchmarks import explained, explained_parts  # noqa: E402
from benchmarks.explained import ROWS, SAMPLES, SEEDS, Comparison, asked, cancer, subject_of  # noqa: E402
from tests.explain import deletion  # noqa: E402

#: Contributions of a row that are compared between seeds.
TOP = 5

#: Rows of SP-LIME, and how often it is timed.
PICKED_FROM, TIMES = 20, 3


def picked() -> None:
    """Print how long SP-LIME takes on 20 rows, and how much of the importance the rows have that are picked."""
    from lime.lime_tabular import LimeTabularExplainer
    from lime.submodular_pick import SubmodularPick
    from sklearn.ensemble import RandomForestClassifier

    X, y, kinds = cancer()
    subject = subject_of(X, y, RandomForestClassifier(100, random_state=0), kinds, scaled=False)
    rows = X.sample(PICKED_FROM, random_state=0)
    cases = [Case(rows.iloc[[place]]) for place in range(PICKED_FROM)]
    explainer = LimeTabularExplainer(X.to_numpy(), feature_names=list(X), class_names=["0", "1"], random_state=0)

    def probabilities(numbers: Any) -> Any:
        return subject.predict(pd.DataFrame(numbers, columns=list(X)))

    def stock() -> None:
        SubmodularPick(
            explainer, rows.to_numpy(), probabilities, method="full", num_features=10, num_exps_desired=5,
            num_samples=SAMPLES,
        )  # fmt: skip

    def ours() -> None:
        sp_lime.explain(subject, cases, asked("sp_lime", 0, 1, sample_size=PICKED_FROM, num_samples=SAMPLES))

    both: dict[str, list[float]] = {"ours": [], "LIME": []}
    for number in range(TIMES + 1):
        for name, call in (("ours", ours), ("LIME", stock))[:: 1 if number % 2 else -1]:
            elapsed = timed(call)
            # The first of each warms up.
            both[name] += [elapsed] * (number > 0)
    ratio = ratio_of(both["LIME"], both["ours"])
    print("\n**SP-LIME, 20 rows of the forest**\n")
    print(f"ours {statistics.median(both['ours']):.0f} ms, LIME {statistics.median(both['LIME']):.0f} ms, ", end="")
    print(f"{ratio:.1f} times as fast.\n\n{requirement(3, ratio)}")


CASES: dict[str, Callable[[], Any]] = {
    "table": explained.table,
    "numbers": explained.numbers,
    "text": explained_parts.text,
    "picked": picked,
    "trees": explained.trees,
    "sampled": explained.sampled,
    "images": explained_parts.images,
    "series": explained_parts.series,
    "gradients": explained_parts.slopes,
}


def main() -> None:
    """Measure the cases asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    libraries = ("numpy", "pandas", "scikit-learn", "lime", "shap")
    named = ", ".join(f"{name} {version(name)}" for name in libraries)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cores} cores, Python {platform.python_version()}, {named}, {date.today()}; load before it {load:.1f}.")
    warnings.simplefilter("ignore")
    for name in arguments.cases:
        for comparison in CASES[name]() or ():
            compare(comparison)


def compare(comparison: Comparison) -> None:
    """Measure two sides, and print their table and what was required."""
    sides = (comparison.ours, comparison.stock)
    for side in sides:
        side.explain(0, 0)
    times: list[list[float]] = [[], []]
    found: list[list[Any]] = [[], []]
    for number in range(ROWS):
        for place in (0, 1)[:: 1 if number % 2 else -1]:
            started = time.perf_counter()
            contributions = sides[place].explain(number, 0)
            times[place].append((time.perf_counter() - started) * 1000)
            found[place].append(contributions)
    tops = [
        [
            [top(found[place][row] if seed == 0 and row < ROWS else sides[place].explain(row, seed)) for seed in SEEDS]
            for row in range(comparison.compared)
        ]
        for place in (0, 1)
    ]
    alone = [
        statistics.mean(jaccard(a, b) for each in tops[place] for a, b in combinations(each, 2)) for place in (0, 1)
    ]
    between = statistics.mean(
        jaccard(a, b) for mine, theirs in zip(*tops, strict=True) for a, b in product(mine, theirs)
    )
    ratio = ratio_of(times[1], times[0])
    print(f"\n**{comparison.title}**\n")
    print("| by | deletion | insertion | stability | median ms | times as fast |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for place, side in enumerate(sides):
        deleted, inserted = np.mean([area(comparison.answers(row), found[place][row]) for row in range(ROWS)], axis=0)
        median, speed = statistics.median(times[place]), (f"{ratio:.1f}", "1")[place]
        print(f"| {side.name} | {deleted:.4f} | {inserted:.4f} | {alone[place]:.3f} | {median:.1f} | {speed} |")
    chance = np.mean([by_chance(comparison.answers(row), len(found[0][row]), row) for row in range(ROWS)], axis=0)
    print(f"| order by chance | {chance[0]:.4f} | {chance[1]:.4f} | | | |")
    print(f"\nThe five largest of ours and of {comparison.stock.name} agree by {between:.3f}.", end=" ")
    print(requirement(comparison.least, ratio) if comparison.least else "Nothing is required.", flush=True)
    if comparison.alone is not None:
        bare = [
            (timed(partial(comparison.ours.explain, number, 0)), timed(partial(comparison.alone, number)))
            for number in range(ROWS)
        ]
        share = statistics.median(alone / whole for whole, alone in bare)
        print(f"{share:.0%} of ours is the pipeline's own time for as many rows: without the rest it would be ", end="")
        print(f"{ratio / share:.1f} times as fast as {comparison.stock.name}.")


def requirement(least: float, ratio: float) -> str:
    """Say whether what was required is met."""
    return f"Required: {least:g} times as fast; **{'met' if ratio >= least else 'not met'}**."


def ratio_of(stock: Sequence[float], ours: Sequence[float]) -> float:
    """Return how many times as fast ours is: the median over pairs that ran one after the other."""
    return statistics.median(theirs / mine for theirs, mine in zip(stock, ours, strict=True))


def timed(call: Callable[[], object]) -> float:
    """Return the milliseconds of a call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def area(answers: Any, contributions: Any) -> Any:
    """Return the areas under the curves of deletion and insertion."""
    return deletion.areas(answers, [np.argsort(-contributions, kind="stable")])[0]


def by_chance(answers: Any, n_parts: int, seed: int) -> Any:
    """Return what these are on average of ten orders by chance."""
    generator = np.random.default_rng(seed)
    return deletion.areas(answers, [generator.permutation(n_parts) for _ in range(10)]).mean(axis=0)


def top(contributions: Any) -> frozenset[int]:
    """Return the places of the largest contributions."""
    return frozenset(np.argsort(-np.abs(contributions), kind="stable")[:TOP].tolist())


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    """Return how far two sets agree."""
    return len(a & b) / len(a | b)


if __name__ == "__main__":
    main()
