"""The embedded server: what it keeps when it is killed, and who may start it."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from app.store import embedded
from app.store.connection import connect
from app.store.embedded import Damaged, EmbeddedError, EmbeddedRedis
from tests.faults.parts import until

ROOT = Path(__file__).parents[2]

#: Starts a server on the folder named, prints the server's pid, and waits to be killed.
PARENT = """
import sys, pathlib, time
from app.store.embedded import EmbeddedRedis
server = EmbeddedRedis(pathlib.Path(sys.argv[1]))
server.start()
print(server._process.pid, flush=True)
time.sleep(120)
"""


@pytest.fixture
def folder(short_folder):
    """A new folder with a short path."""
    return Path(tempfile.mkdtemp(dir=short_folder))


@pytest.fixture
def server(folder):
    """A started server, stopped at the end."""
    started = EmbeddedRedis(folder)
    started.start()
    yield started
    started.stop()


def stored(url, name):
    with connect(url) as client:
        return client.get(name)


def store(url, name, value):
    with connect(url) as client:
        client.set(name, value)


def test_what_was_stored_survives_a_clean_restart(server):
    store(server.url, "name", b"value")
    server.stop()
    assert not server.alive
    server.start()
    assert stored(server.url, "name") == b"value"


def test_what_was_stored_just_before_sigterm_is_in_the_file(server):
    with connect(server.url) as client, client.pipeline(transaction=False) as pipe:
        for number in range(20_000):
            pipe.set(number, b"x" * 100)
        pipe.execute()
        # A rewrite of the file that is under way must not lose any either.
        client.bgrewriteaof()
    server._process.terminate()
    assert server._process.wait(10) == 0
    server.restart()
    with connect(server.url) as client:
        assert client.dbsize() == 20_000


def test_what_was_stored_survives_a_kill_of_the_server(server):
    with connect(server.url) as client:
        client.set("name", b"value")
        # The file is synced once a second; this waits until it was.
        assert client.waitaof(1, 0, 3000)[0] == 1
    server._process.kill()
    server._process.wait()
    assert not server.alive
    server.restart()
    assert server.alive
    assert stored(server.url, "name") == b"value"


def test_the_socket_and_its_folder_are_the_owners_alone(server, folder):
    assert stat.S_IMODE((folder / "redis").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "redis" / "redis.sock").stat().st_mode) == 0o700


def test_a_folder_that_was_open_to_others_is_closed(folder):
    (folder / "redis").mkdir(mode=0o777)
    server = EmbeddedRedis(folder)
    server.start()
    server.stop()
    assert stat.S_IMODE((folder / "redis").stat().st_mode) == 0o700


def test_the_server_listens_on_no_tcp_port(server):
    with connect(server.url) as client:
        assert client.config_get("port") == {"port": "0"}


def test_a_second_start_on_the_folder_is_refused_and_the_first_goes_on(server, folder, monkeypatch):
    monkeypatch.setattr(embedded, "_LOCK", 0.3)
    second = EmbeddedRedis(folder)
    with pytest.raises(EmbeddedError, match="another service"):
        second.start()
    assert not second.alive
    store(server.url, "name", b"value")
    assert stored(server.url, "name") == b"value"


def test_a_folder_is_free_again_after_a_stop(server, folder):
    server.stop()
    second = EmbeddedRedis(folder)
    second.start()
    assert second.alive
    second.stop()


@pytest.fixture
def orphan(folder):
    """A server whose parent, another process, is killed by the function returned, which returns the server's pid."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, folder], cwd=ROOT, stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())

    def kill_parent():
        parent.kill()
        parent.wait()
        return child

    yield kill_parent
    kill_parent()
    parent.stdout.close()
    if alive(child):
        os.kill(child, signal.SIGKILL)


def test_the_server_dies_with_its_parent_and_keeps_what_it_had(folder, orphan):
    server = EmbeddedRedis(folder)
    store(server.url, "name", b"value")
    child = orphan()
    until(lambda: not alive(child), "the end of the server", 10)
    server.start()
    assert stored(server.url, "name") == b"value"
    server.stop()


def test_the_server_dies_with_its_parent_even_where_it_cannot_write(folder, orphan):
    store(EmbeddedRedis(folder).url, "name", b"value")
    shutil.rmtree(folder)
    child = orphan()
    until(lambda: not alive(child), "the end of the server", 10)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(folder, letter):
    # The kernel's limit is 108 bytes; é has two.
    long = folder / (letter * (100 // len(letter.encode())))
    server = EmbeddedRedis(long)
    try:
        with pytest.raises(EmbeddedError, match=r"DATA_DIR.*too long"):
            server.start()
    finally:
        server.stop()
    assert not long.exists()


@pytest.mark.parametrize("name", ["a b", "50%", "%41", "what?", "a#b", "é", 'it\'s "x"', "back\\slash", "new\nline"])
def test_a_folder_may_have_any_name(folder, name, monkeypatch):
    monkeypatch.setattr(embedded, "_START", 3)
    server = EmbeddedRedis(folder / name)
    try:
        server.start()
        store(server.url, "name", b"value")
        assert stored(server.url, "name") == b"value"
    finally:
        server.stop()


def test_a_folder_whose_name_is_not_utf_8_is_refused_before_anything_is_made(folder):
    other = folder / os.fsdecode(b"\xff")
    with pytest.raises(EmbeddedError, match=r"DATA_DIR.*UTF-8"):
        EmbeddedRedis(other).start()
    assert not other.exists()


def test_a_start_that_takes_too_long_leaves_no_server_and_a_free_folder(folder, monkeypatch):
    server = EmbeddedRedis(folder)
    with monkeypatch.context() as impatient:
        impatient.setattr(embedded, "_START", 0)
        with pytest.raises(EmbeddedError, match="did not answer"):
            server.start()
    assert_nothing_is_left(server, folder)


@pytest.mark.parametrize("method", ["_command", "_wait"])
def test_a_start_that_is_interrupted_leaves_no_server_and_a_free_folder(folder, monkeypatch, method):
    server = EmbeddedRedis(folder)

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(server, method, interrupt)
    with pytest.raises(KeyboardInterrupt):
        server.start()
    assert_nothing_is_left(server, folder)


def assert_nothing_is_left(server, folder):
    assert not server.alive
    second = EmbeddedRedis(folder)
    second.start()
    second.stop()


def test_a_damaged_file_stops_the_start_and_is_left_for_repair(server, folder):
    store(server.url, "name", b"value")
    server.stop()
    file = next((folder / "redis" / "appendonlydir").glob("*.aof"))
    file.write_bytes(b"not a log\r\n" + file.read_bytes())
    damaged = EmbeddedRedis(folder)
    with pytest.raises(Damaged, match=r"(?s)Bad file format.*copy of DATA_DIR.*valkey-check-aof --fix"):
        damaged.start()
    assert not damaged.alive
    assert file.read_bytes().startswith(b"not a log")


def test_the_client_of_a_stopped_server_gets_an_error(server):
    server.stop()
    with pytest.raises(redis.ConnectionError):
        stored(server.url, "name")
