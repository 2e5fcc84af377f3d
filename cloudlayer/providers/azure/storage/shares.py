"""Shares of Azure Files. Each has a storage account of its own, made and deleted with it.

An account's settings are those of all its shares: an NFS share wants one without HTTPS that a network's rule lets in, and an
account's key opens all that is in it. Azure lets a subscription have 250 accounts in a location.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from cloudlayer import labels as names
from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import ACCOUNTS, Things
from cloudlayer.providers.azure.marks import ASKED, MAY_COME, NAME, is_ours, read_labels, same_spec, tags_of
from cloudlayer.providers.azure.options import ShareOverrides
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.resources import Share, ShareSpec, ShareState
from cloudlayer.specs import checked
from cloudlayer.units import GIB, format_size

_ACCOUNT: Final = re.compile(r"clf[0-9a-f]{21}")
"""Accounts' names are Azure's own for the whole world: of 3 to 24 small letters and digits."""
_SHARE: Final = "share"
_LARGEST: Final = 102_400
_LARGEST_PLAIN: Final = 5_120
"""GiB; a standard account takes larger ones once it is set up for them."""
_SMALLEST_PREMIUM: Final = 100


@dataclass(frozen=True, slots=True)
class _Plan:
    """A share that is to be made: its account's name, its size in GiB, and the tags of the account."""

    account: str
    spec: ShareSpec
    overrides: ShareOverrides
    quota: int
    tags: dict[str, str]


class Shares:
    """The shares in one resource group and location."""

    def __init__(self, client: Client, places: Places) -> None:
        self._client = client
        self._places = places
        self._accounts = Things(client, ACCOUNTS)

    def make(self, spec: ShareSpec, token: str, deadline: Deadline) -> Share:
        """The share of this token, with its account, which is waited for: Azure makes no share in one that is not there yet."""
        plan = _planned(spec, token)
        try:
            account = self._accounts.find(plan.account, deadline)
            if account is None:
                account = self._accounts.make(plan.account, self._account(plan, deadline), deadline)
            same_spec(tags_of(account), plan.tags[names.SPEC], plan.account)
            account = self._accounts.settled(plan.account, deadline)
            share = self._share(plan, deadline)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # the first error is the one that counts; what stays is listed as a share
                    self.delete(plan.account, deadline)
            raise
        return self._read(account, share)

    def get(self, id: str, deadline: Deadline) -> Share:
        """The share as it is now; NotFound if it is not there."""
        account = self._found(id, deadline)
        if account is None:
            raise NotFound(f"share {id} is not there", provider="azure", code="ShareNotFound")
        return self._read(account, self._in(id, deadline))

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Share]:
        """Every share of ours that carries all of `labels`; one whose create was broken off is CREATING."""
        accounts = [item for item in self._accounts.all(deadline) if _is_a_shares(item) and is_ours(tags_of(item), labels)]
        return [self._read(account, self._in(account["name"], deadline)) for account in accounts]

    def delete(self, id: str, deadline: Deadline) -> None:
        """Delete the share with its account and all that is in it; one that is not there is no error."""
        if self._found(id, deadline) is not None:
            self._accounts.delete(id, deadline)

    def _account(self, plan: _Plan, deadline: Deadline) -> dict[str, Any]:
        """What makes the account. An NFS share can be mounted from one subnet alone; an SMB share by who has the key."""
        settings: dict[str, Any] = {"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
        if plan.spec.protocol == "nfs":
            subnet = self._subnet(plan.overrides.subnet, deadline)
            rules = {"defaultAction": "Deny", "virtualNetworkRules": [{"id": subnet, "action": "Allow"}]}
            kind, sku = "FileStorage", "Premium_LRS"
            settings |= {"supportsHttpsTrafficOnly": False, "networkAcls": rules}
        else:
            kind, sku = "StorageV2", "Standard_LRS"
            settings |= {"supportsHttpsTrafficOnly": True}
            if plan.quota > _LARGEST_PLAIN:
                settings["largeFileSharesState"] = "Enabled"
        region = self._client.region
        return {"location": region, "kind": kind, "sku": {"name": sku}, "tags": plan.tags, "properties": settings}

    def _subnet(self, named: str | None, deadline: Deadline) -> str:
        """The id of the subnet that an NFS share is mounted from: an account can only name one that has an endpoint for it."""
        return self._places.with_endpoint(named, "Microsoft.Storage", deadline)

    def _share(self, plan: _Plan, deadline: Deadline) -> Any:
        nfs = plan.spec.protocol == "nfs"
        properties = {
            "shareQuota": plan.quota,
            "enabledProtocols": "NFS" if nfs else "SMB",
            "metadata": {"token": UUID(plan.tags[names.TOKEN]).hex},
            **({"rootSquash": "NoRootSquash"} if nfs else {}),
        }
        where = (self._client.group, plan.account, _SHARE)
        return self._client.call(
            *("storage", "file_shares.create", *where, {"properties": properties}), deadline=deadline, making="shares"
        )

    def _in(self, account: str, deadline: Deadline) -> Any:
        """The share in an account; None if it is not there."""
        return self._client.find("storage", "file_shares.get", self._client.group, account, _SHARE, deadline=deadline)

    def _found(self, id: str, deadline: Deadline) -> Any:
        """A share's account; None if it is not there. Azure refuses to look for what is no name of an account."""
        if _ACCOUNT.fullmatch(id):
            found = self._accounts.find(id, deadline)
            return found if found is not None and is_ours(tags_of(found)) else None
        self._accounts.all(deadline)  # Azure is asked all the same: whoever may not ask is told so
        return None

    def _read(self, account: Mapping[str, Any], share: Mapping[str, Any] | None) -> Share:
        tags, properties = tags_of(account), account["properties"]
        protocol: Any = "nfs" if account.get("kind") == "FileStorage" else "smb"
        ready = share is not None and properties.get("provisioningState") == "Succeeded"
        quota = (share or {}).get("properties", {}).get("shareQuota") or tags.get(ASKED) or 0
        return Share(
            account["name"],
            "azure",
            self._client.region,
            state=ShareState.READY if ready else ShareState.CREATING,
            size=int(quota) * GIB,
            protocol=protocol,
            mount_command=_mount_command(account, protocol) if ready else None,
            name=tags.get(NAME),
            labels=read_labels(tags),
            created_at=_time(properties.get("creationTime")),
            native={"account": account, "share": share},
        )


def _planned(spec: ShareSpec, token: str) -> _Plan:
    """What is to be made; InvalidSpec for what Azure has not."""
    overrides = checked(ShareOverrides, spec.overrides, "overrides")
    quota = math.ceil(spec.size / GIB)
    if spec.protocol == "nfs":
        quota = max(quota, _SMALLEST_PREMIUM)
    elif overrides.subnet is not None:
        raise InvalidSpec("overrides.subnet: is for NFS; an SMB share can be mounted from wherever its key is: leave it out")
    if quota > _LARGEST:
        raise InvalidSpec(f"size: {format_size(spec.size)} is too large: a share has at most {format_size(_LARGEST * GIB)}")
    tags = {
        **spec.labels,
        names.TOKEN: token,
        names.SPEC: fingerprint([spec]),
        ASKED: str(quota),
        **({NAME: spec.name} if spec.name else {}),
    }
    return _Plan(f"clf{UUID(token).hex[:21]}", spec, overrides, quota, tags)


def _is_a_shares(account: Mapping[str, Any]) -> bool:
    return _ACCOUNT.fullmatch(str(account["name"])) is not None


def _mount_command(account: Mapping[str, Any], protocol: str) -> str:
    """A line for the shell that mounts the share at /mnt/ACCOUNT.

    For SMB the file that it names holds two lines, "username=ACCOUNT" and "password=KEY", with one of the account's keys, and
    is readable to root alone.
    """
    name = account["name"]
    endpoint = str(
        (account["properties"].get("primaryEndpoints") or {}).get("file") or f"https://{name}.file.core.windows.net/"
    )
    host, point = urlsplit(endpoint).hostname, f"/mnt/{name}"
    if protocol == "nfs":
        mount = f"mount -t nfs {host}:/{name}/{_SHARE} {point} -o vers=4,minorversion=1,sec=sys"
    else:
        options = f"vers=3.1.1,credentials=/etc/smbcredentials/{name}.cred,serverino,nosharesock,actimeo=30,mfsymlinks"
        mount = f"mount -t cifs //{host}/{_SHARE} {point} -o {options}"
    return f"sudo mkdir -p {point} && sudo {mount}"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
