"""tsfresh's work spread over a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tsfresh.utilities.distribution import ClusterDaskDistributor, DistributorBaseClass

from app.errors import TrainingFailed, Unavailable

#: Seconds that a scheduler has to answer.
_CONNECT = 10

#: Tasks a worker of a chunk of series: a lost worker costs one of them, and slow ones are evened out.
_TASKS = 5


class ClusterDistributor(ClusterDaskDistributor):  # type: ignore[misc]  # tsfresh has no types
    """tsfresh's own, to be used for one chunk of series after another, whatever the number of workers.

    Workers need tsfresh, and nothing of this service. Dask repeats the tasks of a worker that it loses.
    """

    def __init__(self, address: str) -> None:
        """Connect.

        Raises
        ------
        Unavailable
            The scheduler does not answer.
        """
        from distributed import Client

        try:
            # Not the default client of the process: somebody else's Dask work must not come here.
            connect: Any = Client
            self.client: Any = connect(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Unavailable("The Dask scheduler does not answer.") from error

    def calculate_best_chunk_size(self, data_length: int) -> int:
        """Return the number of series a task; tsfresh's own fails where there is no worker yet."""
        workers = max(1, len(self.client.nthreads()))
        return max(1, -(-data_length // (workers * _TASKS)))

    def distribute(self, func: Any, partitioned_chunks: Iterable[Any], kwargs: dict[str, Any]) -> list[Any]:
        """Compute the chunks on the cluster, each result in its place.

        Raises
        ------
        TrainingFailed
            The same chunk lost several workers: they have too little memory for it, most likely.
        Unavailable
            The scheduler is gone, or its workers have no tsfresh.
        """
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        chunks = list(partitioned_chunks)
        try:
            # Impure: the same values may come again, and a result that Dask still remembers would be taken for them.
            futures = self.client.map(partial(func, **kwargs), chunks, pure=False)
            return [result for results in self.client.gather(futures) for result in results]
        except KilledWorker as error:
            raise TrainingFailed("The Dask workers died of these series, again and again.") from error
        except (OSError, FutureCancelledError) as error:
            raise Unavailable("The Dask scheduler does not answer any more.") from error
        except ImportError as error:
            raise Unavailable("The Dask workers do not have the tsfresh of this service.") from error

    def close(self) -> None:
        """Stay connected: tsfresh closes after every extraction."""


@contextmanager
def distributor(address: str | None) -> Iterator[DistributorBaseClass | None]:
    """Return what tsfresh's `distributor` takes for the cluster of a scheduler; None for no address.

    Raises
    ------
    Unavailable
    """
    if address is None:
        yield None
        return
    cluster = ClusterDistributor(address)
    try:
        yield cluster
    finally:
        cluster.client.close()
