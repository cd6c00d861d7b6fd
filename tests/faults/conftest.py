"""Fixtures: processes that are a test's own, so that it may do to them what it likes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.parts import Valkey


@pytest.fixture
def valkey(short_folder, request) -> Iterator[Valkey]:
    """A Redis of this test's own, that has been started."""
    server = Valkey(short_folder / f"valkey-{abs(hash(request.node.nodeid)) % 10**6}")
    server.start()
    yield server
    server.stop()
