"""`python -m app`: the service on one machine. Starts Redis, workers and web, restarts what dies, stops all.

`python -m app check` looks at a deployment, `python -m app export FILE` and `import FILE` keep and restore its models.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from app import exposure
from app.errors import ServiceError
from app.operations.archive import export_models, import_models
from app.operations.check import check
from app.settings import Settings, SettingsError, child_environment, in_memory
from app.store.embedded import Damaged, EmbeddedError, EmbeddedRedis, die_with_parent
from app.store.opening import redis_of
from app.store.policy import require_kept
from app.store.restoring import RestoreError
from app.telemetry import logs
from app.telemetry.traces import TRACES

# By the name of the project, also where this is the program.
logger = logging.getLogger("app")

#: Seconds between two looks at the processes.
_LOOK = 0.2

#: Seconds a process has to stop after a drain: the web process finishes its requests, a worker gives its training back.
_STOP = 35

#: Restarts within a minute after which a web process is given up, and the service with it. A worker is not, as models
#: go on answering without one: it is started again after a pause.
_MOST_RESTARTS = 5

#: Seconds of that pause.
_PAUSE = 10

#: What stops the service: Ctrl-C, a platform, and a terminal that is closed.
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_USAGE = """usage: python -m app               start the service
       python -m app check         look at the settings, Redis and the models in it
       python -m app export FILE   write all models into a file
       python -m app import FILE   store the models of such a file
"""


class Stopping(Exception):
    """The service was asked to stop."""


class Process:
    """A process that is started again when it dies."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], cores: set[int] | None = None
    ) -> None:
        self._name = name
        self._vital = name == "web"
        self._cores = cores
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []

    def start(self) -> None:
        """Start the process; it dies with this one."""
        self._starts.append(time.monotonic())
        # A group of its own: Ctrl-C in a terminal is for the supervisor, which stops the others in order.
        self._process = subprocess.Popen(self._command, env=self._environment, preexec_fn=self._begin, process_group=0)

    def _begin(self) -> None:
        die_with_parent()
        if sys.platform == "linux" and self._cores is not None:
            os.sched_setaffinity(0, self._cores)

    def look(self) -> bool:
        """Start the process again if it has died; False when it does so too often for the service to go on."""
        assert self._process is not None
        if self._process.poll() is None:
            return True
        now = time.monotonic()
        self._starts = [started for started in self._starts if now - started < 60]
        if len(self._starts) > _MOST_RESTARTS:
            if self._vital:
                return False
            if now - self._starts[-1] < _PAUSE:
                return True
        logger.warning("the %s process ended (%s); it is started again", self._name, self._process.returncode)
        self.start()
        return True

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for the end; after some seconds, force it."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Supervisor:
    """The service's processes, from start to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = None if settings.redis_url else EmbeddedRedis(settings.data_dir)
        self._processes: list[Process] = []
        # A fresh one: numbers of an earlier run would be added to those of this one.
        self._metrics = tempfile.TemporaryDirectory(prefix="automl-metrics-", dir=in_memory())

    def run(self) -> int:
        """Start everything and watch it until a signal; return the exit status."""
        try:
            for number in _STOPS:
                # `nohup` asks for a service that outlives its terminal.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, _stop)
            self._start()
            while all(process.look() for process in self._processes):
                if self._redis is not None:
                    self._redis.look()
                time.sleep(_LOOK)
            logger.error("the web process ends again and again; the service stops")
            return 1
        except Stopping:
            return 0
        finally:
            for number in _STOPS:
                signal.signal(number, signal.SIG_IGN)
            self._stop()

    def _start(self) -> None:
        changes = {"PROMETHEUS_MULTIPROC_DIR": self._metrics.name}
        if self._settings.batch_url is None:
            # Web and workers are on one machine, so a folder of it is shared.
            changes["BATCH_URL"] = str(self._settings.data_dir / "batch")
        if self._redis is not None:
            self._redis.start()
            changes["REDIS_URL"] = self._redis.url
        if self._settings.redis_url is not None:
            require_kept(self._settings.redis_url)
        environment = child_environment(**changes)
        worker = [sys.executable, "-m", "app.jobs.worker"]
        web = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"]
        shares = _shares(self._settings.train_workers)
        self._processes = [Process("worker", worker, environment, share) for share in shares]
        self._processes.append(Process("web", web, environment))
        for process in self._processes:
            process.start()

    def _stop(self) -> None:
        for process in self._processes:
            process.ask_to_stop()
        for process in self._processes:
            process.wait(_STOP + self._settings.drain_seconds)
        if self._redis is not None:
            self._redis.stop()
        self._metrics.cleanup()


def _shares(n_workers: int) -> list[set[int]] | list[None]:
    """Deal the cores out to workers: the threads of two that want the same ones take many times as long to wait.

    Where the kernel is not Linux a process cannot be held to some cores, and each worker has all of them: None.
    """
    if sys.platform != "linux":
        return [None] * n_workers
    ordered = sorted(os.sched_getaffinity(0))
    return [set(ordered[number::n_workers]) or {ordered[number % len(ordered)]} for number in range(n_workers)]


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopping


def serve(settings: Settings) -> int:
    """Run the service until Ctrl-C or SIGTERM."""
    TRACES.start(settings, "automl")
    logger.info("AutoML service on http://%s (Ctrl-C stops it)", settings.address)
    return Supervisor(settings).run()


def main(words: list[str]) -> int:
    """Do what the words say, which `_USAGE` tells.

    Returns
    -------
    0; 1 where something is wrong; 2 for wrong settings or words; 3 where the embedded server cannot read its files.
    """
    exposure.forbid_dumps()
    try:
        settings = Settings.from_environment()
        logs.start(settings.log_level)
        match words:
            case []:
                return serve(settings)
            case ["check"]:
                return check(settings)
            case ["export", file]:
                for number in _STOPS:
                    # What has been written by then is removed.
                    signal.signal(number, lambda number, _: sys.exit(128 + number))
                with redis_of(settings) as (client, secret):
                    return export_models(client, secret, Path(file))
            case ["import", file]:
                with redis_of(settings) as (client, secret):
                    return import_models(client, secret, Path(file))
        sys.stderr.write(_USAGE)
        return 2
    except Damaged as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except (SettingsError, EmbeddedError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (ServiceError, RestoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
