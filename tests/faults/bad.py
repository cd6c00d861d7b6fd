"""`python -m tests.faults.bad <kind>`: a worker whose trainings do what no upload can make them do.

What they do replaces the training before the first fork, so that all around it is as in production.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from app.jobs import worker
from app.pipelines import run
from app.pipelines.processes import Child


def spin(*args: Any) -> NoReturn:
    """Compute for ever in Python."""
    while True:
        pass


def native(*args: Any) -> NoReturn:
    """Compute for ever in native code, which hears no signal."""
    import numpy as np
    from sklearn.svm import SVC

    generator = np.random.default_rng(0)
    while True:
        SVC(C=1e9, gamma=1e3, tol=1e-12, max_iter=-1).fit(
            generator.random((20_000, 20)), generator.random(20_000) > 0.5
        )


def eat(*args: Any) -> NoReturn:
    """Take memory, a hundred mebibytes at a time."""
    taken = []
    while True:
        taken.append(bytearray(os.urandom(2**20) * 100))
        time.sleep(0.05)


def burst(*args: Any) -> NoReturn:
    """Take a hundred gibibytes at once."""
    bytes(100 * 2**30)
    raise AssertionError("there was room")


def grandchildren(*args: Any) -> NoReturn:
    """Start processes that leave this one's group, session and sight, and note which."""
    daemon = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(1000)"
    subprocess.Popen(["sleep", "1000"], start_new_session=True)  # noqa: S607
    subprocess.run([sys.executable, "-c", daemon], check=True)
    Child(subprocess.run, ["sleep", "1000"], seconds=1000.0)
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(max_workers=2).map(time.sleep, [1000, 1000])
    spin()


def poison(*args: Any) -> NoReturn:
    """Kill the worker, and this process with it."""
    os.kill(os.getppid(), signal.SIGKILL)
    spin()


def tell(*args: Any) -> NoReturn:
    """Write what this process knows and may, and end."""
    limits = Path("/proc/self/limits").read_text()
    child = subprocess.run(["env"], check=True, capture_output=True, text=True)  # noqa: S607
    score = Path("/proc/self/oom_score_adj").read_text()
    Path(os.environ["TOLD"]).write_text(f"{limits}\n{child.stdout}\noom_score_adj {score}")
    raise MemoryError


KINDS = {one.__name__: one for one in (spin, native, eat, burst, grandchildren, poison, tell)}

if __name__ == "__main__":
    run.train = KINDS[sys.argv[1]]
    sys.exit(worker.main())
