"""The OpenStack that the tests use: real services, found as openstacksdk finds them, reached directly and through the proxy."""

import os
from pathlib import Path

import openstack
import yaml
from openstack.config import OpenStackConfig

from tests.fakes.openstack.proxy import Proxy

NAME = "through-the-proxy"
SETTINGS = ("auth", "auth_type", "region_name", "interface", "identity_api_version", "verify", "cacert")


def missing():
    """Why there is no OpenStack to test on; empty if there is."""
    if not (os.environ.get("OS_CLOUD") or os.environ.get("OS_AUTH_URL")):
        return "no OpenStack is told: make openstack-up, and set OS_CLIENT_CONFIG_FILE and OS_CLOUD as it says"
    try:
        openstack.connect(app_name="cloudlayer-tests").authorize()
    except Exception as error:  # whatever the SDK raises, there is no OpenStack here
        return f"OpenStack does not answer: {error}"
    return ""


class RealCloud:
    """`direct` is openstacksdk's connection to the services, `proxy` stands before them, `name` is the proxied cloud's."""

    def __init__(self, folder: Path):
        config = OpenStackConfig().get_one()
        self.direct = openstack.connection.Connection(config=config)
        self.proxy = Proxy(config.config["auth"]["auth_url"])
        settings = {name: config.config[name] for name in SETTINGS if config.config.get(name) is not None}
        settings["auth"] = {**config.config["auth"], "auth_url": self.proxy.url}
        self.file = folder / "clouds.yaml"
        self.file.write_text(yaml.safe_dump({"clouds": {NAME: settings}}))

    def close(self):
        """Let go of the services."""
        self.proxy.close()
        self.direct.close()
