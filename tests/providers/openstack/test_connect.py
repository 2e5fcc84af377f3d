"""How OpenStack is connected: clouds.yaml, variables, options, and what is told when they are wrong."""

import pytest
import yaml

import cloudlayer
from cloudlayer.errors import AuthError, CloudError, InvalidSpec
from cloudlayer.providers import openstack
from cloudlayer.providers.openstack.capabilities import DECLARED, Declared

AUTH = {"auth_url": "http://127.0.0.1:9/v3", "username": "u", "password": "p", "project_name": "p"}
DOMAINS = {"user_domain_id": "default", "project_domain_id": "default"}


@pytest.fixture
def clouds(tmp_path, monkeypatch):
    """A clouds.yaml with clouds that do not answer."""
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "clouds.yaml"
    entries = {name: {"auth": {**AUTH, **DOMAINS}, "region_name": f"region-{name}"} for name in ("one", "two")}
    entries["many"] = {"auth": {**AUTH, **DOMAINS}, "regions": ["first", "second"]}
    file.write_text(yaml.safe_dump({"clouds": entries}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))


def test_the_cloud_is_the_options_or_the_variables(clouds, monkeypatch):
    monkeypatch.setenv("OS_CLOUD", "two")
    assert cloudlayer.connect("openstack").region == "region-two"
    assert cloudlayer.connect("openstack", cloud="one").region == "region-one"


def test_the_region_is_the_names_suffix(clouds):
    assert cloudlayer.connect("openstack:second", cloud="many").region == "second"
    with pytest.raises(InvalidSpec, match="first"):
        cloudlayer.connect("openstack:third", cloud="many")


def test_variables_are_enough(clouds, monkeypatch):
    variables = {"OS_AUTH_URL": AUTH["auth_url"], "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "p"}
    for name, value in {**variables, "OS_REGION_NAME": "here", "OS_USER_DOMAIN_ID": "default"}.items():
        monkeypatch.setenv(name, value)
    assert cloudlayer.connect("openstack").region == "here"


def test_a_cloud_that_is_not_there_is_told_with_its_mend(clouds):
    with pytest.raises(InvalidSpec, match=r"three.*clouds\.yaml"):
        cloudlayer.connect("openstack", cloud="three")


def test_without_any_credentials_the_mend_is_told(clouds, monkeypatch, tmp_path):
    empty = tmp_path / "empty.yaml"
    empty.write_text("clouds: {}\n")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(empty))
    with pytest.raises((AuthError, InvalidSpec), match=r"clouds\.yaml"):
        cloudlayer.connect("openstack")


def test_an_unknown_option_is_refused(clouds):
    with pytest.raises(InvalidSpec, match="colour"):
        cloudlayer.connect("openstack", cloud="one", colour="blue")


def test_a_cloud_that_does_not_answer_is_told_by_check(clouds):
    (line,) = cloudlayer.connect("openstack", cloud="one").check()
    assert "reachable" in line and "auth_url" in line


def test_what_needs_no_service_of_its_own_is_told_without_a_call(clouds):
    capabilities = cloudlayer.connect("openstack", cloud="one").capabilities
    assert capabilities["on_demand"]
    assert "spot" in capabilities.items and not capabilities["spot"]
    with pytest.raises(CloudError):
        capabilities["volumes"]


def test_a_service_that_the_catalogue_lacks_is_a_reason():
    asked = []
    declared = Declared(lambda service: asked.append(service) or service != "load-balancer", DECLARED)
    assert not declared["balancer_tcp"]
    assert "Octavia" in declared["balancer_tcp"].reason
    assert "Octavia" in declared["load_balancing"].reason
    assert declared["volumes"]
    assert asked.count("load-balancer") == 1


def test_prices_are_a_capability_where_there_is_a_list(clouds, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text("region,flavor,price_h,currency,source,as_of\n")
    assert not cloudlayer.connect("openstack", cloud="one").capabilities["prices"]
    assert cloudlayer.connect("openstack", cloud="one", prices=str(prices)).capabilities["prices"]


def test_the_roles_are_told_as_commands():
    told = openstack.policy()
    assert "openstack role add --user USER --project PROJECT member" in told.splitlines()
    assert "openstack application credential create" in told
