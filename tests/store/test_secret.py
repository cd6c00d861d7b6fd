"""The signing secret: the operator's, or one that is made once and kept to the owner."""

import stat
import threading

import pytest

from app.settings import Settings, SettingsError
from app.store.secret import signing_secret


@pytest.fixture
def own(tmp_path):
    """Settings without a secret; the data folder is not there yet."""
    return Settings(data_dir=tmp_path / "data")


def test_the_operators_secret_is_taken_and_no_file_is_made(tmp_path):
    secret = "an operator's secret, long enough to sign"
    assert signing_secret(Settings(data_dir=tmp_path / "data", signing_secret=secret)) == secret
    assert not (tmp_path / "data").exists()


def test_without_one_a_secret_is_made_once_and_kept(own):
    secret = signing_secret(own)
    assert len(secret) >= 32
    assert signing_secret(own) == secret == (own.data_dir / "signing.key").read_text()


def test_two_services_make_different_secrets(tmp_path):
    assert signing_secret(Settings(data_dir=tmp_path / "a")) != signing_secret(Settings(data_dir=tmp_path / "b"))


def test_only_the_owner_reads_the_secret(own):
    signing_secret(own)
    assert stat.S_IMODE((own.data_dir / "signing.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(own.data_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_damaged_key_file_is_refused_and_left_as_it_is(own, content):
    own.data_dir.mkdir()
    path = own.data_dir / "signing.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"SIGNING_SECRET.*damaged"):
        signing_secret(own)
    assert path.read_bytes() == content


def test_processes_that_start_at_once_agree_on_one_secret(own):
    start, found, failed = threading.Barrier(8), set(), []

    def work():
        start.wait()
        try:
            found.add(signing_secret(own))
        except SettingsError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), failed) == (1, [])
