"""TPOT's evolution, as a stream of the candidates that it tries; on this machine's cores or on a Dask cluster."""

from __future__ import annotations

import logging
import pickle
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError, Unavailable
from app.pipelines.base import Candidate, Problem, Trial
from app.pipelines.calibrated import with_probabilities
from app.pipelines.evaluate import innermost, takes_weights, trials
from app.pipelines.processes import ChildDied, ChildFailed, cores, stream
from app.pipelines.running import STOPPED
from app.pipelines.tpot import params, space

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

#: Seconds between two signs of life.
_TICK = 0.5

#: Seconds that a scheduler has to answer.
_CONNECT = 10

#: Share of the search that one candidate may take when nobody says, and the least and the most of it in seconds. A
#: generation waits for its slowest, and some solvers of TPOT's space come to no end on some data.
_CANDIDATE, _LEAST, _MOST = 0.1, 5.0, 600.0

#: {search: its problem, and its trials of an earlier attempt by their names} in each process that tries candidates;
#: filled by `_Setup`.
_SEARCHES: dict[str, tuple[Problem, dict[str, Trial]]] = {}


def evolve(problem: Problem, given: dict[str, Any], tried: Sequence[Trial] = ()) -> Iterator[Trial | None]:
    """Yield each trial as it ends, and None now and then.

    Parameters
    ----------
    given
        TPOT's arguments, of either generation, as checked by `params`.
    tried
        What has been tried before, the best first: by TPOT in an earlier attempt at this training, which is not tried
        again, or by others, from which a search among some kinds of models starts.
    """
    found: SimpleQueue[Trial | Exception] = SimpleQueue()
    thread = threading.Thread(target=_search, args=(problem, given, tried, found), daemon=True)
    thread.start()
    while thread.is_alive() or not found.empty():
        try:
            item = found.get(timeout=_TICK)
        except Empty:
            yield None
            continue
        if isinstance(item, Exception):
            raise item
        yield item


def _search(
    problem: Problem, given: dict[str, Any], tried: Sequence[Trial], found: SimpleQueue[Trial | Exception]
) -> None:
    """Run TPOT in its thread; what ends it but its own end is put where its trials are."""
    search = uuid.uuid4().hex
    known = {trial.name: replace(trial, out_of_fold=None) for trial in tried if trial.engine == "tpot"}
    models = [innermost(trial.pipeline) for trial in tried if trial.engine != "tpot" and trial.whole]
    # Dask tells of every connection.
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            client = _client(problem.scheduler)
            if problem.scheduler is not None:
                client.register_plugin(_farewell(search, client.id))
            client.register_plugin(_setup(search, problem, known), name=search)
            client.subscribe_topic(search, lambda event: found.put(pickle.loads(event[1])))  # noqa: S301  our own task's
            _fit(problem, given, models, client, _Objective(search))
        except Exception as error:
            # TPOT has no type of its own for a generation of which nothing was scored.
            if "No individuals could be evaluated" not in str(error):
                found.put(error)


def _fit(problem: Problem, given: dict[str, Any], models: list[Any], client: Client, objective: _Objective) -> None:
    import numpy as np
    from tpot.tpot_estimator.estimator import TPOTEstimator

    # In a process of its own: native code of many threads may run in it, and candidates are forked from this one.
    (n_features,) = stream(_width, problem, seconds=problem.seconds)
    seed = given.get("random_state", problem.seed)
    search = TPOTEstimator(
        search_space=space.build(problem, given, n_features, seed, models),
        scorers=[],
        scorers_weights=[],
        other_objective_functions=[objective],
        other_objective_functions_weights=[1],
        objective_function_names=["score"],
        classification=bool(problem.classes),
        cv=2,
        generations=given.get("generations"),
        population_size=given.get("population_size", 50),
        early_stop=given.get("early_stop"),
        random_state=seed,
        max_time_mins=float("inf"),
        # The objective keeps the limit of a candidate; TPOT's own would try it in a thread that Dask does not know.
        max_eval_time_mins=float("inf"),
        client=client,
        scatter=False,
        verbose=0,
    )
    # The rows are the problem's; TPOT itself looks only at their number and at the classes.
    search.fit(np.zeros((len(problem.y), n_features)), problem.y.astype("int64" if problem.classes else "float64"))


def _width(problem: Problem) -> Iterator[int]:
    """Yield how many columns TPOT's pipelines see."""
    from app.pipelines.preprocess import assemble

    yield assemble(problem, None, scaled=False)[:-1].fit_transform(problem.X, problem.y).shape[1]


class _Objective:
    """The score of a pipeline, greater is better. Holds only a name, as it travels with every task."""

    __name__ = "score"

    def __init__(self, search: str) -> None:
        self.search = search

    def __call__(self, pipeline: Any) -> float:
        """Try a pipeline, tell of the trial, and return its score; raise when it has none, as TPOT expects."""
        from distributed import get_worker

        (problem, known), worker = _SEARCHES[self.search], get_worker()
        trial = _tried(problem, _plain(pipeline), known, lambda: self.search in _SEARCHES)
        if problem.scheduler is not None:
            trial = replace(trial, details={**trial.details, "worker": worker.address})
        worker.log_event(self.search, pickle.dumps(trial, protocol=5))
        if trial.score is None:
            raise ValueError(trial.error)
        return float(trial.score * problem.metric.sign)


def _tried(problem: Problem, model: Any, known: dict[str, Trial], wanted: Callable[[], bool] = lambda: True) -> Trial:
    # Whole: scikit-learn's own repr cuts long pipelines, and two could then be called the same.
    name = " ".join(model.__repr__(N_CHAR_MAX=100_000).split())
    if name in known:
        return known[name]
    candidate = Candidate(name, "tpot", problem.pipeline(with_probabilities(problem, model), scaled=False))
    trial = Trial(name, "tpot", candidate.pipeline, error="it came to no end")
    if problem.weights is not None and not takes_weights(candidate.pipeline):
        return replace(trial, error=f"{type(innermost(model)).__name__} cannot weigh its rows", threads=1)
    seconds = float(problem.parameters.limits.candidate_seconds or _seconds(problem))
    try:
        for latest in stream(trials, problem, candidate, seconds=seconds, threads=1, wanted=wanted):
            trial = latest
    except TimeoutError:
        # A score over some of the folds is not one that others can be compared with.
        trial = replace(trial, score=None, error=STOPPED)
    except (ServiceError, ChildFailed, ChildDied) as error:
        trial = replace(trial, score=None, error=str(error))
    return replace(trial, details={"operators": _operators(model)}, threads=1)


def _seconds(problem: Problem) -> float:
    """Return the seconds that a candidate has when the limits name none."""
    given = problem.parameters.model_training.model_args
    if "max_eval_time_mins" in given:
        return float(given["max_eval_time_mins"] * 60)
    search = min(problem.seconds, float(given.get("max_time_mins", params.DEFAULT_MINUTES) * 60))
    return min(_MOST, max(_LEAST, _CANDIDATE * search))


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


def _client(scheduler: str | None) -> Client:
    """Connect to a cluster, or start one of threads here, each of which tries its candidates in forked processes."""
    import distributed

    # A fork has this executor of its parent's Dask, and none of its threads: what is given to it is never done.
    distributed.utils._offload_executor = ThreadPoolExecutor(1, "Dask-Offload")
    if scheduler is None:
        cluster = distributed.LocalCluster(
            n_workers=cores(), threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50
        )
        return distributed.Client(cluster)
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT)
    except OSError as error:
        raise Unavailable("The Dask scheduler does not answer.") from error
    # TPOT counts the workers of `client.cluster`, which a client of an address has not.
    client.cluster = _Workers(client)
    return client


class _Workers(SimpleNamespace):
    """Stands for the cluster behind an address: its workers as they are now."""

    status = SimpleNamespace(name="running")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    @property
    def workers(self) -> dict[str, Any]:
        return dict(self._client.scheduler_info(n_workers=-1)["workers"]) or {"none": None}


def _setup(search: str, problem: Problem, known: dict[str, Trial]) -> Any:
    """Return what every worker runs before its first task, workers that join later included."""
    from distributed import WorkerPlugin

    class Setup(WorkerPlugin):
        name = search

        def setup(self, worker: Any) -> None:
            from app.pipelines.tpot import evolve as here
            from app.pipelines.tpot.stacking import mend_stacking

            mend_stacking()
            here._SEARCHES[search] = problem, known

        def teardown(self, worker: Any) -> None:
            from app.pipelines.tpot import evolve as here

            here._SEARCHES.pop(search, None)

    return Setup()


def _farewell(search: str, owner: str) -> Any:
    """Return what the scheduler of a cluster does when the client of a search has gone, however that ended.

    A search is ended by killing its process, which can tell nobody. Its workers then forget its rows, and end the
    candidates that nobody waits for any more: Dask itself lets a task that has begun run on.
    """
    from distributed import SchedulerPlugin

    class Farewell(SchedulerPlugin):
        name = f"farewell {search}"

        def remove_client(self, scheduler: Any, client: str) -> None:
            if client == owner:
                scheduler.remove_plugin(name=self.name)
                scheduler.loop.add_callback(scheduler.unregister_worker_plugin, comm=None, name=search)

    return Farewell()
