"""Work that is shared among cores."""

import threading
from contextvars import ContextVar

import pytest

from app.explain import cores

KNOWN = ContextVar("known", default=None)


@pytest.fixture
def four(monkeypatch):
    """Four cores, wherever this runs."""
    monkeypatch.setattr(cores, "CORES", 4)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 11])
def test_what_is_found_is_in_the_order_of_what_is_given(four, count):
    assert cores.each(lambda number: number**2, range(count)) == [number**2 for number in range(count)]


def test_as_many_threads_as_cores_work_and_know_what_the_caller_does(four):
    together = threading.Barrier(4)
    KNOWN.set("told")

    def meet(_):
        together.wait(30)
        return threading.get_ident(), KNOWN.get()

    found = cores.each(meet, range(4))
    assert len({thread for thread, _ in found}) == 4
    assert threading.get_ident() in {thread for thread, _ in found}
    assert {known for _, known in found} == {"told"}


def test_what_a_share_calls_has_no_other_core(four):
    def inner(_):
        return len(set(cores.each(lambda _: threading.get_ident(), range(8))))

    assert cores.each(inner, range(4)) == [1, 1, 1, 1]
    assert inner(0) > 1


def test_what_is_raised_comes_to_the_caller(four):
    def fail(number):
        if number == 2:
            raise ValueError("two")
        return number

    with pytest.raises(ValueError, match="two"):
        cores.each(fail, range(4))
    assert cores.each(fail, range(2)) == [0, 1]
