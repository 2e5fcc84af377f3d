import pytest

WELL = "class Well:\n    def check(self):\n        return []\nreturn Well()"
ILL = (
    "class Ill:\n    def check(self):\n        return ['the clock is wrong: set it', 'the key is old: renew it']\nreturn Ill()"
)
ABSENT = 'from cloudlayer.errors import Unsupported\nraise Unsupported("needs the package cumulus", provider="absent")'
DENIED = 'from cloudlayer.errors import AuthError\nraise AuthError("log in", provider="denied")'


@pytest.fixture
def findings(cli, plug_in):
    """What the doctor says of one provider that behaves so, by subject, and its exit code."""

    def findings(name, body, *arguments):
        if body is not None:
            plug_in(name, body)
        outcome = cli("doctor", "--json", *(arguments or ("--provider", name)))
        found = [(item["state"], item["message"]) for item in outcome.document if item["subject"] == f"provider {name}"]
        return outcome.code, found

    return findings


def test_python_store_and_engines_are_looked_at(cli, tmp_path, plug_in):
    plug_in("well", WELL)
    outcome = cli("doctor", "--provider", "well", "--json")
    subjects = {item["subject"]: item for item in outcome.document}
    assert list(subjects) == ["python", "store", "engine process", "engine docker", "provider well"]
    assert subjects["store"] == {"subject": "store", "state": "ok", "message": str(tmp_path / "home")}
    assert outcome.code == 0


def test_a_provider_that_is_well_is_ok(findings):
    assert findings("well", WELL) == (0, [("ok", "")])


def test_each_fault_is_told_with_its_mend_and_the_exit_is_1(findings):
    assert findings("ill", ILL) == (1, [("wrong", "the clock is wrong: set it"), ("wrong", "the key is old: renew it")])


def test_a_provider_that_cannot_be_connected_is_wrong(findings):
    assert findings("denied", DENIED) == (1, [("wrong", "denied: log in")])


@pytest.mark.parametrize("body", [ABSENT, DENIED])
def test_a_provider_that_is_not_set_up_is_wrong_where_it_was_named_and_else_absent(findings, monkeypatch, body):
    monkeypatch.setattr("cloudlayer.providers.registry.provider_names", lambda: ["cumulus"])
    code, [(state, message)] = findings("cumulus", body)
    assert (code, state) == (1, "wrong")
    assert findings("cumulus", None, "--json") == (0, [("absent", message)])


def test_a_store_that_cannot_be_written_is_wrong_with_the_mend(cli, monkeypatch, tmp_path, plug_in):
    plug_in("well", WELL)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLOUDLAYER_HOME", str(tmp_path / "file" / "home"))
    outcome = cli("doctor", "--provider", "well")
    assert outcome.code == 1
    assert "set CLOUDLAYER_HOME to a folder that can be written" in outcome.out


def test_a_docker_engine_that_is_not_there_is_absent_and_not_wrong(cli, monkeypatch, tmp_path, plug_in):
    plug_in("well", WELL)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    outcome = cli("doctor", "--provider", "well", "--json")
    (docker,) = [item for item in outcome.document if item["subject"] == "engine docker"]
    assert docker["state"] == "absent"
    assert docker["message"]
    assert outcome.code == 0


def test_looking_leaves_nothing_behind(cli, tmp_path, plug_in):
    plug_in("well", WELL)
    cli("doctor", "--provider", "well")
    assert list((tmp_path / "home").iterdir()) == []


def test_what_an_engine_cannot_do_here_is_told_and_no_failure(cli, monkeypatch, plug_in):
    plug_in("well", WELL)
    monkeypatch.setattr("cloudlayer.runtime.process.engine.weaknesses", lambda: ["process engine: run as root"])
    outcome = cli("doctor", "--provider", "well", "--json")
    assert {"subject": "engine process", "state": "weak", "message": "run as root"} in outcome.document
    assert outcome.code == 0
