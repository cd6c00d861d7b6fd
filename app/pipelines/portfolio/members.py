"""The candidates that a portfolio tries: one of each kind of model first, and the variants of each that follow."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Kind, Task
from app.pipelines.base import Candidate, Problem
from app.pipelines.calibrated import with_probabilities
from app.pipelines.evaluate import takes_weights
from app.pipelines.portfolio.kinds import KINDS, KindOfModel
from app.pipelines.quiet import quiet

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

#: Arguments that keep an estimator on the one core that a candidate has, and quiet, where it takes them.
_COMMON = {"n_jobs": 1, "verbosity": 0, "verbose": 0}

#: Arguments whose values in the rows of `KINDS` are for classes; a regressor keeps its own default.
_OF_CLASSES = {"criterion"}

#: Share of the search, and the least seconds, that a candidate may take: of many rows a forest would leave no time for
#: anything else.
SHARE, LEAST = 0.15, 5.0

#: Names of the candidates that are only for forecasts, and only for series.
NAIVE, CONVOLUTIONS = "last value", "random convolutions"


def first(problem: Problem) -> list[Candidate]:
    """Return one candidate of each kind that is tried first, the quickest first."""
    found = [*_special(problem)]
    for name, kind in KINDS.items():
        if kind.first is not None and (candidate := _candidate(problem, name, kind, kind.first, name)):
            found.append(candidate)
    return found


def variants(problem: Problem, best: list[str]) -> list[Candidate]:
    """Return the variants, those of the kinds that did best first; kinds that have not been tried come between.

    Parameters
    ----------
    best
        Names of the kinds that have been tried, the best first.
    """
    untried = [name for name, kind in KINDS.items() if kind.first is None]
    order = [*best[:2], *untried, *best[2:]]
    found = []
    for number in range(max(len(kind.variants) for kind in KINDS.values())):
        for name in order:
            kind = KINDS.get(name)
            if kind is not None and number < len(kind.variants):
                label = f"{name} {number + 2}"
                if candidate := _candidate(problem, name, kind, kind.variants[number], label):
                    found.append(candidate)
    return found


def tpot_names(problem: Problem, best: list[str]) -> list[str]:
    """Return TPOT's names of the three kinds that did best."""
    place = 0 if problem.classes else 1
    names = [KINDS[name].tpot[place] for name in best if name in KINDS]
    return [name for name in names if name is not None][:3]


def is_baseline(name: str) -> bool:
    """Tell whether a candidate, by its name, is one of those that are tried first."""
    return name in KINDS or name in (NAIVE, CONVOLUTIONS)


def kind_of(name: str) -> str:
    """Return the kind of a candidate of this module by the candidate's name."""
    return next((kind for kind in KINDS if name == kind or name.startswith(f"{kind} ")), name)


def _candidate(
    problem: Problem, name: str, kind: KindOfModel, arguments: dict[str, Any], label: str
) -> Candidate | None:
    """Return a candidate, or None where its kind is not for this problem."""
    dotted = kind.classifier if problem.classes else kind.regressor
    if dotted is None or set(problem.kinds.values()) == {Kind.SIGNAL}:
        return None
    if not kind.least_rows <= len(problem.y) <= kind.most_rows:
        return None
    from sklearn.pipeline import make_pipeline

    # A forecast's model learns steps from the last value, which may go down.
    if kind.positive and (problem.task is Task.FORECASTING or problem.y.min() <= 0):
        return None
    model = with_probabilities(problem, quiet(_made(problem, dotted, arguments)))
    if kind.before:
        model = make_pipeline(*(_made(problem, *step) for step in kind.before), model)
    pipeline = problem.pipeline(model, kind.scaled)
    if problem.weights is not None and not takes_weights(pipeline):
        return None
    return Candidate(label, "portfolio", pipeline, max(LEAST, SHARE * problem.seconds))


def _made(problem: Problem, dotted: str, arguments: dict[str, Any]) -> BaseEstimator:
    """Return an estimator with those of the arguments that it takes."""
    module, _, attribute = dotted.rpartition(".")
    make: Callable[..., BaseEstimator] = getattr(import_module(module), attribute)
    known = make().get_params(deep=False).keys() - (set() if problem.classes else _OF_CLASSES)
    wanted = _COMMON | {"random_state": problem.seed} | arguments
    return make(**{key: value for key, value in wanted.items() if key in known})


def _special(problem: Problem) -> list[Candidate]:
    """Return what is only for series or forecasts."""
    found = []
    if problem.task is Task.FORECASTING:
        from sklearn.dummy import DummyRegressor

        # Its steps are relative to the last value, so this one says that nothing changes.
        naive = problem.pipeline(DummyRegressor(strategy="constant", constant=0.0), scaled=False)
        found.append(Candidate(NAIVE, "portfolio", naive))
    if Kind.SIGNAL in problem.kinds.values():
        found.append(Candidate(CONVOLUTIONS, "portfolio", _convolutions(problem)))
    return found


def _convolutions(problem: Problem) -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from app.pipelines.convolutions import RandomConvolutions

    signals = [name for name, kind in problem.kinds.items() if kind is Kind.SIGNAL]
    model = LogisticRegression(C=0.01, max_iter=300) if problem.classes else RidgeCV([0.1, 1.0, 10.0, 100.0, 1000.0])
    return Pipeline(
        [
            ("convolutions", ColumnTransformer([("signals", RandomConvolutions(random_state=problem.seed), signals)])),
            ("scale", StandardScaler()),
            ("model", model),
        ]
    )
