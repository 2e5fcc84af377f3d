from cloudlayer.providers.registry import provider_names

BROKEN = 'from cloudlayer.errors import Unsupported\nraise Unsupported("needs the package cumulus", provider="broken")'


def test_every_installed_provider_is_listed_with_what_it_can_do(cli):
    outcome = cli("providers", "--json")
    assert outcome.code == 0
    listed = {item["provider"]: item for item in outcome.document}
    assert sorted(listed) == provider_names()
    assert listed["simulated"]["capabilities"]["spot"] == {"supported": True, "reason": ""}


def test_what_cannot_be_done_has_its_reason(cli):
    (simulated,) = cli("providers", "--provider", "simulated", "--json").document
    missing = {name: item["reason"] for name, item in simulated["capabilities"].items() if not item["supported"]}
    assert missing
    assert all(missing.values())


def test_a_provider_that_cannot_be_connected_is_listed_with_the_reason(cli, plug_in):
    plug_in("broken", BROKEN)
    outcome = cli("providers", "--provider", "broken", "--provider", "simulated")
    assert outcome.code == 0
    assert "needs the package cumulus" in next(line for line in outcome.out.splitlines() if line.startswith("broken"))
    assert any(line.startswith("simulated") for line in outcome.out.splitlines())
