"""Requests that arrive together and are answered by one call."""

import threading
import time

import numpy as np
import pandas as pd

from app.errors import InvalidData
from app.pipelines.batching import SMALL, Together


class Slow:
    """A model that takes as long for many rows as for one; it refuses numbers below 0, and fails at 666."""

    def __init__(self, seconds=0.01):
        self.seconds, self.calls, self.at_once, self._lock = seconds, [], 0, threading.Lock()

    def __call__(self, rows):
        """Return twice the numbers."""
        with self._lock:
            self.at_once += 1
            assert self.at_once == 1
        time.sleep(self.seconds)
        with self._lock:
            self.at_once -= 1
        self.calls.append(len(rows))
        if (rows["a"] < 0).any():
            raise InvalidData("below 0")
        if (rows["a"] == 666).any():
            raise RuntimeError("a fault of the model")
        return rows["a"].to_numpy() * 2


SAMPLE = pd.DataFrame({"a": np.arange(20.0)})


def ask(together, numbers):
    """Ask for one row each, all at once; return the answers and errors in the order of the numbers."""
    found, begin = [None] * len(numbers), threading.Barrier(len(numbers))

    def one(place):
        begin.wait()
        try:
            found[place] = together(pd.DataFrame({"a": [float(numbers[place])]})).tolist()
        except (InvalidData, RuntimeError) as error:
            found[place] = error

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(numbers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return found


def test_many_requests_are_answered_by_few_calls_and_each_gets_its_own():
    model = Slow()
    together = Together(model, SAMPLE)
    assert together.worth
    model.calls.clear()
    assert ask(together, range(40)) == [[2.0 * number] for number in range(40)]
    assert sum(model.calls) == 40
    assert len(model.calls) < 20
    assert together(SAMPLE).tolist() == (SAMPLE["a"] * 2).tolist()


def test_a_refused_request_does_not_fail_those_beside_it():
    together = Together(Serial(), SAMPLE)
    found = ask(together, [1, -5, 2, 3, -6, 4])
    assert [one for one in found if isinstance(one, list)] == [[2.0], [4.0], [6.0], [8.0]]
    assert [place for place, one in enumerate(found) if isinstance(one, InvalidData)] == [1, 4]


def test_a_fault_of_the_model_leaves_nobody_waiting():
    together = Together(Serial(), SAMPLE)
    found = ask(together, [1, 666, 2, 3])
    assert isinstance(found[1], RuntimeError)
    assert ask(together, [7, 8]) == [[14.0], [16.0]]


def test_a_quick_model_and_one_that_gains_nothing_are_asked_directly():
    assert not Together(Slow(0), SAMPLE).worth
    assert not Together(lambda rows: time.sleep(0.002 * len(rows)), SAMPLE).worth
    assert not Together(Slow(), SAMPLE.iloc[:1]).worth


def test_a_large_request_does_not_wait_for_others():
    model = Slow()
    together = Together(model, SAMPLE)
    rows = pd.DataFrame({"a": np.arange(SMALL + 1.0)})
    assert together(rows).tolist() == (rows["a"] * 2).tolist()


class Serial(Slow):
    """As slow, and may be asked by several at once."""

    def __call__(self, rows):
        """Return twice the numbers."""
        time.sleep(self.seconds)
        if (rows["a"] < 0).any():
            raise InvalidData("below 0")
        if (rows["a"] == 666).any():
            raise RuntimeError("a fault of the model")
        return rows["a"].to_numpy() * 2
