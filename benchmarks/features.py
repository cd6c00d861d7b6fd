"""How long features of series take, beside tsfresh in the same run and in turns.

    python benchmarks/features.py                      all cases: about four minutes
    python benchmarks/features.py --cases Minimal      some of them

Both begin with the same sorted arrays, stretches of the signal of a smartwatch. tsfresh is called as this service
called it: a long frame is made of them, `extract_features` of it with n_jobs=0, and a row for each series of that. Ours
is what a request and a training go through: an array of all features, by a plan that was made before. In its turn a
side is called as often as takes a tenth of a second. Each case also says by how much the values differ.

Times are of the processor, on one thread: what else runs on the machine is not in them.
"""

from __future__ import annotations

import os

# Before NumPy is there: its threads wait for each other wherever something else runs on a core, on either side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tsfresh import extract_features
from tsfresh.feature_extraction import settings

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from app.pipelines.tsfresh.calculators.plan import Plan  # noqa: E402 - the root must be on the path
from app.pipelines.tsfresh.extract import features  # noqa: E402 - as above
from app.pipelines.tsfresh.series import Signal  # noqa: E402 - as above

#: Samples of a series.
SAMPLES = 128

#: Seconds of a turn, unless one call takes longer.
TURN = 0.1


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes
    ----------
    of
        Which of tsfresh's sets.
    n_series
        How many series at once.
    ragged
        Whether all of them have different lengths.
    rounds
        How often each side is timed, after once that is not counted.
    least
        How many times as fast ours has to be; None where nothing is required.
    """

    of: str
    n_series: int
    ragged: bool
    rounds: int
    least: float | None

    def __str__(self) -> str:
        return f"{self.of}, {self.n_series} {'ragged' if self.ragged else 'equal'} series"


CASES = (
    Case("Minimal", 1, False, 15, 100),
    Case("Minimal", 400, False, 7, 30),
    Case("Minimal", 400, True, 7, None),
    Case("Efficient", 1, False, 9, 20),
    Case("Efficient", 40, False, 3, 20),
    Case("Efficient", 40, True, 3, None),
    Case("Comprehensive", 1, False, 9, 10),
    Case("Comprehensive", 40, False, 3, 10),
    Case("Comprehensive", 40, True, 3, None),
)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", nargs="+", help="sets to measure: Minimal, Efficient, Comprehensive")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| series | tsfresh ms | ours ms | times as fast | required | | difference |")
    print("| --- | ---: | ---: | ---: | ---: | --- | ---: |")
    for case in CASES:
        if not arguments.cases or case.of in arguments.cases:
            print(measured(case), flush=True)


def measured(case: Case) -> str:
    """Time both sides of a case in turns, and return its row of the table."""
    wanted = dict(getattr(settings, f"{case.of}FCParameters")())
    some = series(case)
    plan = Plan.of(wanted)
    signal = Signal(np.concatenate(some), np.cumsum([0, *map(len, some)]), None)

    def theirs() -> pd.DataFrame:
        ids = np.repeat(np.arange(len(some)), np.diff(signal.starts))
        columns = {"id": ids, "kind": np.full(len(ids), "0", dtype="object"), "value": signal.values}
        found = extract_features(
            pd.DataFrame(columns),
            column_id="id",
            column_kind="kind",
            column_value="value",
            kind_to_fc_parameters={"0": wanted},
            default_fc_parameters={},
            disable_progressbar=True,
            n_jobs=0,
        )
        return found.reindex(range(len(some)))

    def ours() -> Any:
        return features([(signal, plan)], len(some))

    expected, found = theirs(), pd.DataFrame(ours(), columns=[f"0__{name}" for name in plan.names])
    slow, fast = in_turns(case.rounds, theirs, ours)
    ratio = slow / fast
    verdict = "" if case.least is None else ("**met**" if ratio >= case.least else "**not met**")
    required = "" if case.least is None else f"{case.least:g}"
    return (
        f"| {case} | {1e3 * slow:.1f} | {1e3 * fast:.3f} | {ratio:.0f} | {required} | {verdict} "
        f"| {difference(found[list(expected.columns)].to_numpy(), expected.to_numpy()):.0e} |"
    )


def series(case: Case) -> list[Any]:
    """Return stretches of the data of the tests."""
    values = pd.read_json(ROOT / "data" / "data_train.json").drop(columns="example_id").iloc[:, -1].to_numpy("float64")
    lengths = [SAMPLES] * case.n_series
    if case.ragged:
        lengths = np.linspace(SAMPLES // 2, 5 * SAMPLES, case.n_series).astype("int64").tolist()
    starts = [(97 * number) % (len(values) - max(lengths)) for number in range(case.n_series)]
    return [values[start : start + length].copy() for start, length in zip(starts, lengths, strict=True)]


def in_turns(rounds: int, *sides: Callable[[], Any]) -> list[float]:
    """Return the median seconds of a call of each side."""
    calls = [max(1, round(TURN / seconds(side, 1))) for side in sides]
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, often, known in zip(sides, calls, taken, strict=True):
            known.append(seconds(side, often))
    return [statistics.median(known) for known in taken]


def seconds(side: Callable[[], Any], often: int) -> float:
    """Return the seconds of the processor for a call, of several one after another."""
    started = time.process_time()
    for _ in range(often):
        side()
    return (time.process_time() - started) / often


def difference(found: Any, expected: Any) -> float:
    """Return the greatest relative difference; the same number, or the same lack of one, differs by nothing."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(all="ignore"):
        relative = np.abs(found - expected) / np.abs(expected)
    return float(np.where(same, 0.0, relative).max())


if __name__ == "__main__":
    main()
