"""Azure's swagger files: operations by verb and path, and what a schema has along allOf and discriminators."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent / "swagger" / "specification"
PLANES = {
    "microsoft.compute": (
        "compute/resource-manager/Microsoft.Compute/stable/2021-03-01/compute.json",
        "compute/resource-manager/Microsoft.Compute/stable/2020-12-01/disk.json",
        "network/resource-manager/Microsoft.Network/stable/2021-02-01/vmssNetworkInterface.json",
        "network/resource-manager/Microsoft.Network/stable/2021-02-01/vmssPublicIpAddress.json",
    ),
    "microsoft.network": tuple(
        f"network/resource-manager/Microsoft.Network/stable/2021-02-01/{name}.json"
        for name in (
            *("applicationGateway", "applicationSecurityGroup", "loadBalancer", "natGateway", "networkInterface"),
            *("networkProfile", "networkSecurityGroup", "networkWatcher", "privateEndpoint", "privateLinkService"),
            *("publicIpAddress", "routeTable", "serviceEndpointPolicy", "virtualNetwork", "virtualNetworkTap"),
        )
    ),
    "microsoft.insights": ("monitor/resource-manager/Microsoft.Insights/stable/2015-04-01/autoscale_API.json",),
    "microsoft.storage": (
        "storage/resource-manager/Microsoft.Storage/stable/2021-04-01/storage.json",
        "storage/resource-manager/Microsoft.Storage/stable/2021-04-01/file.json",
    ),
}
"""The files whose operations there are, by the namespace that a path ends in."""

COMMON = ROOT / "common-types/resource-management/v2/types.json"


@dataclass(frozen=True)
class Operation:
    """One operation of a swagger file; `pattern` has a group for each of the path's parameters."""

    id: str
    verb: str
    template: str
    pattern: re.Pattern
    version: str
    file: Path
    parameters: tuple
    responses: dict
    long: bool

    @property
    def body(self):
        """The body's parameter and the file that it stands in; None where there is no body."""
        return next(((node, file) for node, file in self.parameters if node["in"] == "body"), None)


@dataclass
class Flat:
    """A schema with its ancestors' properties, each with the file that it stands in."""

    properties: dict
    required: set
    discriminator: str | None
    additional: object
    file: Path


def plain(url):
    """A URL's path as ARM compares it, unquoted and without doubled slashes."""
    return "/" + re.sub(r"/+", "/", unquote(urlsplit(url).path)).strip("/")


def namespace(path):
    """The resource provider that a path leads to, in lower case; empty if none."""
    found = re.findall(r"/providers/([^/]+)", path, re.IGNORECASE)
    return found[-1].lower() if found else ""


def find(verb, url):
    """The operations (of one version each) for a verb and a URL."""
    path = plain(url)
    candidates = _operations(_plane(path)).get((verb.upper(), path.count("/")), ())
    return [operation for operation in candidates if operation.pattern.fullmatch(path)]


def operations():
    """Every operation of every file."""
    return [operation for plane in PLANES for shape in _operations(plane).values() for operation in shape]


def _plane(path):
    # the files of scale sets' network interfaces stand with Microsoft.Network, their paths with Microsoft.Compute
    return namespace(path)


@cache
def _operations(plane):
    """A namespace's operations by verb and depth, the most literal paths first. Read when it is first asked for."""
    found = {}
    for name in PLANES.get(plane, ()):
        for operation in _of_file(ROOT / name):
            if namespace(operation.template) == plane:
                found.setdefault((operation.verb, operation.template.count("/")), []).append(operation)
    for shape in found.values():
        shape.sort(key=lambda operation: operation.template.count("{"))
    return found


def _of_file(file):
    document = load(file)
    for template, item in (document.get("paths", {}) | document.get("x-ms-paths", {})).items():
        shared = item.get("parameters", [])
        for verb, node in item.items():
            if verb != "parameters":
                yield _operation(document, file, template, verb, node, shared)


def _operation(document, file, template, verb, node, shared):
    parts = re.split(r"\{(\w+)\}", template.split("?")[0].rstrip("/"))
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return Operation(
        node["operationId"],
        verb.upper(),
        template.rstrip("/"),
        re.compile(pattern, re.IGNORECASE),
        document["info"]["version"],
        file,
        tuple(deref(parameter, file) for parameter in shared + node.get("parameters", [])),
        node["responses"],
        node.get("x-ms-long-running-operation", False),
    )


@cache
def load(file):
    """A swagger file's document."""
    return json.loads(file.read_text("utf-8-sig"))


def deref(node, file):
    """Follow $ref, into other files too: the node and its file."""
    while "$ref" in node:
        name, _, pointer = node["$ref"].partition("#/")
        file = (file.parent / name).resolve() if name else file
        node = load(file)
        for part in pointer.split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
    return node, file


def flatten(node, file):
    """A schema's properties with those of its ancestors."""
    flat = Flat({}, set(), node.get("discriminator"), node.get("additionalProperties"), file)
    for base in node.get("allOf", []):
        above = flatten(*deref(base, file))
        flat.properties |= above.properties
        flat.required |= above.required
        flat.discriminator = flat.discriminator or above.discriminator
        flat.additional = above.additional if flat.additional is None else flat.additional
    flat.properties |= {name: (value, file) for name, value in node.get("properties", {}).items()}
    needed = node.get("required", [])
    flat.required |= set(needed if isinstance(needed, list) else ())  # what a parameter has there is a flag
    return flat


def subtypes(node, file):
    """The schemas of a file by the discriminator's value that chooses them."""
    found = {}
    for name, other in load(file).get("definitions", {}).items():
        if other is node or "allOf" in other:
            found[name] = other
            found[other.get("x-ms-discriminator-value", name)] = other
    return found
