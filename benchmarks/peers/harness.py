"""What every runner shares: `python run_<peer>.py folder seconds cores seed`.

A runner finds `train.parquet`, `test.parquet` (without labels) and `description.json` in the folder, and writes
`predictions.parquet`: a column of probabilities a class, or the column `value`. It tells how far it is in lines of JSON
on its standard output; what the libraries print goes to standard error. The clock is the caller's. Only pandas is
needed here, since this runs in the environment of each peer.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Run:
    """What a runner is given.

    Attributes
    ----------
    X, y : the rows to learn from, shapes (n_samples, n_features) and (n_samples,); labels of classes are texts.
    X_test : the rows to predict.
    description : name, task (binary, multiclass, regression), classes in sorted order, and what the set is.
    seconds : wall time of a fit.
    cores : threads or processes.
    scratch : a folder that is deleted at the end.
    """

    X: pd.DataFrame
    y: pd.Series
    X_test: pd.DataFrame
    description: dict[str, Any]
    folder: Path
    seconds: int
    cores: int
    seed: int
    scratch: Path

    @property
    def classes(self) -> list[str] | None:
        """The classes in sorted order, or None in a regression."""
        return self.description["classes"]

    @property
    def texts(self) -> list[str]:
        """The columns that hold categories as texts."""
        return [name for name in self.X.columns if not pd.api.types.is_numeric_dtype(self.X[name])]

    def pick(self, binary: Any, multiclass: Any, regression: Any) -> Any:
        """Return one of three by the task: each library has its own names for the same thing."""
        return {"binary": binary, "multiclass": multiclass, "regression": regression}[self.description["task"]]

    def categorical(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return X and X_test with the texts as pandas' categories, those of the rows to learn from."""
        types = {name: pd.CategoricalDtype(sorted(self.X[name].dropna().unique())) for name in self.texts}
        return self.X.astype(types), self.X_test.astype(types)

    def write(self, predicted: Any, name: str = "predictions") -> None:
        """Write predictions: an array of shape (n_samples, n_classes), classes in sorted order, or (n_samples,)."""
        frame = pd.DataFrame(predicted, columns=self.classes or ["value"])
        frame.to_parquet(self.folder / f"{name}.parquet")


def run(
    fit: Callable[[Run], Any], predict: Callable[[Any, Run], Any], packages: list[str], note: Callable[[Any], str] = str
) -> Run:
    """Fit and predict between the lines that the caller's clock waits for; return what was given.

    Parameters
    ----------
    fit
        Returns a model; what it needs is imported before.
    predict
        Returns what `Run.write` takes.
    packages
        Distributions whose versions are told.
    note
        Says of a model what was chosen, in a few words.
    """
    events = _events()
    warnings.simplefilter("ignore")
    folder, (seconds, cores, seed) = Path(sys.argv[1]).resolve(), map(int, sys.argv[2:5])
    description = json.loads((folder / "description.json").read_text())
    train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    with tempfile.TemporaryDirectory(prefix="automl-") as scratch:
        X, y = train.drop(columns="target"), train["target"]
        given = Run(X, y, test, description, folder, seconds, cores, seed, Path(scratch))
        events("ready")
        model = fit(given)
        events("fitted")
        given.write(predict(model, given))
        versions = {name: importlib.metadata.version(name) for name in packages}
        events("predicted", versions=versions, note=note(model)[:200])
    return given


def _events() -> Callable[..., None]:
    """Keep standard output for the events, and send everything else that would go there to standard error."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(event: str, **details: Any) -> None:
        channel.write(json.dumps({"event": event, **details}) + "\n")
        channel.flush()

    return tell
