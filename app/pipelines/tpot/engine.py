"""TPOT in this process: its candidates are evaluated in threads, without a child process that could be left behind.

Measured with TPOT 1.1.0: in processes of its own it fails in a daemonic parent and hangs in some forked ones; its
`callback` is never called; its time limit is kept only between evaluations; and it raises when no candidate was scored
in time. Hence the polling thread, the interrupt, and the baseline.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.errors import EngineMissing
from app.payloads.parameters import ModelTraining, Task
from app.pipelines.base import Found, Keep, Problem, Progress
from app.pipelines.tpot import params

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

logger = logging.getLogger(__name__)

#: Seconds between two looks at the search.
_POLL = 0.5

#: Seconds of the search's share that are left for an evaluation that runs over.
_RESERVE = 3.0

#: Seconds after an interrupt in which another has no effect.
_INTERRUPT = 3.0

#: Folds of the search when the caller names none; TPOT's own 10 take twice the time a candidate.
_FOLDS = 5


class TpotEngine:
    """TPOTClassifier and TPOTRegressor."""

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return list(params.MODELS)

    def task(self, model: str) -> Task | None:
        """Tell what a model predicts; None when there is no such model."""
        return params.MODELS.get(model)

    def check(self, training: ModelTraining, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the search takes these arguments."""
        params.check(training)

    def search(self, problem: Problem, progress: Progress, keep: Keep) -> Found:
        """Search until a limit is reached; the baseline is the answer when nothing was scored in time."""
        scorer = params.scorer(problem.training, problem.metric)
        X, y = _numbers(problem), problem.y
        progress("baseline", 0.0)
        baseline = _baseline(problem)
        keep(Found(baseline, scaled=True, note="The baseline, kept because the search was stopped before its end."))
        progress("search", 0.0, candidates=0)
        search = _tpot(problem, scorer)
        with _watched(search, progress), _interruptible() as interrupted:
            _fit(search, X, y, interrupted)
        evaluated = _evaluated(search)
        if not evaluated or not hasattr(search, "fitted_pipeline_"):
            note = "No candidate of the search was scored in time; this is the baseline, a linear model."
            return Found(baseline, scaled=True, evaluated=evaluated, interrupted=interrupted.is_set(), note=note)
        return Found(
            _plain(search.fitted_pipeline_), scaled=False, evaluated=evaluated, interrupted=interrupted.is_set()
        )


def _numbers(problem: Problem) -> Any:
    """Return the problem's rows as TPOT needs them: an array of numbers without missing values."""
    from app.pipelines.preprocess import preprocessor

    return preprocessor(problem.X, scaled=False).fit_transform(problem.X)


def _baseline(problem: Problem) -> BaseEstimator:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if problem.task is Task.REGRESSION else LogisticRegression(max_iter=300)


def _folds(problem: Problem) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = KFold if problem.task is Task.REGRESSION else StratifiedKFold
    count = problem.training.model_args.get("cv", _FOLDS)
    if problem.task is Task.CLASSIFICATION:
        import numpy as np

        # A rare class may have lost rows to the hold-out.
        count = max(2, min(count, int(np.bincount(problem.y).min())))
    return kind(count, shuffle=True, random_state=problem.seed)


def _tpot(problem: Problem, scorer: str) -> Any:
    """Make TPOT's estimator with the arguments of either generation translated to 1.x."""
    try:
        import tpot
    except ImportError:
        raise EngineMissing("TPOT", "tpot and setuptools<82") from None
    from app.pipelines.tpot.stacking import mend_stacking

    mend_stacking()
    given = dict(problem.training.model_args)
    seconds = min(given.get("max_time_mins", params.DEFAULT_MINUTES) * 60, max(1.0, problem.seconds - _RESERVE))
    per_candidate = min(given.get("max_eval_time_mins", 10) * 60, seconds)
    light = "config_dict" in given
    arguments = {
        "search_space": given.get("search_space", "linear-light" if light else "linear"),
        "scorers": [scorer],
        "scorers_weights": [1],
        "cv": _folds(problem),
        "max_time_mins": seconds / 60,
        "max_eval_time_mins": per_candidate / 60,
        "random_state": given.get("random_state", problem.seed),
        "generations": given.get("generations"),
        "population_size": given.get("population_size", 50),
        "early_stop": given.get("early_stop"),
        "n_jobs": 1,
        "processes": False,
        "verbose": 0,
        "memory_limit": None,
    }
    kind = tpot.TPOTRegressor if problem.task is Task.REGRESSION else tpot.TPOTClassifier
    return kind(**arguments)


def _fit(search: Any, X: Any, y: Any, interrupted: threading.Event) -> None:
    """Run the search; that nothing was scored in time, or before an interrupt, is no error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            search.fit(X, y)
        except Exception as error:
            # TPOT has no type of its own for this: a plain Exception says that nothing was scored in time, and an
            # interrupt before the first generation ends in any error.
            if "No individuals could be evaluated" not in str(error) and not interrupted.is_set():
                raise
            logger.warning("the search ended without a pipeline")


def _evaluated(search: Any) -> dict[str, list[float]]:
    """Describe every scored candidate as {pipeline: [operators, mean score over folds]}."""
    individuals = _individuals(search)
    if individuals is None:
        return {}
    score = individuals.columns[0]
    found = individuals[individuals[score].notna()]
    described = {}
    for individual, value in zip(found["Individual"], found[score], strict=True):
        pipeline = _plain(individual.export_pipeline())
        # Whole: scikit-learn's own repr cuts long pipelines, and two could then be called the same.
        described[" ".join(pipeline.__repr__(N_CHAR_MAX=100_000).split())] = [_operators(pipeline), float(value)]
    return described


def _plain(pipeline: Any) -> Any:
    """Return an unfitted copy whose arguments are Python's own: TPOT leaves `np.str_('gini')` for 'gini'."""
    import numpy as np
    from sklearn.base import clone

    copy = clone(pipeline)
    named = {name: value.item() for name, value in copy.get_params().items() if isinstance(value, np.generic)}
    return copy.set_params(**named)


def _operators(pipeline: Any) -> int:
    """Count the steps that do something, those of unions and stacked estimators included."""
    if hasattr(pipeline, "steps"):
        return sum(_operators(step) for _, step in pipeline.steps)
    if hasattr(pipeline, "transformer_list"):
        return sum(_operators(step) for _, step in pipeline.transformer_list)
    return int(type(pipeline).__name__ not in ("Passthrough", "SkipTransformer"))


def _individuals(search: Any) -> Any:
    """Return TPOT's table of candidates, or None before there is one."""
    evolver = getattr(search, "_evolver_instance", None)
    return None if evolver is None else evolver.population.evaluated_individuals


@contextmanager
def _watched(search: Any, progress: Progress) -> Iterator[None]:
    """Report the search from a thread, as TPOT calls nobody back."""
    done = threading.Event()
    started = time.monotonic()
    seconds = search.max_time_mins * 60

    def watch() -> None:
        while not done.wait(_POLL):
            individuals = _individuals(search)
            scores = [] if individuals is None else individuals.iloc[:, 0].dropna().tolist()
            share = min(1.0, (time.monotonic() - started) / seconds)
            progress("search", share, candidates=len(scores), best_score=max(scores, default=None))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Let SIGINT end the search with its best so far, as TPOT does at Ctrl-C; after the block it has no effect here.

    Python drops an exception that a signal raises inside a callback of the garbage collector, of which Dask installs
    one. So a later SIGINT counts again, though not at once: TPOT needs some seconds to come to its end.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    last = float("-inf")

    def interrupt(number: int, frame: object) -> None:
        nonlocal last
        now = time.monotonic()
        interrupted.set()
        if now - last >= _INTERRUPT:
            last = now
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    except KeyboardInterrupt:
        logger.warning("the search was interrupted before its first pipeline")
    finally:
        signal.signal(signal.SIGINT, before)
