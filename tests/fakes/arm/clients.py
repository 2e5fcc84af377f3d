"""Azure's own SDKs at the fake's address."""

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.storage import StorageManagementClient

OPTIONS = {"polling_interval": 0, "retry_total": 0}


class LocalAuth(SansIOHTTPPolicy):
    """The SDKs send no token over plain http; as `authentication_policy` this is accepted instead of one."""

    def on_request(self, request):
        """A header that the fake asks for and nobody checks."""
        request.http_request.headers["Authorization"] = "Bearer local"


class Clients:
    """The SDKs' groups of operations, each at the API version that the fake's schemas are of."""

    def __init__(self, fake):
        options = OPTIONS | {"base_url": fake.url, "authentication_policy": LocalAuth()}
        compute, network, monitor = (
            kind(object(), fake.subscription, **options)
            for kind in (ComputeManagementClient, NetworkManagementClient, MonitorManagementClient)
        )
        self.compute = _Versioned(compute, "2021-03-01")
        self.disks = _Versioned(compute, "2020-12-01")
        self.skus = _Versioned(compute, "2021-07-01")
        self.network = _Versioned(network, "2021-02-01")
        self.members = _Versioned(network, "2018-10-01")
        self.autoscale = _Versioned(monitor, "2015-04-01")
        self.monitor = monitor
        self.storage = StorageManagementClient(object(), fake.subscription, api_version="2021-04-01", **options)


class _Versioned:
    """A client whose methods are called with an API version."""

    def __init__(self, client, version):
        self._client = client
        self._version = version

    def __getattr__(self, group):
        return _Group(getattr(self._client, group), self._version)


class _Group:
    def __init__(self, group, version):
        self._group = group
        self._version = version

    def __getattr__(self, name):
        method = getattr(self._group, name)
        return lambda *arguments, **options: method(*arguments, api_version=self._version, **options)
