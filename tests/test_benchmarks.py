"""The arithmetic of the benchmark: ranks, tables and verdicts that say what was measured."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality import report, score_of
from benchmarks.standings import Result, Standings, ranks, verdicts

SYSTEMS = ["portfolio", "scikit-learn", "LightGBM"]


def result(system: str, score: float | None, fit_seconds: float | None = 10.0, **more) -> Result:
    more = {"data": "a", "seed": 0} | more
    return Result(system=system, seconds=60, cores=2, score=score, fit_seconds=fit_seconds, **more)


def standings(*results: Result) -> Standings:
    return Standings(results, SYSTEMS, ["a", "b"])


def test_ties_share_the_mean_of_their_places_and_failures_are_last() -> None:
    assert ranks([0.9, 0.8, 0.9]) == [1.5, 3.0, 1.5]
    assert ranks([None, 0.1, None]) == [2.5, 1.0, 2.5]
    assert ranks([-3.0, None]) == [1.0, 2.0]


def test_scores_that_are_printed_alike_are_ties() -> None:
    assert ranks([0.90001, 0.90002]) == [1.5, 1.5]


def test_all_three_verdicts_can_be_kept() -> None:
    found = standings(result("portfolio", 0.95, 66.0), result("scikit-learn", 0.90), result("LightGBM", 0.91))
    lines = verdicts(found, 60)
    assert all("**kept**" in line for line in lines)
    assert "66.0 s" in lines[-1]


def test_a_shared_best_rank_is_not_the_best_of_all() -> None:
    found = standings(result("portfolio", 0.95), result("scikit-learn", 0.95), result("LightGBM", 0.91))
    assert "**not kept**" in verdicts(found, 60)[0]


def test_a_set_where_a_default_is_better_is_named() -> None:
    found = standings(
        *(result(system, score) for system, score in zip(SYSTEMS, (0.95, 0.90, 0.91), strict=True)),
        *(result(system, score, data="b") for system, score in zip(SYSTEMS, (0.80, 0.79, 0.8051), strict=True)),
    )
    line = verdicts(found, 60)[1]
    assert "**not kept**" in line
    assert "-0.0051, on b: 0.8000 against 0.8051 of LightGBM" in line


def test_a_better_default_in_hindsight_is_told_apart() -> None:
    found = standings(
        result("portfolio", 0.95), result("scikit-learn", 0.90, singles={"linear": 0.97}), result("LightGBM", 0.91)
    )
    chosen, hindsight = verdicts(found, 60)[1:3]
    assert "**kept**" in chosen
    assert "**not kept**" in hindsight
    assert "0.9700 of linear" in hindsight


@pytest.mark.parametrize("seconds", [66.1, None])
def test_a_late_run_or_one_without_an_end_breaks_the_budget(seconds: float | None) -> None:
    score = None if seconds is None else 0.95
    found = standings(result("portfolio", score, seconds), result("scikit-learn", 0.9), result("LightGBM", 0.9))
    assert "**not kept**" in verdicts(found, 60)[-1]


def test_a_failure_of_the_portfolio_breaks_the_first_two_verdicts_and_is_listed() -> None:
    failed = result("portfolio", None, None, failure="422: no")
    found = standings(failed, result("scikit-learn", 0.9), result("LightGBM", 0.9))
    assert all("**not kept**" in line for line in verdicts(found, 60))
    assert found.failures() == ["- portfolio on a, seed 0: 422: no"]
    assert "| a | failed | **0.9000** | **0.9000** |" in found.table()


def test_a_split_that_not_all_have_run_is_left_out() -> None:
    found = standings(result("portfolio", 0.9), result("scikit-learn", 0.9))
    assert found.splits == {}
    assert "Nothing to judge" in verdicts(found, 60)[0]


def test_a_report_of_nothing_says_so() -> None:
    options = argparse.Namespace(data=["a"], seeds=[0], systems=SYSTEMS, seconds=60, cores=2)
    assert "none of 1 split(s)" in report(options, Path(), [])


def test_predictions_are_scored_by_the_order_of_the_classes(tmp_path: Path) -> None:
    path, answers = tmp_path / "predictions.parquet", pd.Series(["no", "yes", "yes"])
    pd.DataFrame({"yes": [0.1, 0.8, 0.9], "no": [0.9, 0.2, 0.1]}).to_parquet(path)
    assert score_of(path, answers, {"classes": ["no", "yes"]}) == 1.0


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.5, None, 0.5], [0.5, float("inf"), 0.5]])
def test_missing_rows_or_values_are_a_failure(values: list[float | None], tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    pd.DataFrame({"value": values}).to_parquet(path)
    with pytest.raises(ValueError, match="predictions"):
        score_of(path, pd.Series([1.0, 2.0, 3.0]), {"classes": None})
