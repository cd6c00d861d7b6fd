"""How fast this service answers, beside MLServer, BentoML, MLflow and the path of 2017, in one run on two cores.

    python benchmarks/serve.py                          all cases: about ten minutes
    python benchmarks/serve.py --cases forest linear    some of them; the figures of the others stay
    python benchmarks/serve.py --report                 the tables of what has been measured, nothing more
    python benchmarks/serve.py --report --write         puts them into benchmarks/README.md and docs/scaling.md

Servers that are compared are all up at once on one core, their Redis included, and asked in turns; the client, one for
all of them, has the other core. A ratio is the median of the rounds' own ratios. Peers run from environments of their
own that are made at the first use. Figures are kept in benchmarks/serve.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

# Before NumPy is there: its threads wait for each other wherever something else runs on a core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from benchmarks.serving import alone, compared, growth, models, report  # noqa: E402  once the path is known
from benchmarks.serving.bench import Bench, Figures  # noqa: E402
from benchmarks.serving.systems import ALL, Ours  # noqa: E402

#: {case: what measures it}, in the order of the run.
CASES: dict[str, Callable[[Bench], Figures]] = {
    "forest": compared.forest,
    "linear": compared.linear,
    "series": compared.series,
    "overhead": compared.overhead,
    "start": alone.start,
    "cold": alone.cold,
    "started": alone.started,
    "workers": alone.workers,
    "training": alone.training,
    "growth": growth.growth,
}

#: Where the figures are kept.
KEPT = Path(__file__).with_suffix(".json")


def main() -> None:
    """Measure the cases asked for, keep their figures, and print the tables of all that are kept."""
    options = arguments()
    kept: dict[str, Figures] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if not options.report:
        measure(options, kept)
    print(report.tables(kept))
    if options.write:
        report.write(dict(report.sections(kept)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=[*CASES], metavar="NAME")
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "benchmarks", help="environments, models, Redis")
    parser.add_argument("--report", action="store_true", help="measure nothing, print what there is")
    parser.add_argument("--write", action="store_true", help="put the tables into the documents")
    return parser.parse_args()


def measure(options: argparse.Namespace, kept: dict[str, Figures]) -> None:
    """Run cases and keep what each has measured as soon as it ends."""
    work = options.work.resolve()
    ours = Ours(models.kept_in(work))
    try:
        for name in options.cases:
            started, busy = time.monotonic(), psutil.cpu_percent(2) / 100 * (psutil.cpu_count() or 1)
            print(f"{name} …", flush=True)
            figures = CASES[name](Bench(work, ours))
            kept[name] = {"measured": where(busy), "figures": figures}
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")
            print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    finally:
        ours.stop()


def where(busy: float) -> Figures:
    """Say where and when it was measured.

    Parameters
    ----------
    busy
        Cores that other work took just before.
    """
    libraries = ("scikit-learn", "pandas", "numpy", "tsfresh", "gunicorn")
    return {
        "date": f"{date.today()}",
        "cores": len(ALL),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in libraries},
        "busy": round(busy, 2),
    }


if __name__ == "__main__":
    main()
