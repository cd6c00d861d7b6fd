"""tsfresh on a real Dask cluster of two workers, over TCP."""

import os
import signal
import threading
import time

import pandas as pd
import pytest

from app.errors import Unavailable
from app.pipelines.tsfresh import SeriesFeatures
from app.pipelines.tsfresh.distribute import distributor
from tests.pipelines.series import fitted, series, silent, wanted

#: What array operations compute, and what is left to tsfresh: wavelets that wide.
PARTS = {"mean": None, "number_cwt_peaks": [{"n": 30}]}

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask, about the machine it runs on


@pytest.fixture(scope="module")
def cluster():
    """Start a scheduler and two worker processes."""
    from distributed import LocalCluster

    # The port of the dashboard may be taken.
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", protocol="tcp", dashboard_address=None
    ) as started:
        yield started


def test_without_an_address_nothing_is_distributed():
    with distributor(None) as found:
        assert found is None


def test_features_of_a_cluster_are_those_of_this_process(cluster, monkeypatch):
    monkeypatch.setattr("app.pipelines.tsfresh.extract._CLUSTER_CHUNK", 4)
    frame, reports = series(), []
    with distributor(cluster.scheduler_address) as found:
        _, rows = SeriesFeatures.fit(frame, wanted(PARTS), lambda *args: reports.append(args), distributor=found)
    assert reports == [("features", 0), ("features", 4 / 6)]
    pd.testing.assert_frame_equal(rows, fitted(frame, PARTS)[1], check_exact=True)


def test_a_lost_worker_costs_its_tasks_only(cluster):
    slow = {"number_cwt_peaks": [{"n": n} for n in range(30, 36)]}
    frame = series(range(1, 21), 400)
    _, expected = fitted(frame, slow)
    victim = next(iter(cluster.workers.values())).pid
    with distributor(cluster.scheduler_address) as found:
        killer = threading.Thread(target=_kill_when_busy, args=(cluster, victim))
        killer.start()
        _, rows = SeriesFeatures.fit(frame, wanted(slow), silent, distributor=found)
        killer.join()
    assert victim not in [worker.pid for worker in cluster.workers.values()]
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)


def _kill_when_busy(cluster, pid):
    while not any(worker.processing for worker in cluster.scheduler.workers.values()):
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


def test_a_scheduler_that_does_not_answer_is_said_to(monkeypatch):
    monkeypatch.setattr("app.pipelines.tsfresh.distribute._CONNECT", 1)
    with pytest.raises(Unavailable), distributor("tcp://127.0.0.1:9"):
        pass
