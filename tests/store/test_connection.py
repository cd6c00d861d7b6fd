"""What becomes of a failure of Redis: words for the caller, and the cause in the log."""

import pytest

from app.errors import StoreUnavailable
from app.store.connection import connect, store_errors


def failure(act, caplog):
    """Return what the log has of a failure."""
    with pytest.raises(StoreUnavailable) as refused, store_errors():
        act()
    assert refused.value.__cause__ is None
    (entry,) = caplog.messages
    return entry


def test_a_wrong_kind_of_value_is_told_without_what_was_sent(client_of_redis, caplog):
    client_of_redis.set("key", "text")

    def write(pipe):
        pipe.multi()
        pipe.hset("key", "field", "s3cret")

    told = failure(lambda: client_of_redis.transaction(write, "key"), caplog)
    assert told.startswith("Redis: ResponseError: WRONGTYPE ")
    assert "s3cret" not in told


def test_an_unknown_command_is_told_without_its_arguments(client_of_redis, caplog):
    """So would a Redis that does not know HELLO answer to a password."""
    told = failure(lambda: client_of_redis.execute_command("HELO", "3", "AUTH", "default", "s3cret"), caplog)
    assert told == "Redis: ResponseError: unknown command 'HELO'"


def test_a_wrong_password_is_told_without_it(redis_url, caplog):
    told = failure(connect(redis_url.replace("unix://", "unix://nobody:s3cret@")).ping, caplog)
    assert told.startswith("Redis: AuthenticationError: ")
    assert "s3cret" not in told


def test_no_answer_is_told_with_its_reason(short_folder, caplog):
    told = failure(connect(f"unix://{short_folder}/nothing.sock").ping, caplog)
    assert told.startswith("Redis: ConnectionError: ")
    assert "No such file" in told
