"""How the service bears load: at the rates that are required of it, at four times what it can do, and for long.

    python benchmarks/load.py steady              each model at its rate, and at four fifths of what it can do
    python benchmarks/load.py overload            four times what it can do for a minute, and what comes after
    python benchmarks/load.py soak --minutes 30   half of what it can do, with trainings beside it, and what grows
    python benchmarks/load.py smoke               half a minute: whether half of what is required is reached, for CI
    python benchmarks/load.py report --write      puts the tables of what has been measured into benchmarks/README.md

Figures are kept in benchmarks/load.json, but for those of smoke. The exit status is 1 where a requirement is not met.
Everything is on 127.0.0.1; the clients share the two cores with what they ask.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

# Before NumPy is there: its threads wait for each other wherever something else runs on a core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from benchmarks.serve import where  # noqa: E402  once the path is known
from benchmarks.serving import load_report, models, report, soak, steady  # noqa: E402
from benchmarks.serving.bench import Figures  # noqa: E402
from benchmarks.serving.systems import Ours  # noqa: E402

#: Where the figures are kept.
KEPT = Path(__file__).with_suffix(".json")

#: Seconds at each rate when only half of what is required has to be reached.
SMOKE = 5.0


def main() -> int:
    """Measure what is asked for, print its tables, and return the exit status."""
    options = arguments()
    kept: dict[str, Figures] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if options.what == "report":
        print(load_report.tables(kept))
        if options.write:
            report.write({"load": load_report.tables(kept)})
        return 0
    busy = psutil.cpu_percent(2) / 100 * (psutil.cpu_count() or 1)
    measured: dict[str, Figures] = {options.what: {"figures": measure(options), "measured": where(busy)}}
    print(load_report.tables(measured))
    if options.what != "smoke":
        KEPT.write_text(json.dumps(kept | measured, indent=1) + "\n")
    return int(not all(goal.met(measured) for goal in load_report.GOALS if goal.case == options.what))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["steady", "overload", "soak", "smoke", "report"])
    parser.add_argument("--minutes", type=float, default=30, help="of soak")
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "benchmarks", help="environments, models, Redis")
    parser.add_argument("--write", action="store_true", help="of report: put the tables into benchmarks/README.md")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> Figures:
    """Start the service on a Redis of its own and measure."""
    work, started = options.work.resolve(), time.monotonic()
    ours = Ours(models.kept_in(work))
    try:
        if options.what == "soak":
            return soak.soak(ours, work, options.minutes)
        if options.what == "overload":
            return steady.overload(ours)
        return steady.steady(ours, SMOKE) if options.what == "smoke" else steady.steady(ours)
    finally:
        ours.stop()
        print(f"{options.what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
