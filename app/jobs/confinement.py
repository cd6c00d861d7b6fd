"""What keeps a job's processes from harming others: what they may take, what they know, and that they end."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from app.jobs.job import Job, JobKind
from app.store.embedded import die_with_parent

#: Added to the niceness of jobs, so that the web processes beside them are served first.
_NICE = 10

#: What a job's process has no need of: its settings were read before it began.
_SECRETS = ("SIGNING_SECRET", "API_KEYS", "REDIS_URL", "VCAP_SERVICES", "OIDC_CLIENT_SECRET")

#: Bytes that a process may write to one file; results of batch predictions have no limit but their disk's.
_FILE = 2**30

#: Files that a process may have open.
_FILES = 1024

#: Bytes of memory beyond twice the limit of a job that one process of it may ask for. The watch over what is really
#: used looks once a second, in which a burst could take all that a machine has; this ends the burst at once. It is
#: wide, as libraries ask for more than they touch.
_BEYOND = 2**30

#: Seconds of every core beyond its limit after which the kernel ends a job's process, should its worker not.
_BEYOND_SECONDS = 60

#: Linux: the number of prctl's "give me the children that my children leave behind".
_PR_SET_CHILD_SUBREAPER = 36


def confine(job: Job) -> None:
    """Confine this process, and all that it starts, to what a job may do."""
    die_with_parent(signal.SIGKILL)
    os.nice(_NICE)
    for name in _SECRETS:
        os.environ.pop(name, None)
    # When memory runs out, the kernel ends jobs before it ends what serves.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _FILES)
    _lower(resource.RLIMIT_CPU, int(job.seconds + _BEYOND_SECONDS) * (os.cpu_count() or 1))
    if job.kind is not JobKind.BATCH:
        _lower(resource.RLIMIT_FSIZE, _FILE)
    if sys.platform == "linux":
        # Not the address space: of what torch and onnxruntime map, most is never touched.
        _lower(resource.RLIMIT_DATA, psutil.Process().memory_info().data + 2 * job.memory_mb * 2**20 + _BEYOND)


def _lower(limit: int, most: int) -> None:
    _, hard = resource.getrlimit(limit)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def adopt_orphans() -> None:
    """Become the parent of what the children of this process leave behind, so that it can be found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """End all that jobs have started and left behind, in whatever group or session it is."""
    # What is killed while it forks leaves a child that was not in the list.
    while found := psutil.Process().children(recursive=True):
        for one in found:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(found, timeout=1)


def pss(process: psutil.Process) -> int:
    """Return a process's share of memory in bytes: a page of several processes counts once in all of them."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
