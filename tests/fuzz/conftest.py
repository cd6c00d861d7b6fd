"""What pytest and Schemathesis do not agree on."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the operation into a test's id: since pytest 9.2 only what pytest itself has parametrized is in there."""
    if "[" in item.name and "[" not in item.nodeid:
        item._id = item.id.with_params(item.name.partition("[")[2].removesuffix("]"))
