"""Every recorded operation through today's azure-mgmt packages.

Each is mapped to the SDK's method of the same verb and path, which is read from the SDK's own request builders, and called
with the recorded body. It passes when the call succeeds where Azure answered 2xx, and raises HttpResponseError with the
recorded status where Azure refused, or where the operation failed later.
"""

import importlib
import inspect
import itertools
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, urlsplit

from azure.core.exceptions import HttpResponseError

from tests.fakes.arm.clients import LocalAuth
from tests.fakes.arm.recorded.replay import Replay
from tests.fakes.arm.swagger import namespace, plain

CLIENTS = {
    "microsoft.compute": ("azure.mgmt.compute", "ComputeManagementClient"),
    "microsoft.network": ("azure.mgmt.network", "NetworkManagementClient"),
    "microsoft.insights": ("azure.mgmt.monitor", "MonitorManagementClient"),
}


@dataclass(frozen=True)
class SdkMethod:
    """One method of an SDK: its group, its name without begin_, its verb and path."""

    group: str
    name: str
    verb: str
    pattern: re.Pattern


@dataclass
class Result:
    """What came of one recorded operation: ok, fail, or unmapped where today's SDK has no method for it."""

    cassette: str
    operation: str
    state: str
    detail: str = ""


def drive(name, interactions):
    """The results of one cassette's operations."""
    server = Replay(interactions)
    clients = {}
    try:
        for interaction in _operations(interactions):
            yield _driven(server, clients, name, interaction, interactions)
    finally:
        server.close()


def _operations(interactions):
    """The interactions that a program asked for; polls and the last GET of an operation come of them by themselves."""
    last = ("", "")
    for interaction in interactions:
        if interaction.is_poll:
            continue
        before, last = last, (interaction.method, plain(interaction.url))
        if interaction.method == "GET" and before[1] == last[1] and before[0] != "GET":
            continue
        yield interaction


def _driven(server, clients, name, interaction, interactions):
    path = plain(interaction.url)
    label = f"{interaction.method} {path.rpartition('/providers/')[2]}"
    provider = namespace(path)
    method = _method(provider, interaction.method, path)
    if method is None:
        return Result(name, label, "unmapped")
    client = _client(server, clients, provider, path)
    refused = interaction.status >= 400
    fails = refused or _fails_later(interactions, interaction)
    try:
        _call(client, method, path, interaction)
    except HttpResponseError as error:
        good = error.status_code == interaction.status if refused else fails
        return Result(name, label, "ok" if good else "fail", f"{error.status_code} {error.message}"[:160])
    except Exception as error:
        return Result(name, label, "fail", f"{type(error).__name__} {error}"[:160])
    return Result(name, label, "fail" if fails else "ok", "no error was raised" if fails else "")


def _client(server, clients, provider, path):
    subscription = next(iter(re.findall(r"/subscriptions/([^/]+)", path)), "none")
    known = provider, subscription
    if known not in clients:
        package, kind = CLIENTS[provider]
        options = {"base_url": server.url, "authentication_policy": LocalAuth(), "polling_interval": 0, "retry_total": 0}
        clients[known] = getattr(importlib.import_module(package), kind)(object(), subscription, **options)
    return clients[known]


def _call(client, method, path, interaction):
    """Call an SDK's method with the recorded query and body, and wait for its end."""
    group = getattr(client, method.group)
    function = getattr(group, next(name for name in (f"begin_{method.name}", method.name) if hasattr(group, name)))
    given = {name: value for name, value in method.pattern.fullmatch(path).groupdict().items() if name != "subscription_id"}
    accepted = inspect.signature(function).parameters.values()
    named = {parameter.name for parameter in accepted if parameter.kind is parameter.KEYWORD_ONLY}
    query = {_snake(name.lstrip("$")): value for name, value in parse_qsl(urlsplit(interaction.url).query)}
    given |= {name: value for name, value in query.items() if name in named}
    free = [one.name for one in accepted if one.name not in given and one.kind is one.POSITIONAL_OR_KEYWORD]
    if interaction.asked is not None and free:
        given[free[0]] = interaction.asked
    result = function(**given)
    if hasattr(result, "result"):
        return result.result(timeout=30)
    return list(result) if hasattr(result, "by_page") else result


def _fails_later(interactions, interaction):
    """Whether the polls right after an operation were answered with a failure."""
    at = next(number for number, one in enumerate(interactions) if one is interaction)
    polls = itertools.takewhile(lambda one: one.is_poll, interactions[at + 1 :])
    return any(re.search(rb'"status":\s*"(Failed|Canceled)"', poll.body) for poll in polls)


def _method(provider, verb, path):
    if provider not in CLIENTS:
        return None
    methods = sdk_methods(CLIENTS[provider][0])
    return next((method for method in methods if method.verb == verb and method.pattern.fullmatch(path)), None)


@cache
def sdk_methods(package):
    """Every method of an SDK, the most literal paths first."""
    folder = importlib.import_module(f"{package}.operations")
    names = [info.name for info in pkgutil.iter_modules(folder.__path__)]
    modules = [name for name in names if name != "_patch" and name.endswith("_operations")]
    found = [method for name in modules for method in _of_module(package, name)]
    return sorted(found, key=lambda method: method.pattern.pattern.count("(?P<"))


def _of_module(package, name):
    module = importlib.import_module(f"{package}.operations.{name}")
    single = name.strip("_").removesuffix("_operations") if name != "_operations" else None
    classes = {kind.removesuffix("Operations").lower() for kind in vars(module) if kind.endswith("Operations")}
    for function, builder in vars(module).items():
        hit = re.fullmatch(r"build_(\w+)_request", function)
        method = _of_builder(builder, hit.group(1), single, classes) if hit else None
        if method:
            yield method


def _of_builder(builder, words, single, classes):
    source = inspect.getsource(builder)
    path, verb = re.search(r'"(/[^"]*)"', source), re.search(r'HttpRequest\(method="(\w+)"', source)
    parts = words.split("_")
    heads = ["_".join(parts[:count]) for count in range(1, len(parts))]
    group = single or max((head for head in heads if head.replace("_", "") in classes), key=len, default="")
    if not (path and verb and group):
        return None
    names = dict(re.findall(r'"(\w+)": _SERIALIZER\.url\(\s*"(\w+)"', source))
    name = words.removeprefix("" if single else f"{group}_")
    return SdkMethod(group, name, verb.group(1), _pattern(path.group(1), names))


def _pattern(path, names):
    parts = re.split(r"\{(\w+)\}", path.rstrip("/"))
    wide = "" if parts[0].strip("/") else parts[1:2]  # the id of a whole resource, as in /{resourceUri}/providers/...
    texts = [
        f"(?P<{names[part]}>{'.+' if part in wide else '[^/]+'})" if at % 2 else re.escape(part)
        for at, part in enumerate(parts)
    ]
    return re.compile("".join(texts), re.IGNORECASE)


def _snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
