"""How good what comes out is: this service's portfolio beside TPOT, FLAML, AutoGluon and plain defaults.

    python benchmarks/quality.py                          everything: 10 data sets, 3 seeds, 60 s on 2 cores
    python benchmarks/quality.py --data Hdma --seeds 0 --seconds 10
    python benchmarks/quality.py --report                 the tables of what has been run, nothing more

Every system gets the same training rows, the same test rows without labels, the same time and the same cores, one run
after another; what does not install together has environments of its own. The data sets lie inside packages and are
split before anything is trained. Only this script sees the labels of the test rows. What has been run is kept in a file
of JSON lines, so that a benchmark that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from sklearn.metrics import r2_score, roc_auc_score

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
sys.path.insert(0, str(ROOT))

from benchmarks.standings import OURS, Result, Standings, describe, verdicts  # noqa: E402  found in the root

#: System → environment ("own" is the one that runs this script), runner, further arguments of the runner.
SYSTEMS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    OURS: ("own", "run_service.py", ()),
    "TPOT": ("own", "run_tpot.py", ()),
    "FLAML": ("flaml", "run_flaml.py", ()),
    "AutoGluon": ("autogluon", "run_autogluon.py", ()),
    "AutoGluon best": ("autogluon", "run_autogluon.py", ("best_quality",)),
    "scikit-learn": ("own", "run_defaults.py", ()),
    "LightGBM": ("own", "run_lightgbm.py", ()),
}

#: In the order of the tables.
DATA = ("anes96", "Chile", "Hdma", "digits", "SLID", "flchain", "diamonds")
SERIES = ("ItalyPowerDemand", "OSULeaf", "JapaneseVowels")

#: Seconds beyond four times the budget after which a run is ended: starts, imports, prediction and a last refit.
PATIENCE = 600

#: Seconds that a runner has to stop what it has started.
STOP = 60

#: Seconds over which it is measured how busy the machine is, and the cores from which on that spoils a comparison: a
#: search in wall time finds less beside other work, by chance more for one system than for another.
LOOK, BUSY = 3.0, 0.2

#: Libraries that make threads of their own look at these.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


def main() -> None:
    """Make the environments and the data, run what has not been run, and print the tables."""
    options = arguments()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    kept = options.results or work / "results.jsonl"
    if not options.report:
        pythons = {"own": sys.executable} | dict(options.python)
        for name in {"data"} | {SYSTEMS[system][0] for system in options.systems}:
            if name not in pythons:
                pythons[name] = environment(work, name)
        prepare(pythons["data"], work / "sets", options.seeds)
        run_all(options, work, kept, pythons)
    print(report(options, work, read(kept, options)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", choices=DATA + SERIES, default=[*DATA, *SERIES], metavar="NAME")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=[*SYSTEMS], metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--seconds", type=int, default=60, help="wall time of a fit")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "benchmarks", help="environments, data, runs")
    parser.add_argument("--results", type=Path, help="file of JSON lines; without it one beside the environments")
    parser.add_argument("--retry", action="store_true", help="run once more what failed")
    parser.add_argument("--report", action="store_true", help="run nothing, print what there is")
    parser.add_argument(
        "--python",
        nargs="+",
        type=lambda text: tuple(text.split("=", 1)),
        default=[],
        metavar="NAME=PATH",
        help="interpreters of environments that are there already: data, flaml, autogluon",
    )
    return parser.parse_args()


def environment(work: Path, name: str) -> str:
    """Return the interpreter of a peer's environment, which is made of its requirements at the first use."""
    requirements = PEERS / f"{name}-requirements.txt"
    folder = work / "environments" / name
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    log(f"making the environment of {name}")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    subprocess.run([*install, "--quiet", "-r", requirements], check=True)
    stamp.write_text(wanted)
    return str(python)


def prepare(python: str, sets: Path, seeds: Sequence[int]) -> None:
    """Write and split the data sets, unless they are there."""
    missing = [str(seed) for seed in seeds if not (sets / f".{seed}").exists()]
    if not missing:
        return
    log("writing the data sets")
    sets.mkdir(exist_ok=True)
    # Some packages of data make a folder in the home folder when they are imported.
    subprocess.run([python, PEERS / "prepare.py", sets, *missing], check=True, env=os.environ | {"HOME": str(sets)})
    for seed in missing:
        (sets / f".{seed}").touch()


def run_all(options: argparse.Namespace, work: Path, kept: Path, pythons: dict[str, str]) -> None:
    """Run what has not been run: seed by seed, so that what is broken off can be read."""
    wanted = [(data, system, seed) for seed in options.seeds for data in options.data for system in options.systems]
    done = {(one.data, one.system, one.seed): one for one in read(kept, options)}
    to_do = [key for key in wanted if key not in done or (options.retry and done[key].score is None)]
    for number, (data, system, seed) in enumerate(to_do, 1):
        environment_name, runner, further = SYSTEMS[system]
        folder = work / "runs" / f"{data}-{seed}-{options.seconds}-{system.replace(' ', '-')}"
        copy(work / "sets" / data / str(seed), folder)
        busy = psutil.cpu_percent(LOOK) / 100 * (psutil.cpu_count() or 1)
        budget = [str(options.seconds), str(options.cores), str(seed)]
        command = [pythons[environment_name], str(PEERS / runner), str(folder), *budget, *further]
        events, failure = timed(command, folder, options.cores, 4 * options.seconds + PATIENCE)
        answers = pd.read_parquet(work / "sets" / data / f"answers-{seed}.parquet")["target"]
        key = {
            "data": data,
            "system": system,
            "seed": seed,
            "seconds": options.seconds,
            "cores": options.cores,
            "busy": busy,
        }
        result = scored(folder, answers, events, failure, **key)
        with kept.open("a") as lines:
            lines.write(json.dumps(asdict(result)) + "\n")
        told = f"{result.score:.4f} in {result.fit_seconds:.1f} s" if result.score is not None else result.failure
        log(f"[{number}/{len(to_do)}] {data}, seed {seed}, {system}: {told}")


def copy(source: Path, folder: Path) -> None:
    """Give a runner a folder of its own, without the labels of the test rows."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)


def timed(command: list[str], folder: Path, cores: int, patience: float) -> tuple[dict[str, Any], str]:
    """Run a runner to its end and return its events, each with the time it came, and why it failed."""
    allowed = set(sorted(os.sched_getaffinity(0))[:cores])
    limits = dict.fromkeys(THREADS, str(cores))
    events: dict[str, Any] = {}
    with (folder / "log.txt").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | limits,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )
        late = threading.Event()
        timer = threading.Timer(patience, lambda: (late.set(), end(process)))
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line)
                events[event.pop("event")] = {"at": time.perf_counter(), **event}
                # Processes that a library has forked and left may hold the pipe open for ever.
                if "predicted" in events:
                    break
            process.wait()
        finally:
            timer.cancel()
            # What a runner leaves behind would take time from the next one.
            end(process)
    if late.is_set():
        return events, f"did not end within {patience:.0f} s"
    return events, "" if process.returncode == 0 else last_words(folder / "log.txt")


def end(process: subprocess.Popen[str]) -> None:
    """Ask a runner to stop, then end whatever is left of its group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_words(path: Path) -> str:
    """Return the last line of a log that says something."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "ended without a word"


def scored(folder: Path, answers: pd.Series, events: dict[str, Any], failure: str, **key: Any) -> Result:
    """Score the predictions of a run, and of the single models beside it if there are any."""
    description = json.loads((folder / "description.json").read_text())
    times = {name: event["at"] for name, event in events.items()}
    told = events.get("predicted", {})
    score, singles = None, {}
    if "predicted" in events:
        try:
            score = score_of(folder / "predictions.parquet", answers, description)
            singles = {
                path.stem.removeprefix("single_"): score_of(path, answers, description)
                for path in sorted(folder.glob("single_*.parquet"))
            }
            failure = ""
        except ValueError as error:
            failure = str(error)
    return Result(
        **key,
        score=score,
        fit_seconds=times["fitted"] - times["ready"] if "fitted" in times else None,
        predict_seconds=times["predicted"] - times["fitted"] if "predicted" in times else None,
        failure=failure,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        note=told.get("note", ""),
        versions=told.get("versions", {}),
        singles=singles,
    )


def score_of(path: Path, answers: pd.Series, description: dict[str, Any]) -> float:
    """Score a file of predictions: roc_auc (of many classes one against the rest, weighted), or r2.

    Raises
    ------
    ValueError
        There is not one finite prediction for each row and class.
    """
    predicted = pd.read_parquet(path)
    classes = description["classes"]
    names = classes or ["value"]
    if len(predicted) != len(answers) or not set(names) <= set(predicted.columns):
        raise ValueError("the predictions have other rows or columns than were asked for")
    values = predicted[names].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("some predictions are missing or infinite")
    if classes is None:
        return float(r2_score(answers, values[:, 0]))
    if len(classes) == 2:
        return float(roc_auc_score(answers == classes[1], values[:, 1]))
    # Of four bytes each they add up to 1 less exactly than is asked for.
    values = values / values.sum(axis=1, keepdims=True)
    return float(roc_auc_score(answers, values, labels=classes, multi_class="ovr", average="weighted"))


def read(kept: Path, options: argparse.Namespace) -> list[Result]:
    """Return what has been run with this budget; of runs that were repeated, the last."""
    if not kept.exists():
        return []
    results = [Result(**json.loads(line)) for line in kept.read_text().splitlines()]
    same = [one for one in results if (one.seconds, one.cores) == (options.seconds, options.cores)]
    return list({(one.data, one.system, one.seed): one for one in same}.values())


def report(options: argparse.Namespace, work: Path, results: list[Result]) -> str:
    """Return everything there is to say, in Markdown."""
    standings = Standings([one for one in results if one.seed in options.seeds], options.systems, options.data)
    missing = len(options.data) * len(options.seeds) - len(standings.splits)
    if not standings.splits:
        return f"Nothing to print: none of {missing} split(s) has been run by all of {', '.join(options.systems)}."
    parts = [
        machine(options, standings),
        standings.table(),
        "\n".join(verdicts(standings, options.seconds)),
        "\n".join(["Failed runs:", "", *standings.failures()]) if standings.failures() else "No run failed.",
        describe([description(work, name, options.seeds[0]) for name in standings.data]),
    ]
    if missing:
        parts.insert(0, f"Not complete: {missing} split(s) have not been run by all systems and are left out.")
    return "\n\n".join(parts)


def machine(options: argparse.Namespace, standings: Standings) -> str:
    """Say where, when and with which versions it was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    runs = [one for found in standings.splits.values() for one in found]
    versions = {one.system: ", ".join(map(" ".join, one.versions.items())) for one in runs if one.versions}
    dates = sorted({one.date for one in runs})
    when = " to ".join(dict.fromkeys([*dates[:1], *dates[-1:]]))
    beside = sum(one.busy > BUSY for one in runs)
    seeds = len({seed for _, seed in standings.splits})
    quiet = (
        f"**{beside} of {len(runs)} runs began beside other work: compare nothing.**" if beside else "Machine quiet."
    )
    return (
        f"{options.cores} cores, {memory:.0f} GiB, Python {platform.python_version()}, {when}; "
        f"{options.seconds} s a fit, {seeds} seed(s), {len(standings.data)} data set(s). {quiet} "
        f"{'; '.join(f'{system}: {told}' for system, told in versions.items())}."
    )


def description(work: Path, name: str, seed: int) -> dict[str, Any]:
    """Return the description of a data set."""
    found: dict[str, Any] = json.loads((work / "sets" / name / str(seed) / "description.json").read_text())
    return found


def log(words: str) -> None:
    """Say on standard error what is going on; standard output is the report's."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
