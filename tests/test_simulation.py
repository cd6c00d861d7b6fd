"""The simulation of the service keeps the laws that any queue keeps, whatever was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.serving.simulation import Costs, Setup, simulate
from benchmarks.simulate import beside, comparison, costs_of, servers

COSTS = Costs(web=0.004, redis=0.0005, client=0.0005, pause=0.001, read=0.002, load=0.01)


def closed(processes=1, clients=1, costs=COSTS, **more):
    return simulate(Setup(processes, clients, **more), costs)


def crowd(arrivals, processes=2, costs=COSTS, **more):
    return simulate(Setup(processes, arrivals=arrivals, **more), costs)


def test_the_same_seed_gives_the_same_outcome_and_another_one_another() -> None:
    first, again, other = crowd(100), crowd(100), crowd(100, seed=1)
    assert first == again
    assert first.latencies != other.latencies


def test_one_client_waits_for_nobody() -> None:
    found = closed()
    assert found.latencies == pytest.approx([0.006] * len(found.latencies))
    assert found.rate == pytest.approx(1 / 0.006, rel=0.02)


@pytest.mark.parametrize(
    ("costs", "processes", "most"),
    [
        (COSTS, 1, 1 / COSTS.web),
        (COSTS, 3, 3 / COSTS.web),
        (replace(COSTS, redis=0.01), 4, 1 / 0.01),
        (replace(COSTS, client=0.02), 4, 1 / 0.02),
    ],
    ids=["one process", "three processes", "Redis", "the client"],
)
def test_the_rate_comes_near_what_the_slowest_part_can_do_and_not_above(costs, processes, most) -> None:
    found = closed(processes, 8 * processes, costs, seconds=2, unseen=0.4)
    assert 0.95 * most < found.rate <= 1.02 * most


def test_cores_that_are_shared_bound_everybody_together() -> None:
    whole = COSTS.web + COSTS.redis + COSTS.client
    for cores in (1, 2):
        found = closed(4, 16, cores=cores, seconds=2, unseen=0.4)
        assert 0.9 * cores / whole < found.rate <= 1.02 * cores / whole


def test_littles_law_holds() -> None:
    found = crowd(300, seconds=8, unseen=1)
    assert found.present == pytest.approx(found.rate * sum(found.latencies) / len(found.latencies), rel=0.05)
    assert closed(2, 8, seconds=2, unseen=0.5).present == pytest.approx(8)


def test_what_comes_is_answered_and_the_parts_work_as_long_as_that_takes() -> None:
    found = crowd(300, seconds=8, unseen=1)
    assert found.rate == pytest.approx(300, rel=0.1)
    assert found.busy["web"] == pytest.approx(found.rate * COSTS.web / 2, rel=0.05)
    assert found.busy["redis"] == pytest.approx(found.rate * COSTS.redis, rel=0.05)


def test_waits_grow_with_the_load() -> None:
    quiet, busy = (crowd(rate, seconds=4, unseen=1) for rate in (50, 450))
    assert quiet.median < busy.median
    assert quiet.late() < busy.late()


def test_replicas_raise_a_rate_that_redis_bounds() -> None:
    slow = replace(COSTS, redis=0.01)
    one, two = (closed(8, 16, slow, readable=readable, seconds=3, unseen=1).rate for readable in (1, 2))
    assert one <= 1.02 / slow.redis
    assert 1.6 * one < two <= 2.04 / slow.redis


def test_each_process_loads_each_model_once_and_each_publication_again() -> None:
    assert crowd(200).loads == 0
    assert crowd(200, warm=False, models=3).loads == 2 * 3
    published = crowd(200, publications=[0.2, 0.6])
    assert published.loads == 2 * 2
    assert 0.6 < published.last_load < 1


def test_who_asks_first_waits_for_the_load_and_who_comes_later_does_not() -> None:
    cold = closed(warm=False)
    assert cold.latencies[0] == pytest.approx(0.006 + COSTS.read + COSTS.load)
    assert cold.latencies[1:] == pytest.approx([0.006] * (len(cold.latencies) - 1))


def figures(web_us=4000.0, factor=1.0):
    """Return what serve.py would have measured of a service that is as it is simulated, but for what is said of it."""
    points = []
    for clients in (1, 2, 4, 8):
        one = {"web_us": web_us, "redis_us": 500.0, "client_us": 500.0, "median_ms": web_us / 1000 + 2}
        rates = {
            number: simulate(
                Setup(int(number), clients, cores=2, seconds=2, unseen=0.4), replace(COSTS, beside=factor)
            ).rate
            for number in ("1", "2")
        }
        points.append({"clients": clients, **{number: one | {"rate": rate} for number, rate in rates.items()}})
    small = {"redis_s": COSTS.read, "load_s": COSTS.read + COSTS.load}
    return {"workers": {"figures": {"forest": points}}, "cold": {"figures": {"forest": small}}}


def test_costs_are_read_from_what_one_process_was_measured_to_take() -> None:
    assert vars(costs_of(figures(), "forest")) == pytest.approx(vars(COSTS))


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_how_much_longer_it_takes_beside_another_is_found_from_what_two_did(factor) -> None:
    assert beside(figures(factor=factor)) == pytest.approx(factor, rel=0.06)


@pytest.mark.parametrize(("web_us", "within"), [(4000.0, "8 of 8"), (2500.0, "0 of 8")])
def test_the_comparison_counts_what_is_too_far_off(web_us, within) -> None:
    assert f"{within} are within 15%" in comparison(figures(web_us), 1.0)


def test_so_many_servers_are_read_from_that_none_works_more_than_is_planned() -> None:
    assert servers(10, COSTS) == 1
    assert servers(1200, COSTS) == 1
    assert servers(1201, COSTS) == 2
