"""What a manifest names by URI is taken as it is at the moment of the deploy."""

from dataclasses import replace
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet.desired import Desired
from cloudlayer.functions.manifest import Manifest
from cloudlayer.specs import checked
from cloudlayer.storage.objects import Page


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder of a store, which blob:// stands for."""
    uri = f"memory://{uuid4().hex}/team"
    config = tmp_path / "config.toml"
    config.write_text(f'[stores.blob]\nuri = "{uri}"\n')
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(config))
    with storage.connect() as client:
        yield client.dir(f"{uri}/")


def desired(tmp_path, **function):
    spec = {
        "name": "vision/Faces",
        "version": "1.0.0",
        **({"image": "faces:1"} if "source" not in function else {}),
        **function,
    }
    document = {"fleet": {"name": "seefood", "providers": ["local"]}, "function": [spec]}
    return Desired.of(checked(Manifest, document, "fleet: "), tmp_path / "cache")


def test_a_model_is_pinned_to_the_object_that_is_there(folder, tmp_path):
    info = folder.file("faces.onnx").put(b"weights")

    (model,) = desired(tmp_path, models=["blob://faces.onnx"]).manifest.function[0].models

    assert (model.name, model.etag, model.size) == ("faces.onnx", info.etag, 7)


def test_a_folder_of_models_becomes_its_objects_by_name(folder, tmp_path):
    folder.file("small/words").put(b"1")
    folder.file("small/deep/merges").put(b"22")

    models = desired(tmp_path, models=["blob://small/"]).manifest.function[0].models

    assert [(model.name, model.size) for model in models] == [("small/deep/merges", 2), ("small/words", 1)]


def test_a_folder_of_models_is_listed_and_its_objects_are_not_asked_for(folder, tmp_path, monkeypatch):
    put = {name: folder.file(f"small/{name}").put(name) for name in ("a", "b", "c")}

    def never(_, key):
        raise AssertionError(f"{key} was asked for")

    monkeypatch.setattr(type(folder.store), "head", never)
    models = desired(tmp_path, models=["blob://small/"]).manifest.function[0].models

    assert {model.name: (model.etag, model.size) for model in models} == {
        f"small/{name}": (info.etag, info.size) for name, info in put.items()
    }


def test_an_object_whose_etag_no_list_tells_is_asked_for(folder, tmp_path, monkeypatch):
    info, listed = folder.file("small/a").put(b"x"), type(folder.store).list

    def without_etags(*given, **asked):
        for page in listed(*given, **asked):
            yield Page(tuple(replace(each, etag=None) for each in page.objects))

    monkeypatch.setattr(type(folder.store), "list", without_etags)
    (model,) = desired(tmp_path, models=["blob://small/"]).manifest.function[0].models

    assert (model.etag, model.size) == (info.etag, 1)


def test_a_model_that_was_written_anew_is_another_form_of_its_version(folder, tmp_path):
    folder.file("faces.onnx").put(b"old")
    before = desired(tmp_path, models=["blob://faces.onnx"])
    same = desired(tmp_path, models=["blob://faces.onnx"])
    folder.file("faces.onnx").put(b"new")
    after = desired(tmp_path, models=["blob://faces.onnx"])

    forms = [each.digest(each.manifest.function[0]) for each in (before, same, after)]

    assert forms[0] == forms[1] != forms[2]


def test_a_stored_manifest_keeps_its_pins(folder, tmp_path):
    folder.file("faces.onnx").put(b"old")
    before = desired(tmp_path, models=["blob://faces.onnx"])

    assert Desired.load(before.document()).manifest == before.manifest


@pytest.mark.parametrize("uri", ["blob://absent.onnx", "blob://absent/"])
def test_a_model_that_is_not_there_is_told_before_anything_is_done(folder, tmp_path, uri):
    with pytest.raises(InvalidSpec, match=r"vision/Faces/1\.0\.0: .*absent"):
        desired(tmp_path, models=[uri])


def test_an_etag_of_ones_own_holds(folder, tmp_path):
    old = folder.file("faces.onnx").put(b"old").etag
    assert desired(tmp_path, models=[{"uri": "blob://faces.onnx", "etag": old}]).manifest.function[0].models[0].etag == old

    folder.file("faces.onnx").put(b"new")

    with pytest.raises(InvalidSpec, match="is another object than its etag"):
        desired(tmp_path, models=[{"uri": "blob://faces.onnx", "etag": old}])


def test_a_source_folder_in_a_store_runs_as_one_on_this_host(folder, tmp_path):
    code = "def apply(input):\n    return input\n"
    (tmp_path / "here").mkdir()
    (tmp_path / "here/faces.py").write_text(code)
    folder.file("functions/faces/faces.py").put(code)

    there, here = desired(tmp_path, source="blob://functions/faces"), desired(tmp_path, source=str(tmp_path / "here"))

    assert there.sources == here.sources
    assert there.manifest == here.manifest


def test_a_source_folder_that_is_not_there_is_told(folder, tmp_path):
    with pytest.raises(InvalidSpec, match=r"nothing is below blob://functions/none/"):
        desired(tmp_path, source="blob://functions/none")


def test_a_source_folder_writes_nowhere_but_below_its_own_place(folder, tmp_path):
    folder.file("functions/faces/../../../../escaped.py").put("boom")

    with pytest.raises(InvalidSpec, match="would lie outside of its folder"):
        desired(tmp_path, source="blob://functions/faces")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a//b",), ("line\nbreak",)])
def test_a_folder_whose_names_can_be_no_files_is_told(folder, tmp_path, names):
    for name in names:
        folder.file(f"small/{name}").put(b"x")

    with pytest.raises(InvalidSpec, match=r"name` of its own|no name of a file"):
        desired(tmp_path, models=["blob://small/"])
