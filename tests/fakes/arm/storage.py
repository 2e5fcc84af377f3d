"""Storage accounts, their keys, and their file shares."""

import base64
import hashlib
import re

from tests.fakes.arm.compute.disks import now
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind, snapshot
from tests.fakes.rest.server import Answer

NAME = re.compile(r"[a-z0-9]{3,24}")
SHARE = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
LARGE = 102_400
STANDARD = range(1, 5_121)
PREMIUM = range(100, LARGE + 1)
"""The sizes of shares in GiB: of accounts without large shares, and of FileStorage accounts."""


class StorageAccounts(Kind):
    """Microsoft.Storage/storageAccounts. A new one is told of by a Location alone."""

    type = "storageAccounts"
    namespace = "Microsoft.Storage"
    immutable = ("location", "kind", "properties.isHnsEnabled")
    busy = "StorageAccountOperationInProgress"

    def actions(self):
        """Keys and names."""
        return {
            "StorageAccounts_ListKeys": lambda request: Answer(200, {"keys": self._keys(self.found(request))}),
            "StorageAccounts_RegenerateKey": self.regenerate,
            "StorageAccounts_CheckNameAvailability": self.available,
        }

    def check(self, request, body, old):
        """Names are everybody's; file storage is premium."""
        if not NAME.fullmatch(request.name):
            raise Refusal(
                "AccountNameInvalid",
                f"{request.name} is not a valid storage account name: 3 to 24 digits and lower-case letters.",
            )
        if old is None and request.name in self.cloud.options.taken:
            raise Refusal("StorageAccountAlreadyTaken", f"The storage account named {request.name} is already taken.", 409)
        premium = body["sku"]["name"].lower().startswith("premium")
        if (body["kind"].lower() == "filestorage") > premium:
            raise Refusal("InvalidAccountType", f"The account type {body['sku']['name']} is not for {body['kind']}.")

    def document(self, request, body, old):
        """Endpoints and defaults."""
        body["sku"]["tier"] = body["sku"]["name"].partition("_")[0].capitalize()
        given = body.get("properties", {})
        made = (
            dict(old.properties)
            if old
            else {"creationTime": now(), "primaryLocation": body["location"], "statusOfPrimary": "available"}
        )
        made.setdefault("supportsHttpsTrafficOnly", True)
        made.setdefault(
            "networkAcls", {"bypass": "AzureServices", "defaultAction": "Allow", "virtualNetworkRules": [], "ipRules": []}
        )
        made["primaryEndpoints"] = {"file": f"https://{request.name}.file.core.windows.net/"}
        body["properties"] = made | given
        return body

    def change(self, request, resource, before):
        """A new account takes its time, a change does not."""
        if before is not None:
            self.touch(resource)
            return Answer(200, self.render(resource))
        resource.private["generation"] = {"key1": 0, "key2": 0}
        answer = super().change(request, resource, before)
        answer.headers.pop("Azure-AsyncOperation")
        return answer

    def removed(self, resource):
        """The shares go with their account."""
        for share in self.resources.of(Shares.type, resource.id):
            self.resources.remove(share)

    def blockers(self, resource):
        """Nobody keeps an account."""
        return []

    def regenerate(self, request):
        """POST of regenerateKey."""
        resource = self.found(request)
        name = request.body["keyName"]
        if name not in resource.private["generation"]:
            raise Refusal("InvalidParameter", f"There is no key {name}.", target="keyName")
        resource.private["generation"][name] += 1
        return Answer(200, {"keys": self._keys(resource)})

    def available(self, request):
        """POST of checkNameAvailability."""
        name = request.body["name"]
        taken = name in self.cloud.options.taken or any(held.name == name for held in self.resources.of(self.type))
        if not NAME.fullmatch(name):
            return Answer(
                200, {"nameAvailable": False, "reason": "AccountNameInvalid", "message": f"{name} is not a valid name."}
            )
        if taken:
            return Answer(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": f"{name} is already taken."})
        return Answer(200, {"nameAvailable": True})

    def _keys(self, resource):
        keys = resource.private["generation"].items()
        return [
            {"keyName": name, "permissions": "FULL", "value": _key(resource, name, generation)} for name, generation in keys
        ]


class Shares(Kind):
    """Microsoft.Storage/storageAccounts/fileServices/shares, which are there at once."""

    type = "storageAccounts/fileServices/shares"
    namespace = "Microsoft.Storage"

    def handlers(self):
        """The service between an account and its shares has but one name, and so is no type in the paths."""
        return {
            "FileShares_Create": self.put,
            "FileShares_Update": self.patch,
            "FileShares_Get": self.get,
            "FileShares_List": self.list,
            "FileShares_Delete": self.delete,
        }

    def put(self, request):
        """PUT: one that is there stays as it is."""
        self._account(request)
        old = self.resources.get(request.id)
        return Answer(200, self.render(old)) if old else super().put(request)

    def list(self, request):
        """GET of an account's shares."""
        self._account(request)
        return super().list(request)

    def delete(self, request):
        """DELETE."""
        self._account(request)
        return super().delete(request)

    def patch(self, request):
        """PATCH."""
        wanted = snapshot(self.found(request).document)
        wanted["properties"] |= request.body.get("properties", {})
        self.check(request, wanted, self.found(request))
        return super().patch(request)

    def check(self, request, body, old):
        """The size that the account can have, and its protocol."""
        account = self._account(request)
        properties = body.setdefault("properties", {})
        premium = account.document["kind"].lower() == "filestorage"
        large = account.properties.get("largeFileSharesState", "").lower() == "enabled"
        sizes = PREMIUM if premium else range(1, LARGE + 1) if large else STANDARD
        if not SHARE.fullmatch(request.name):
            raise Refusal("InvalidResourceName", f"The specified resource name {request.name} contains invalid characters.")
        if "shareQuota" in properties and properties["shareQuota"] not in sizes:
            raise Refusal(
                "InvalidHeaderValue", f"The share quota {properties['shareQuota']} is not from {sizes[0]} to {sizes[-1]}."
            )
        if properties.get("enabledProtocols", "SMB").upper() == "NFS" and not premium:
            raise Refusal("FeatureNotSupportedForAccount", "NFS is not supported for the account.")
        if old and properties.get("enabledProtocols", "SMB") != old.properties["enabledProtocols"]:
            raise Refusal("InvalidRequestPropertyValue", "The protocol of a share cannot be changed.")

    def document(self, request, body, old):
        """Defaults."""
        premium = self._account(request).document["kind"].lower() == "filestorage"
        properties = body["properties"]
        properties.setdefault("shareQuota", 102_400 if premium else 5_120)
        properties.setdefault("enabledProtocols", "SMB")
        properties.setdefault("accessTier", "Premium" if premium else "TransactionOptimized")
        if properties["enabledProtocols"].upper() == "NFS":
            properties.setdefault("rootSquash", "NoRootSquash")
        return body

    def dress(self, resource, document):
        """A share has no provisioning state; an etag it has."""
        document["properties"].pop("provisioningState")
        digest = hashlib.sha256(repr(resource.document).encode()).hexdigest()[:16].upper()
        document["etag"] = f'"0x{digest}"'
        document["properties"] |= {"lastModifiedTime": now(), "leaseStatus": "Unlocked", "leaseState": "Available"}

    def _account(self, request):
        account = self.resources.get(request.id.partition("/fileServices/")[0])
        if account is None:
            raise Refusal("ResourceNotFound", f"The Resource '{request.id}' was not found: there is no such account.")
        return account


def _key(resource, name, generation):
    secret = f"{resource.key}/{name}/{generation}/{resource.number}".encode()
    return base64.b64encode(hashlib.sha512(secret).digest()).decode()
