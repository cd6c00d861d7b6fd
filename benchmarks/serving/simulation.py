"""A simulation of the service, event by event: web processes, their threads and locks, Redis, models and clients.

A request takes a thread of its process, then the interpreter's lock and a core for half of its time, a look at Redis,
and the lock and a core again. A process that has not the current version of a model reads it from Redis and loads it,
once, while its other threads wait for the lock. Redis does one thing at a time. What a process does is cut into slices,
as a kernel would, so that what is short need not wait for what is long.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

#: Seconds after which a core, or Redis, turns to who waits for it.
SLICE = 0.001

Events = Iterator[Any]


@dataclass(frozen=True)
class Costs:
    """What is measured: seconds.

    Attributes
    ----------
    web, redis, client
        Time of a core that a prediction takes of a web process, of Redis and of the client.
    pause
        Time of a prediction in which nobody works for it: processes are woken up.
    beside
        Factor of the web process's time where others work beside it: what they share is more than cores.
    read, load
        Time of Redis to give an artefact, and of a web process to verify and load it.
    """

    web: float
    redis: float
    client: float
    pause: float = 0.0
    beside: float = 1.0
    read: float = 0.0
    load: float = 0.0


@dataclass(frozen=True)
class Setup:
    """What is simulated.

    Attributes
    ----------
    clients
        Connections, each of which asks again when it has its answer; with `arrivals` they are not looked at.
    cores
        Cores that all processes share, the clients' too; None for one core each.
    arrivals
        Requests a second that come by chance (Poisson), whoever has been answered; None for `clients`.
    readable
        Redis servers that are read from: the first and its replicas.
    models
        Models that are asked for alike.
    warm
        Whether every process has loaded every model at the begin.
    publications
        Moments in seconds at which a new version of the first model becomes current.
    seconds, unseen
        Time that is simulated, and how much of its begin is not counted.
    """

    processes: int
    clients: int = 8
    threads: int = 8
    cores: int | None = None
    arrivals: float | None = None
    readable: int = 1
    models: int = 1
    warm: bool = True
    publications: Sequence[float] = ()
    seconds: float = 1.0
    unseen: float = 0.0
    seed: int = 0


@dataclass
class Outcome:
    """What came of it.

    Attributes
    ----------
    latencies
        Seconds of each counted request, from when its client began to send it.
    ended
        When each of them was answered.
    present
        Mean number of requests that were under way.
    loads, last_load
        Models that were loaded, and the second in which the last was.
    busy
        {web, redis: share of the time of all such processes in which they worked}.
    """

    seconds: float
    latencies: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    present: float = 0.0
    loads: int = 0
    last_load: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.latencies)

    def late(self, share: float = 0.99) -> float:
        """Return the seconds within which a share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class _Web:
    """A web process: its threads, the interpreter's lock, and the version of each model that it has loaded."""

    threads: simpy.Resource
    lock: simpy.Resource
    loading: simpy.Resource
    loaded: dict[int, int]


class Simulation:
    """One run of a setup with measured costs."""

    def __init__(self, setup: Setup, costs: Costs) -> None:
        self._setup, self._costs = setup, costs
        self._env = simpy.Environment()
        self._random = random.Random(setup.seed)  # noqa: S311  chance, not secrets
        self._cores = simpy.PriorityResource(self._env, setup.cores) if setup.cores else None
        self._client = simpy.Resource(self._env, 1)
        self._redis = [simpy.Resource(self._env, 1) for _ in range(setup.readable)]
        self._webs = [self._web() for _ in range(setup.processes)]
        self._current = dict.fromkeys(range(setup.models), 1)
        self._worked = {"web": 0.0, "redis": 0.0}
        self._area, self._since, self._present = 0.0, 0.0, 0
        self._outcome = Outcome(setup.seconds - setup.unseen)

    def _web(self) -> _Web:
        def one(capacity: int) -> simpy.Resource:
            return simpy.Resource(self._env, capacity)

        models = range(self._setup.models)
        return _Web(one(self._setup.threads), one(1), one(1), dict.fromkeys(models, int(self._setup.warm)))

    def run(self) -> Outcome:
        """Simulate, and return what was counted."""
        setup = self._setup
        if setup.arrivals is None:
            for number in range(setup.clients):
                self._env.process(self._connection(self._webs[number % setup.processes]))
        else:
            self._env.process(self._crowd(setup.arrivals))
        for moment in setup.publications:
            self._env.process(self._publication(moment))
        if setup.unseen:
            self._env.run(setup.unseen)
            self._worked = dict.fromkeys(self._worked, 0.0)
            self._under_way(0)
            self._area = 0.0
        self._env.run(setup.seconds)
        self._under_way(0)
        outcome, counted = self._outcome, setup.seconds - setup.unseen
        outcome.present = self._area / counted
        parts = {"web": setup.processes, "redis": setup.readable}
        outcome.busy = {name: self._worked[name] / counted / parts[name] for name in parts}
        return outcome

    def _connection(self, web: _Web) -> Events:
        """A client that asks again when it is answered."""
        for number in itertools.count():
            yield from self._request(web, number % self._setup.models)

    def _crowd(self, rate: float) -> Events:
        """Clients that come by chance; each takes the next process, as behind a load balancer."""
        for web in itertools.cycle(self._webs):
            yield self._env.timeout(self._random.expovariate(rate))
            self._env.process(self._request(web, self._random.randrange(self._setup.models)))

    def _publication(self, moment: float) -> Events:
        yield self._env.timeout(moment)
        self._current[0] += 1

    def _request(self, web: _Web, model: int) -> Events:
        began, costs = self._env.now, self._costs
        takes = costs.web * (costs.beside if self._setup.processes > 1 else 1)
        self._under_way(1)
        # With a crowd each client has a machine of its own.
        if self._setup.arrivals is None:
            yield from self._work(self._client, costs.client, None, urgent=True)
        yield self._env.timeout(costs.pause)
        with web.threads.request() as thread:
            yield thread
            yield from self._work(web.lock, takes / 2, "web")
            yield from self._read(costs.redis)
            if web.loaded[model] < self._current[model]:
                yield from self._load(web, model)
            yield from self._work(web.lock, takes / 2, "web")
        self._under_way(-1)
        if self._env.now >= self._setup.unseen:
            self._outcome.latencies.append(self._env.now - began)
            self._outcome.ended.append(self._env.now)

    def _under_way(self, change: int) -> None:
        """Count requests that are under way, over time."""
        self._area += self._present * (self._env.now - self._since)
        self._since = self._env.now
        self._present += change

    def _load(self, web: _Web, model: int) -> Events:
        """Read and load the current version, unless another thread has meanwhile."""
        with web.loading.request() as turn:
            yield turn
            wanted = self._current[model]
            if web.loaded[model] >= wanted:
                return
            yield from self._read(self._costs.read)
            yield from self._work(web.lock, self._costs.load, "web")
            web.loaded[model] = wanted
            self._outcome.loads += 1
            self._outcome.last_load = self._env.now

    def _read(self, seconds: float) -> Events:
        """Ask one of the servers of Redis; what is long lets others in between."""
        server = self._redis[self._random.randrange(len(self._redis))]
        while seconds > 0:
            now = min(seconds, SLICE)
            yield from self._work(server, now, "redis", urgent=True)
            seconds -= now

    def _work(self, lock: simpy.Resource, seconds: float, who: str | None, urgent: bool = False) -> Events:
        """Hold a lock, and a core slice by slice; what sleeps much and works little comes first."""
        with lock.request() as held:
            yield held
            while seconds > 0:
                now = min(seconds, SLICE)
                if self._cores is None:
                    yield self._env.timeout(now)
                else:
                    with self._cores.request(priority=0 if urgent else 1) as core:
                        yield core
                        yield self._env.timeout(now)
                if who is not None:
                    self._worked[who] += now
                seconds -= now


def simulate(setup: Setup, costs: Costs) -> Outcome:
    """Run one setup."""
    return Simulation(setup, costs).run()
