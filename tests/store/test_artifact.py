"""Sealed artefacts: whatever was changed, nothing is parsed."""

import zipfile

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ArtifactRejected
from app.store.artifact import Artifact, seal, unseal

SECRET = "the secret of one service"
ARTIFACT = Artifact({"format": "none", "classes": ["a", 1, None]}, {"estimator": bytes(range(256)), "rows": b""})
SEALED = seal(ARTIFACT, "penguins", 3, SECRET)


@pytest.fixture
def unparsed(monkeypatch):
    """Fail the test when anything reads the bytes as a zip or as JSON."""

    def parse(*words, **more):
        raise AssertionError("parsed before it was verified")

    monkeypatch.setattr(zipfile, "ZipFile", parse)
    monkeypatch.setattr(orjson, "loads", parse)


def test_an_artefact_comes_back_as_it_was_sealed():
    found = unseal(SEALED, "penguins", 3, SECRET)
    assert found.parts == ARTIFACT.parts
    assert found.manifest == ARTIFACT.manifest | {"namespace": "default", "pipeline_id": "penguins", "version": 3}


def test_equal_artefacts_give_equal_bytes():
    assert seal(ARTIFACT, "penguins", 3, SECRET) == SEALED


def test_an_integer_id_and_its_text_are_one():
    assert unseal(seal(ARTIFACT, 7, 1, SECRET), "7", 1, SECRET).parts == ARTIFACT.parts


def test_a_manifest_cannot_claim_to_be_another_pipelines():
    claims = Artifact({"format": "none", "pipeline_id": "other", "version": 9}, {})
    assert unseal(seal(claims, "penguins", 3, SECRET), "penguins", 3, SECRET).manifest["pipeline_id"] == "penguins"


@pytest.mark.usefixtures("unparsed")
def test_a_change_of_any_byte_is_rejected_unparsed():
    for position in range(len(SEALED)):
        changed = bytearray(SEALED)
        changed[position] ^= 1 << position % 8
        with pytest.raises(ArtifactRejected):
            unseal(bytes(changed), "penguins", 3, SECRET)


@pytest.mark.usefixtures("unparsed")
def test_a_cut_at_any_byte_is_rejected_unparsed():
    for length in range(len(SEALED)):
        with pytest.raises(ArtifactRejected):
            unseal(SEALED[:length], "penguins", 3, SECRET)


@pytest.mark.usefixtures("unparsed")
@pytest.mark.parametrize("secret", ["", "another secret", SECRET + " ", SECRET.upper()])
def test_another_secret_is_rejected_unparsed(secret):
    with pytest.raises(ArtifactRejected):
        unseal(SEALED, "penguins", 3, secret)


@pytest.mark.parametrize(("pipeline_id", "version"), [("gulls", 3), ("penguins", 2), ("penguins", 4), ("Penguins", 3)])
def test_the_artefact_of_another_pipeline_or_version_is_rejected(pipeline_id, version):
    with pytest.raises(ArtifactRejected):
        unseal(SEALED, pipeline_id, version, SECRET)


@given(st.binary(max_size=200))
def test_any_bytes_that_were_not_sealed_are_rejected(data):
    with pytest.raises(ArtifactRejected):
        unseal(data, "penguins", 3, SECRET)


@given(st.binary(min_size=1, max_size=50), st.integers(0, len(SEALED)))
def test_any_bytes_put_in_between_are_rejected(data, position):
    with pytest.raises(ArtifactRejected):
        unseal(SEALED[:position] + data + SEALED[position:], "penguins", 3, SECRET)
