"""A secret that is replaced: `new,old`, until nothing is left that the old one has signed."""

import hmac

import pytest

from app.errors import ArtifactRejected
from app.store.artifact import Artifact, seal, unseal

NEW, OLD = "n" * 32, "the old phrase, which has a comma in it, signs"
ARTIFACT = Artifact({"format": "none"}, {"estimator": b"bytes"})


def sealed(secret):
    return seal(ARTIFACT, "p", 1, secret)


def opens(stored, secret):
    try:
        return unseal(stored, "p", 1, secret).parts == ARTIFACT.parts
    except ArtifactRejected:
        return False


@pytest.mark.parametrize("old", ["o" * 40, OLD])
def test_the_first_signs_and_each_verifies(old):
    both = f"{NEW},{old}"
    assert sealed(both) == sealed(NEW)
    assert opens(sealed(old), both)
    assert opens(sealed(NEW), both)
    assert not opens(sealed(old), NEW)
    assert not opens(sealed("x" * 32), both)


def test_a_phrase_with_commas_is_one_secret():
    assert sealed(OLD) != sealed("the old phrase")
    assert opens(sealed(OLD), OLD)
    assert not opens(sealed("signs"), OLD)


def test_of_three_the_one_in_the_middle_verifies_too():
    assert opens(sealed(OLD), f"{NEW}, {OLD}, {'z' * 33}")


def test_what_a_phrase_signed_that_could_be_two_is_still_taken():
    phrase = f"{'a' * 32},{'b' * 32}"
    body = seal(ARTIFACT, "p", 1, "x" * 32)[32:]
    signature = hmac.digest(phrase.encode(), b"automl artefact 1\n" + body, "sha256")
    assert opens(signature + body, phrase)
