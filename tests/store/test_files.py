"""Files of this machine, and of a store that has no folders, as object stores have none."""

import os
from datetime import timedelta

import fsspec
import pytest

from app.addresses import Address
from app.errors import InvalidParameters, StorageUnavailable
from app.store.files import Place, file_errors


@pytest.fixture(params=["file", "memory"])
def at(request, tmp_path):
    """Return a function that makes a place of a name."""
    fs, folder = fsspec.filesystem(request.param), str(tmp_path / "files")
    fs.makedirs(folder)
    yield lambda name: Place(fs, f"{folder}/{name}".rstrip("/"), local=request.param == "file")
    fs.rm(folder, recursive=True)


def write(place, data):
    """Write a file whole."""
    with place.write() as file:
        file.write(data)


def test_a_file_is_written_read_and_given_another_name(at):
    part, final = at("a b (1).part"), at("final.csv")
    write(part, b"first")
    write(part, b"second")
    write(final, b"before")
    part.move(final)
    assert (part.exists, final.exists, final.size) == (False, True, 6)
    with final.read() as file:
        assert file.read() == b"second"


def test_what_is_not_there_is_removed_without_words_and_has_no_size(at):
    at("none").remove()
    write(at("some"), b"x")
    at("some").remove()
    assert not at("some").exists
    for nothing in (at("some"), at("")):
        with pytest.raises(InvalidParameters, match="The source is not there"), file_errors("source"):
            assert nothing.size


def test_files_that_were_written_lately_are_not_listed_as_old(at):
    write(at("new"), b"x")
    assert list(at("").files(timedelta(hours=1))) == []
    assert [place.path for place in at("").files(timedelta(hours=-1))] == [at("new").path]
    assert list(at("nowhere").files(timedelta())) == []


def test_a_failure_of_a_file_system_names_no_path(tmp_path):
    for error, kind in ((PermissionError("/secret"), InvalidParameters), (OSError(28, "/secret"), StorageUnavailable)):
        with pytest.raises(kind) as told, file_errors("destination"):
            raise error
        assert "secret" not in str(told.value.as_problem())


def test_a_folder_is_where_its_links_lead(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folder, file = Address.folder(str(tmp_path / "link")), Address("file", "", f"{tmp_path}/real/rows.csv")
    assert Place.inside(file, (folder,), "source").path == os.path.realpath(tmp_path / "real" / "rows.csv")
