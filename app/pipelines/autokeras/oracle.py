"""What is tried next: AutoKeras's greedy oracle, or one of keras-tuner's, asked and told."""

from __future__ import annotations

import warnings
from typing import Any

from app.pipelines.autokeras import backend, starts

#: The only one who asks.
_WHO = "search"


def make(tuner: str, max_trials: int, seed: int, space: Any) -> Any:
    """Return an oracle. It keeps nothing on disk.

    Parameters
    ----------
    tuner
        greedy: changes a part of the best network so far. random. bayesian: by a Gaussian process over all so far.
    space
        HyperParameters to begin with.
    """
    backend.autokeras()
    from autokeras.tuners.greedy import GreedyOracle
    from keras_tuner import Objective
    from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

    base = {"greedy": GreedyOracle, "random": RandomSearchOracle, "bayesian": BayesianOptimizationOracle}[tuner]

    class Oracle(base):  # type: ignore[misc, valid-type]
        """Without the folder in which keras-tuner keeps trials to be resumed."""

        def save(self) -> None:
            """Keep nothing."""

        def _save_trial(self, trial: Any) -> None:
            """Keep nothing."""

    found = Oracle(
        objective=Objective("score", "max"),
        max_trials=max_trials,
        # keras-tuner takes 0 for no seed.
        seed=seed + 1,
        # A search ends by its number of trials and its time, not by three failures in a row.
        max_consecutive_failed_trials=max_trials + 1,
    )
    found.verbose = 0
    found.update_space(space)
    return found


def ask(oracle: Any, kind: str, seed: int) -> Any:
    """Return a trial of keras-tuner, whose hyperparameters are to be tried; None when there is no other."""
    keras = backend.keras()
    # AutoKeras chooses by numpy's own generator, which every training seeds anew.
    keras.utils.set_random_seed(seed % 2**32)
    with warnings.catch_warnings(action="ignore"):
        trial = oracle.create_trial(_WHO)
    if trial.status != "RUNNING":
        return None
    if len(oracle.trials) == 1:
        trial.hyperparameters.values = dict(starts.STARTS[kind])
    return trial


def tell(oracle: Any, trial: Any, score: float | None, built: Any) -> None:
    """Tell how a trial did.

    Parameters
    ----------
    score
        Greater is better; None when it failed.
    built
        The HyperParameters that its network was built of; None when it failed.
    """
    with warnings.catch_warnings(action="ignore"):
        if score is None:
            trial.status = "FAILED"
        else:
            trial.hyperparameters = built
            oracle.update_trial(trial.trial_id, {"score": score})
            trial.status = "COMPLETED"
        oracle.end_trial(trial)
