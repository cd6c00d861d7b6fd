"""The Redis that comes with the service: its owner's alone, whatever the umask, and led astray by no link."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from app.settings import Settings, SettingsError
from app.store.connection import connect
from app.store.embedded import EmbeddedError, EmbeddedRedis
from app.store.secret import signing_secret


@pytest.fixture
def folder(short_folder):
    """A new folder with a short path."""
    return Path(tempfile.mkdtemp(dir=short_folder))


@pytest.fixture
def careless():
    """A umask that takes nothing away, as some start scripts leave it."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder):
    """Return {name: mode} of all below a folder."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def test_with_any_umask_all_files_are_the_owners_alone(folder, careless):
    data = folder / "data"
    signing_secret(Settings(data_dir=data))
    server = EmbeddedRedis(data)
    server.start()
    try:
        with connect(server.url) as client:
            client.set("name", b"value")
            client.execute_command("SAVE")
        found = modes(data)
    finally:
        server.stop()
    assert {"redis/lock", "redis/log", "redis/dump.rdb", "redis/redis.sock", "redis/appendonlydir"} <= set(found)
    assert [name for name, mode in found.items() if mode & 0o077] == []
    assert stat.S_IMODE(data.stat().st_mode) & 0o022 == 0


@pytest.mark.parametrize("name", ["lock", "log", "redis.sock", "appendonlydir", "dump.rdb"])
def test_a_link_under_a_name_that_is_used_is_refused_and_not_followed(folder, name):
    (folder / "redis").mkdir(mode=0o700)
    victim = folder / "victim"
    victim.write_text("untouched")
    (folder / "redis" / name).symlink_to(victim)
    server = EmbeddedRedis(folder)
    with pytest.raises(EmbeddedError, match=f"DATA_DIR: {name} in it is a link"):
        server.start()
    assert not server.alive
    assert victim.read_text() == "untouched"


def test_a_folder_that_is_a_link_is_refused(folder):
    (folder / "elsewhere").mkdir()
    (folder / "redis").symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedError, match="DATA_DIR: redis in it is a link"):
        EmbeddedRedis(folder).start()
    assert list((folder / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["", "appendonlydir"])
def test_what_belongs_to_another_user_is_refused(folder, name):
    (folder / "redis" / name).mkdir(parents=True, mode=0o700)
    if os.getuid():
        pytest.fail("only root can give a folder to another user: run the tests as root, as CI does")
    os.chown(folder / "redis" / name, 12345, 12345)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        EmbeddedRedis(folder).start()


@pytest.mark.parametrize(
    "command",
    [
        ["MODULE", "LIST"],
        ["REPLICAOF", "10.0.0.1", "6379"],
        ["SLAVEOF", "10.0.0.1", "6379"],
        ["FUNCTION", "LIST"],
        ["CONFIG", "SET", "dir", "/tmp"],  # noqa: S108  it is refused
        ["CONFIG", "REWRITE"],
    ],
)
def test_commands_by_which_a_server_is_taken_over_are_refused(folder, command):
    server = EmbeddedRedis(folder)
    server.start()
    try:
        with connect(server.url) as client, pytest.raises(NoPermissionError):
            client.execute_command(*command)
    finally:
        server.stop()


@pytest.fixture
def keyed(folder):
    """Settings whose signing key is in a file, and the file."""
    settings = Settings(data_dir=folder / "data")
    signing_secret(settings)
    return settings, folder / "data" / "signing.key"


def test_a_signing_key_that_others_may_read_is_refused(keyed):
    settings, path = keyed
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=r"signing\.key in DATA_DIR may be read by others"):
        signing_secret(settings)


def test_a_signing_key_that_is_a_link_is_refused(keyed):
    settings, path = keyed
    path.rename(path.with_name("moved"))
    path.symlink_to(path.with_name("moved"))
    with pytest.raises(SettingsError, match=r"signing\.key in DATA_DIR is a link"):
        signing_secret(settings)
    path.unlink()
    path.symlink_to(path.with_name("not there"))
    with pytest.raises(SettingsError, match=r"signing\.key in DATA_DIR is a link"):
        signing_secret(settings)
    assert not path.with_name("not there").exists()


def test_a_signing_key_of_another_user_is_refused(keyed):
    settings, path = keyed
    os.chown(path, 12345, 12345)
    with pytest.raises(SettingsError, match="another user"):
        signing_secret(settings)
