"""The configuration file: one for providers and stores, with secrets only where nobody else can read."""

import pytest

from cloudlayer import configuration
from cloudlayer.errors import InvalidSpec


def test_a_text_that_names_the_environment_stands_for_what_is_there(monkeypatch):
    monkeypatch.setenv("TOKEN", "env:OTHER")
    settings = {"token": "env:TOKEN", "deep": {"er": "env:TOKEN"}, "plain": "environment", "number": 3}
    resolved = configuration.resolved(settings, "stores.x")
    assert resolved == {"token": "env:OTHER", "deep": {"er": "env:OTHER"}, "plain": "environment", "number": 3}
    assert settings["token"] == "env:TOKEN"


def test_what_the_environment_has_not_is_told_with_its_place(monkeypatch):
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(InvalidSpec, match=r"^stores\.x\.deep\.er: the environment has no variable TOKEN: set it"):
        configuration.resolved({"deep": {"er": "env:TOKEN"}}, "stores.x")


def test_every_secret_is_found_by_its_name_however_deep_it_is():
    settings = {
        "a": {"secret_access_key": "x", "region": "y"},
        "b": {"headers": {"X-Api-Key": "x", "Accept": "y"}, "account_key": "x"},
        "c": {"token": "env:TOKEN"},
    }
    assert list(configuration.secrets_in(settings, {"account_key"})) == [
        "a.secret_access_key",
        "b.headers.X-Api-Key",
        "b.account_key",
    ]


def test_nothing_of_what_a_file_says_is_in_the_text_of_it(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text('[stores.s3]\nsecret_key = "hush"\n[providers.aws]\nsecret_access_key = "hush"\n')
    path.chmod(0o600)
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(path))
    read = configuration.read()
    assert "hush" not in repr(read)
    assert read.stores["s3"]["secret_key"] == read.providers["aws"]["secret_access_key"] == "hush"


def test_what_stores_keep_secret_is_secret_in_the_file_and_paths_are_not():
    stores = {
        "sftp": {"passphrase": "x", "password": "x", "key_file": "y"},
        "swift": {"temp_url_key": "x", "key": "x"},
        "gs": {"credentials": "/home/me/key.json"},
        "s3": {"access_key": "y", "secret_key": "x", "session_token": "x"},
    }
    found = configuration.secrets_in(stores, configuration._SECRET_NAMES["stores"])
    assert sorted(found) == [
        "s3.secret_key",
        "s3.session_token",
        "sftp.passphrase",
        "sftp.password",
        "swift.key",
        "swift.temp_url_key",
    ]


def test_a_file_that_others_can_read_may_name_files_with_secrets_but_have_none(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(path))
    path.write_text('[stores.gs]\ncredentials = "/key.json"\n[providers.gcp]\ncredentials_file = "/key.json"\n')
    path.chmod(0o644)
    assert configuration.read().stores["gs"]["credentials"] == "/key.json"
    path.write_text('[stores.sftp]\npassphrase = "hush"\n')
    with pytest.raises(InvalidSpec, match=r"stores\.sftp\.passphrase is secret: chmod 600"):
        configuration.read()
