"""Work in forked processes: what comes back, and that nothing of it is left when it ends or is ended."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app.errors import EngineMissing, Fault, InvalidData, TrainingFailed
from app.pipelines.processes import Child, ChildDied, ChildFailed, stream
from tests.faults.parts import until

#: Seconds that ending a child may take beyond its limit; it takes none of them.
SLACK = 10.0

#: Seconds within which a killed process is gone.
GONE = 10.0


def count(most):
    yield from range(most)


def sleep_for_ever(folder):
    (folder / "pid").write_text(str(os.getpid()))
    yield "begun"
    time.sleep(1000)


def multiply_for_ever():
    yield "begun"
    matrix = np.eye(1500)
    while True:
        matrix = matrix @ matrix


def fit_for_ever():
    """One call of native code that takes far longer than the tests."""
    from sklearn.svm import SVC

    yield "begun"
    generator = np.random.default_rng(0)
    X = generator.normal(size=(40_000, 60))
    SVC(C=1e6, cache_size=1).fit(X, generator.integers(0, 2, 40_000))


def alive(pid):
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid):
    until(lambda: not alive(pid), f"the end of {pid}", GONE)


def pid_in(path):
    return int(until(lambda: path.exists() and path.read_text(), "the process begins", GONE))


def test_what_a_child_yields_comes_in_its_order():
    assert list(stream(count, 1000, seconds=30)) == list(range(1000))


def test_a_child_sees_what_its_parent_has_and_changes_nothing_of_it():
    here = np.zeros(3)

    def change():
        here[:] = 7
        yield here.sum()

    assert list(stream(change, seconds=30)) == [21.0]
    assert here.tolist() == [0.0, 0.0, 0.0]


def test_an_item_larger_than_any_pipe_comes_whole():
    def large():
        yield np.arange(5_000_000)

    (found,) = stream(large, seconds=30)
    assert found[-1] == 4_999_999


@pytest.mark.parametrize(
    "error",
    [
        InvalidData("The rows do not fit.", [Fault("/raw_data/a", "is missing")]),
        TrainingFailed("SVC could not be trained."),
        EngineMissing("TPOT", "tpot"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_service_comes_through_with_its_faults(error):
    def fail():
        yield 1
        raise error

    received = []
    with pytest.raises(type(error)) as raised:
        received.extend(stream(fail, seconds=30))
    assert raised.value.as_problem() == error.as_problem()


def test_another_error_comes_as_words_without_paths():
    def fail():
        yield 1
        raise OSError(2, "cannot open", "/home/someone/secret.txt")

    with pytest.raises(ChildFailed) as raised:
        list(stream(fail, seconds=30))
    assert str(raised.value).startswith("FileNotFoundError: [Errno 2] cannot open")
    assert "home" not in str(raised.value)


def test_what_cannot_be_sent_is_an_error_and_not_an_end():
    def unsendable():
        yield lambda: 1

    with pytest.raises(ChildFailed, match=r"[Pp]ickle"):
        list(stream(unsendable, seconds=30))


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_child_that_is_killed_has_died(by):
    def die():
        yield 1
        # Nobody is to read how it died.
        faulthandler.disable()
        os.kill(os.getpid(), by)
        time.sleep(1000)

    received = []
    with pytest.raises(ChildDied):
        received.extend(stream(die, seconds=60))


def test_a_child_that_leaves_has_died():
    def leave():
        yield 1
        sys.exit(3)

    with pytest.raises(ChildDied):
        list(stream(leave, seconds=60))


@pytest.mark.parametrize("busy", [multiply_for_ever, fit_for_ever])
def test_native_code_is_ended_at_its_limit(busy):
    started, received = time.monotonic(), []
    with pytest.raises(TimeoutError):
        received.extend(stream(busy, seconds=2, threads=1))
    assert time.monotonic() - started < 2 + SLACK


def test_what_was_yielded_before_the_limit_has_been_received(tmp_path):
    received = []
    with pytest.raises(TimeoutError):
        received.extend(stream(sleep_for_ever, tmp_path, seconds=1))
    wait_until_gone(pid_in(tmp_path / "pid"))


def test_a_child_ends_when_nobody_listens_any_more(tmp_path):
    for item in stream(sleep_for_ever, tmp_path, seconds=1000):
        assert item == "begun"
        break
    wait_until_gone(pid_in(tmp_path / "pid"))


def test_the_children_of_a_child_end_with_it(tmp_path):
    def nest():
        inner = subprocess.Popen(["/bin/sleep", "1000"])
        (tmp_path / "other").write_text(str(inner.pid))
        yield from stream(sleep_for_ever, tmp_path, seconds=1000)

    child = Child(nest, seconds=1000)
    pids = [pid_in(tmp_path / "pid"), pid_in(tmp_path / "other")]
    child.kill()
    for pid in pids:
        wait_until_gone(pid)


def test_a_child_that_ignores_signals_ends_all_the_same(tmp_path):
    def stubborn():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
        yield from sleep_for_ever(tmp_path)

    with pytest.raises(TimeoutError):
        list(stream(stubborn, seconds=1))
    wait_until_gone(pid_in(tmp_path / "pid"))


def test_a_child_ends_with_its_parent_however_that_dies(tmp_path):
    program = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from app.pipelines.processes import Child
import os

def work(folder):
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(1000)
    yield

child = Child(work, Path({str(tmp_path)!r}), seconds=1000)
time.sleep(1000)
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    pid = pid_in(tmp_path / "pid")
    assert alive(pid)
    parent.kill()
    parent.wait()
    wait_until_gone(pid)


def open_files():
    return len(os.listdir("/proc/self/fd"))


def children():
    """Return the pids of this process's children, those that were not waited for included."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def end(number, folder):
    """Let a child end in one of the ways there are."""

    def fail():
        yield 1
        raise ValueError

    def die():
        os.kill(os.getpid(), signal.SIGKILL)
        yield

    if number % 5 == 0:
        assert list(stream(count, 3, seconds=30)) == [0, 1, 2]
    elif number % 5 == 1:
        with pytest.raises(ChildFailed):
            list(stream(fail, seconds=30))
    elif number % 5 == 2:
        with pytest.raises(ChildDied):
            list(stream(die, seconds=30))
    elif number % 5 == 3:
        with pytest.raises(TimeoutError):
            list(stream(sleep_for_ever, folder, seconds=0.05))
    else:
        next(iter(stream(sleep_for_ever, folder, seconds=30)))


def test_fifty_children_leave_neither_files_nor_processes(tmp_path):
    files, before = open_files(), children()
    for number in range(50):
        end(number, tmp_path)
    assert open_files() == files
    assert children() == before


def test_the_end_can_be_told_twice():
    child = Child(count, 1000, seconds=30)
    child.kill()
    child.kill()
    assert child.ended


def test_native_code_may_use_the_threads_it_was_given():
    def threads():
        from threadpoolctl import threadpool_info

        np.eye(3) @ np.eye(3)
        yield [pool["num_threads"] for pool in threadpool_info()]

    (found,) = stream(threads, seconds=30, threads=1)
    assert set(found) == {1}


def test_native_code_of_many_threads_works_after_the_parent_has_run_some():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    X = np.random.default_rng(0).normal(size=(5000, 10))
    y = X[:, 0] > 0

    def fit():
        yield HistGradientBoostingClassifier(max_iter=5).fit(X, y).score(X, y)

    with threadpool_limits(2):
        (here,) = fit()
    assert list(stream(fit, seconds=30, threads=2)) == [here]
    assert list(stream(lambda: stream(fit, seconds=30, threads=2), seconds=30, threads=2)) == [here]


def test_a_child_takes_no_clean_up_of_its_parent_along(tmp_path):
    import atexit

    def leave_word():
        (tmp_path / "word").write_text("left")

    atexit.register(leave_word)
    try:
        assert list(stream(count, 2, seconds=30)) == [0, 1]
    finally:
        atexit.unregister(leave_word)
    assert not (tmp_path / "word").exists()
