"""Models in a manifest: what may be written, and what it stands for."""

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.specs import checked


def models(*written):
    document = {"name": "vision/Faces", "version": "1.0.0", "image": "faces:1", "models": list(written)}
    return checked(FunctionSpec, document, "function: ").models


def test_a_uri_alone_is_found_by_the_last_part_of_its_name():
    (model,) = models("blob://models/v7/faces.onnx")

    assert (model.uri, model.name, model.is_folder) == ("blob://models/v7/faces.onnx", "faces.onnx", False)
    assert (model.etag, model.size, model.crc32c) == (None, None, None)


def test_a_folder_is_found_by_its_own_name():
    (model,) = models("s3+team://bucket/tokenizers/small/")

    assert (model.name, model.is_folder) == ("small", True)


def test_a_name_of_ones_own_may_have_folders():
    (model,) = models({"uri": "memory://m/weights.bin", "name": "v7/weights.bin"})

    assert model.name == "v7/weights.bin"


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", "a//b", "", ".", "a/"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(InvalidSpec, match="no name of a file below a folder"):
        models({"uri": "memory://m/weights.bin", "name": name})


@pytest.mark.parametrize("second", ["memory://other/weights.bin", {"uri": "memory://m/x", "name": "weights.bin/x"}])
def test_two_models_in_one_place_are_refused(second):
    with pytest.raises(InvalidSpec, match="name` of its own"):
        models("memory://m/weights.bin", second)


def test_what_is_no_uri_is_refused_with_the_way_to_write_one():
    with pytest.raises(InvalidSpec, match=r"models\[0\]\.uri.*SCHEME://BUCKET/KEY"):
        models("weights.bin")


def test_a_password_in_a_uri_is_refused_and_not_repeated():
    with pytest.raises(InvalidSpec, match="password") as refused:
        models("sftp://me:hunter2@host/weights.bin")

    assert "hunter2" not in str(refused.value)


def test_a_bare_text_for_the_list_is_refused():
    with pytest.raises(InvalidSpec, match="models"):
        checked(FunctionSpec, {"name": "a/B", "version": "1.0.0", "image": "x", "models": "memory://m/x"}, "function: ")


def test_a_signed_url_is_refused_and_not_repeated():
    with pytest.raises(InvalidSpec, match="name the object by its store") as refused:
        models("https://models.example.com/faces.onnx?X-Signature=abc123")

    assert "abc123" not in str(refused.value)
