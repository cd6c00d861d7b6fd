"""`python -m app check`: what of a deployment is well, doubtful or wrong, one line each, and what to change.

It tells no value of a setting but numbers: an address may hold a password.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import redis

from app import exposure
from app.errors import ArtifactMissing, ArtifactRejected, ServiceError, StoreUnavailable
from app.pipelines.processes import cores
from app.settings import Settings, misspelt, role_and_namespace
from app.store.connection import store_errors
from app.store.files import Place, file_errors
from app.store.opening import redis_of
from app.store.policy import policy
from app.store.soundness import newest, soundness

#: Mebibytes that a folder of data should have left, and that a worker takes before its training.
_LEAST_DISK, _WORKER = 1024, 400

#: Part of what is stored that should still fit: a training needs room for its input and its version.
_ROOM = 0.25

#: Seconds that the clocks of machines may differ: leases of jobs last longer.
_CLOCK = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    level: Literal["ok", "warn", "wrong"]
    setting: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:5} {self.setting}: {self.words}"


def check(settings: Settings) -> int:
    """Look at everything and print what is found; 1 where something is wrong, else 0."""
    levels = set()
    for finding in _findings(settings):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        levels.add(finding.level)
    return int("wrong" in levels)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield from _names()
    yield from _keys(settings)
    yield from _machine(settings)
    yield from _folders(settings)
    with ExitStack() as stack:
        client, secret = stack.enter_context(redis_of(settings))
        try:
            yield from _server(client, settings)
            yield from _models(client, secret)
        except StoreUnavailable:
            yield Finding("wrong", "REDIS_URL", "this Redis does not answer, or refuses this user")


def _names() -> Iterator[Finding]:
    for name, meant in misspelt():
        yield Finding("warn", name, f"is no setting; {meant} is")


def _keys(settings: Settings) -> Iterator[Finding]:
    if not settings.api_keys:
        yield Finding("ok", "API_KEYS", "none are needed: only this machine reaches the service")
    elif not any(role_and_namespace(given)[0] == "admin" for given in settings.api_keys.values()):
        yield Finding("warn", "API_KEYS", "no key has the role admin: nobody may delete a model or see all jobs")
    else:
        yield Finding("ok", "API_KEYS", f"{len(settings.api_keys)} keys")
    if not settings.on_loopback and not settings.allowed_hosts:
        yield Finding("warn", "ALLOWED_HOSTS", "not set: a request may name any host, for which links are written then")
    if settings.signing_secret is None:
        yield Finding(
            "ok", "SIGNING_SECRET", "made here, in signing.key of DATA_DIR: keep a copy of it with the exports"
        )
    else:
        yield Finding("ok", "SIGNING_SECRET", "set")


def _machine(settings: Settings) -> Iterator[Finding]:
    level: Literal["ok", "warn"] = "warn" if settings.train_workers > cores() else "ok"
    yield Finding(level, "TRAIN_WORKERS", f"{settings.train_workers} on {cores()} cores")
    needed = settings.train_workers * (settings.train_memory_mb + _WORKER)
    there = _memory() // 2**20
    level = "warn" if needed > there else "ok"
    yield Finding(level, "TRAIN_MEMORY_MB", f"trainings may take {needed} MB of the {there} MB that are here")


def _memory() -> int:
    """Return the bytes that this machine, or this container, may use."""
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    total = int(psutil.virtual_memory().total)
    return total if text == "max" else min(int(text), total)


def _folders(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        free = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        yield Finding("wrong", "DATA_DIR", f"cannot be made or looked into: {error.strerror}")
        return
    if found.st_uid != os.getuid():
        yield Finding("wrong", "DATA_DIR", "belongs to another user")
    elif stat.S_IMODE(found.st_mode) & 0o022:
        yield Finding("wrong", "DATA_DIR", "others may write into it; chmod 700")
    elif free < _LEAST_DISK:
        yield Finding("warn", "DATA_DIR", f"{free} MB are left on its disk")
    else:
        yield Finding("ok", "DATA_DIR", f"{free} MB are left on its disk")
    if settings.batch_url is not None:
        try:
            with file_errors("batch"):
                probe = Place.of(settings.batch_url.beside(f"check-{os.getpid()}"))
                with probe.write() as file:
                    file.write(b"check")
                probe.remove()
            yield Finding("ok", "BATCH_URL", "can be written to")
        except ServiceError as error:
            yield Finding("wrong", "BATCH_URL", str(error))


def _server(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    found = policy(client)
    name = f"{found.server} {'.'.join(map(str, found.version))}"
    if found.safe:
        yield Finding("ok", "REDIS_URL", name)
    else:
        yield Finding(
            "wrong", "REDIS_URL", f"{name} can be made to run code by its clients (CVE-2025-49844); update it"
        )
    yield from wire(settings)
    if found.evicts:
        yield Finding("wrong", "REDIS_URL", f"evicts models (maxmemory-policy {found.eviction}); set it to noeviction")
    elif found.evicts_results:
        yield Finding("warn", "REDIS_URL", f"evicts results (maxmemory-policy {found.eviction}); set it to noeviction")
    if not found.aof:
        yield Finding(
            "wrong", "REDIS_URL", "keeps no append-only file, and loses what was acknowledged; appendonly yes"
        )
    if not found.maxmemory and settings.redis_url is not None:
        yield Finding("warn", "REDIS_URL", "maxmemory is not set: a full machine kills it, a full Redis only refuses")
    elif found.maxmemory and found.used > found.maxmemory * (1 - _ROOM):
        yield Finding("warn", "REDIS_URL", f"{found.used // 2**20} of {found.maxmemory // 2**20} MB are used")
    ahead = abs(_clock(client) - time.time())
    level: Literal["ok", "warn"] = "warn" if ahead > _CLOCK else "ok"
    yield Finding(level, "REDIS_URL", f"its clock and this one are {ahead:.1f} s apart")


@store_errors()
def _clock(client: Any) -> float:
    seconds, micros = client.time()
    return float(seconds) + float(micros) / 1e6


def wire(settings: Settings) -> Iterator[Finding]:
    """Look at the way to Redis, of which only this machine's need neither encryption nor a password."""
    if settings.redis_url is None or (elsewhere := exposure.redis_elsewhere(settings.redis_url)) is None:
        return
    if not settings.redis_url.startswith("rediss://"):
        yield Finding("warn", "REDIS_URL", "is not encrypted (rediss://): uploads and models pass in the open")
    if not elsewhere.get("password"):
        yield Finding("wrong", "REDIS_URL", "has no password: whoever reaches this Redis reads and changes everything")


def _models(client: redis.Redis, secret: str) -> Iterator[Finding]:
    faults = soundness(client, secret)
    for fault in faults:
        yield Finding("wrong", fault.pointer.removeprefix("/"), fault.detail)
    if not faults:
        yield Finding("ok", "models", "each has its current version, its record and its artefact")
    try:
        if (opened := newest(client, secret)) is not None:
            yield Finding("ok", "SIGNING_SECRET", f"has signed the newest model, {opened}")
    except (ArtifactMissing, ArtifactRejected):
        yield Finding("wrong", "SIGNING_SECRET", "has not signed the newest model, or that is damaged or gone")
