"""Accounts of stores: in the configuration file or in a mapping, aliases and labels, secrets from the environment."""

import pytest

from cloudlayer import storage
from cloudlayer.errors import InvalidSpec


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """Write a configuration file, for its owner alone unless `mode` says otherwise."""

    def configure(text, mode=0o600):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(mode)
        monkeypatch.setenv("CLOUDLAYER_CONFIG", str(path))
        return path

    return configure


def test_an_alias_of_the_configuration_file_leads_where_it_says(configure):
    configure('[stores.blob]\nuri = "memory+team://models/current"\n')
    with storage.connect() as client:
        client.file("blob://a/records.csv").put(b"1")
        assert client.file("memory+team://models/current/a/records.csv").get() == b"1"
        assert client.file("blob://a").uri == "blob://a"
        assert [entry.uri for entry in client.dir("blob://").list()] == ["blob://a/records.csv"]


@pytest.mark.parametrize("uri", ["memory://alias/x", "memory://alias/x/"])
def test_an_alias_is_a_folder_with_or_without_its_slash(uri):
    store, key = storage.connect({"blob": {"uri": uri}}).resolve("blob://y")
    assert (store.uri, key) == ("memory://alias/", "x/y")
    assert storage.connect({"blob": {"uri": "memory://alias"}}).resolve("blob://y")[1] == "y"
    assert storage.connect({"blob": {"uri": "file:///srv/data"}}).resolve("blob://y")[1] == "srv/data/y"


def test_several_aliases_and_accounts_are_told_apart_by_labels():
    stores = {"blob": {"uri": "memory://one"}, "blob+old": {"uri": "memory+a://one"}}
    with storage.connect(stores) as client:
        for uri in ("blob://labels", "blob+old://labels", "memory+b://one/labels"):
            client.file(uri).put(uri)
        assert client.file("memory://one/labels").text() == "blob://labels"
        assert client.file("memory+a://one/labels").text() == "blob+old://labels"


def test_an_alias_that_nothing_is_said_of_is_told_with_what_to_write(configure):
    path = configure("")
    with (
        storage.connect() as client,
        pytest.raises(InvalidSpec, match=rf'write stores.blob with uri = "s3://BUCKET/" into {path}'),
    ):
        client.file("blob://x")
    with storage.connect({}) as client, pytest.raises(InvalidSpec, match="into what is given to connect"):
        client.file("blob+x://x")


@pytest.mark.parametrize(
    ("stores", "told"),
    [
        ({"blob": {}}, "stores.blob.uri: is required"),
        ({"blob": {"uri": "x"}}, 'stores.blob.uri: "x" is no URI'),
        ({"blob": {"uri": "memory://m", "colour": 1}}, "stores.blob.colour: unknown key; known here: uri"),
        ({"blob": {"uri": "blob+x://y"}}, "is an alias itself"),
    ],
)
def test_an_alias_that_is_wrong_is_told(stores, told):
    with storage.connect(stores) as client, pytest.raises(InvalidSpec) as raised:
        client.file("blob://x")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("s4", "s4 is no scheme of a store; known: s3, "),
        ("s3+", "is no account"),
        ("My Store", "is no account"),
        ("s3+a/b", "is no account"),
    ],
)
def test_an_account_of_no_store_is_told_at_once(configure, name, told):
    path = configure(f'[stores."{name}"]\n')
    with pytest.raises(InvalidSpec) as raised:
        storage.connect()
    assert told in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_setting_that_is_wrong_is_told_with_its_place(configure):
    path = configure('[stores."memory+x"]\npart_size = "8"\ncolour = "red"\n')
    with storage.connect() as client, pytest.raises(InvalidSpec) as raised:
        client.file("memory+x://m/x")
    lines = str(raised.value).splitlines()
    assert [line.partition(": stores.")[0] for line in lines] == [str(path)] * 2
    assert "stores.memory+x.part_size: " in lines[0]
    assert "stores.memory+x.colour: unknown key; known here: part_size" in lines[1]


def test_a_scheme_that_no_store_has_is_told():
    with storage.connect({}) as client, pytest.raises(InvalidSpec, match='"ftp" is no scheme of a store; known: s3, '):
        client.file("ftp://host/x")


def test_settings_come_from_the_environment_where_they_say_so(configure, monkeypatch):
    configure('[stores.memory]\npart_size = "env:PART"\n', 0o644)
    monkeypatch.setenv("PART", "5MiB")
    with storage.connect() as client:
        assert client.file("memory://env/x").store.upload("x").part_size == 5 * 2**20
    monkeypatch.delenv("PART")
    with (
        storage.connect() as client,
        pytest.raises(InvalidSpec, match=r"stores.memory.part_size: the environment has no variable PART"),
    ):
        client.file("memory://env/x")


@pytest.mark.parametrize(
    "line",
    [
        'secret_key = "hush"',
        'session_token = "hush"',
        'account_key = "hush"',
        'connection_string = "hush"',
        'key = "hush"',
        'password = "hush"',
        'app_secret = "hush"',
        'headers = { Authorization = "hush" }',
        'headers = { Cookie = "hush" }',
    ],
)
def test_a_file_with_a_secret_of_a_store_is_refused_where_others_can_read_it(configure, line):
    path = configure(f'[stores."swift+x"]\n{line}\n', 0o640)
    with pytest.raises(InvalidSpec, match=f"others can read it.*stores.swift\\+x.*chmod 600 {path}") as raised:
        storage.connect()
    assert "hush" not in str(raised.value)
    configure(f'[stores."swift+x"]\n{line}\n', 0o600)
    storage.connect().close()
    configure(f'[stores."swift+x"]\n{line.replace("hush", "env:HUSH")}\n', 0o644)
    storage.connect().close()


def test_one_file_serves_providers_and_stores(configure):
    from cloudlayer.providers.profiles import profiles

    configure('[providers.mine]\nprovider = "local"\n[stores.blob]\nuri = "memory://both"\n')
    assert list(profiles()) == ["mine"]
    assert storage.connect().resolve("blob://x")[0].uri == "memory://both/"


def test_without_a_file_stores_have_their_defaults(monkeypatch, tmp_path):
    monkeypatch.delenv("CLOUDLAYER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert storage.connect().resolve("memory://m/x")[0].uri == "memory://m/"


def test_a_section_that_nothing_has_is_an_error(configure):
    configure("[store.s3]\n")
    with pytest.raises(InvalidSpec, match="store: unknown key; known here: providers, stores"):
        storage.connect()
