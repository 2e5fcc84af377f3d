"""`Fleet`: functions on machines that are bought for them, as a manifest says; one resource for the whole fleet.

What is compared is what was asked for: how many machines there are now is the fleet's own matter, and no difference. The
process that buys and serves runs on this host and outlives the program; its state is in the home, as that of `cloudlayer up`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import pulumi
from pulumi import Input, Output
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN
from pydantic import Field

from cloudlayer.fleet.home import Home
from cloudlayer.infra import costs, manifests
from cloudlayer.infra.declaring import urn_of
from cloudlayer.infra.errors import ResourceError, told
from cloudlayer.infra.inputs import LOGICAL, OWNER
from cloudlayer.infra.life import ASKED, DRIFTED
from cloudlayer.infra.manifests import MANIFEST, SOURCES, Written
from cloudlayer.infra.marks import Mark
from cloudlayer.infra.owner import stack_owner
from cloudlayer.infra.values import fingerprint, plain
from cloudlayer.specs import Duration, Spec, faults

if TYPE_CHECKING:
    from cloudlayer.infra.serving import Served, Wish

HOME: Final = "home"
SERVE: Final = "serve"
KEY: Final = "key"
API_KEY: Final = "api_key"
DEPLOYED: Final = "deployed"
PROVIDERS: Final = "providers"
TIMEOUT: Final = 900.0
"""Seconds after which a fleet that is not up has failed, unless another time is given."""


class Settings(Spec):
    """The inputs beside the manifest."""

    home: str
    host: str
    port: Annotated[int, Field(ge=0, le=65535)]
    serve: bool
    timeout: Duration
    key: str | None = None


_COMPARED: Final = (HOME, "host", "port", SERVE, KEY)


class FleetLife(ResourceProvider):
    """The life of a fleet."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """What is wrong with the manifest, place by place, and with the rest; what a preview does not know is not judged."""
        document = plain(news)
        asked = {name: document[name] for name in Settings.model_fields if name in document}
        wrong = [(place, why) for place, why in faults(Settings, asked) if asked.get(str(place[0])) != UNKNOWN]
        found = [CheckFailure(str(place[0]), why) for place, why in wrong]
        return CheckResult(news, [*manifests.failures(document[MANIFEST]), *found])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """What is asked for otherwise than before, or has drifted. Another name, home or cloud replaces the fleet."""
        before, now = plain(_olds), plain(_news)
        asked, wanted = before.get(ASKED, {}), _fingerprints(now, before[OWNER])
        changed = {name for name in asked.keys() | wanted.keys() if asked.get(name) != wanted.get(name)}
        replaces = sorted((changed & {HOME}) | ({MANIFEST} if _is_another(before, now[MANIFEST]) else set()))
        return DiffResult(bool(changed or before[DRIFTED]), replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Deploy the fleet, serve it and wait until it is settled. A create that was broken off is gone on with."""
        document = plain(props)
        with _doing(f"create fleet {manifests.name_of(document[MANIFEST])}"):
            from cloudlayer.infra import serving

            wish = _wish(document, document.get(KEY) or serving.new_key())
            return CreateResult(wish.name, _outputs(document, wish, serving.bring_up(wish)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Whether the fleet is still what was deployed, and served; none where it is gone."""
        before = plain(props)
        with _doing(f"read fleet {id_}"):
            from cloudlayer.infra import serving

            served = {SERVE: before[SERVE], KEY: before[API_KEY], DEPLOYED: before[DEPLOYED]}
            drifted = serving.drifted(Home(Path(before[HOME])), id_, before[OWNER], served)
        return ReadResult("", {}) if drifted is None else ReadResult(id_, {**before, DRIFTED: drifted})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Deploy what differs, serve it where it is to be, and wait until it is settled."""
        before, document = plain(_olds), {**plain(_news), OWNER: plain(_olds)[OWNER]}
        with _doing(f"update fleet {_id}"):
            from cloudlayer.infra import serving

            was_given = KEY in before[ASKED]
            wish = _wish(document, document.get(KEY) or (serving.new_key() if was_given else before[API_KEY]))
            return UpdateResult(_outputs(document, wish, serving.bring_to(wish)))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Take the fleet down; returns when nothing of it is left."""
        before = plain(_props)
        with _doing(f"delete fleet {_id}"):
            from cloudlayer.infra import serving

            serving.take_down(Home(Path(before[HOME])), _id, before[OWNER])


class Fleet(Resource, module="cloudlayer", name="Fleet"):
    """A fleet, deployed and served on the host where the program runs.

    `manifest` is the path of a fleet.toml, or what would stand in it as a dictionary, in which values may be outputs; paths in
    it are relative to the file, or to the program's folder. `home` is the folder of the fleet's state, CLOUDLAYER_HOME or
    ~/.cloudlayer without one. With `serve` a process of its own buys machines and answers calls at `host` and `port` (0: any
    that is free); without, whoever serves the home does. `key` is what callers need; without one, one is made. A fleet that is
    not up after `timeout` (900 s) has failed. Another name of the fleet, another home, and providers of which it had none
    before replace it; all else changes in place.

    `functions` are its functions' versions, as "namespace/Name/1.0.0".
    """

    url: Output[str | None]
    name: Output[str]
    functions: Output[list[str]]
    api_key: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        manifest: Input[Written],
        home: Input[str] | None = None,
        host: Input[str] = "127.0.0.1",
        port: Input[int] = 8080,
        serve: Input[bool] = True,
        key: Input[str] | None = None,
        timeout: Input[str | float] = TIMEOUT,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if opts is not None and opts.delete_before_replace is False:
            raise ValueError(f"{resource_name}: delete_before_replace=False cannot be had: two fleets cannot share an address")
        usual = pulumi.ResourceOptions(delete_before_replace=True, additional_secret_outputs=[API_KEY])
        options = pulumi.ResourceOptions.merge(usual, opts)
        document, sources = manifests.declared(manifest)
        kind = f"pulumi-python:{self._resource_type_name}"
        inputs = {
            MANIFEST: document,
            SOURCES: sources,
            HOME: home or str(Home.from_environment().path),
            "host": host,
            "port": port,
            SERVE: serve,
            KEY: None if key is None else Output.secret(key),
            "timeout": timeout,
            OWNER: stack_owner(),
            LOGICAL: urn_of(resource_name, kind, options.parent),
        }
        outputs = dict.fromkeys(("url", "name", "functions", API_KEY, DRIFTED))
        super().__init__(FleetLife(), resource_name, {**outputs, **inputs}, options)
        costs.tell_fleet(self, document, inputs[HOME])


@contextmanager
def _doing(what: str) -> Iterator[None]:
    """As `told`, where the packages that fleets need may be absent: other resources do without them."""
    with told(what):
        try:
            yield
        except ModuleNotFoundError as error:
            mend = "pip install 'cloudlayer[fleet]'"
            raise ResourceError(f"{what}: fleets need the package {error.name}: {mend}") from None


def _wish(document: Mapping[str, Any], key: str) -> Wish:
    from cloudlayer.infra.serving import Wish

    settings = Settings.model_validate({name: document[name] for name in Settings.model_fields if name in document})
    return Wish(
        manifests.manifest_of(document[MANIFEST]),
        Home(Path(settings.home).absolute()),
        Mark(document[OWNER], document[LOGICAL]),
        settings.host,
        settings.port,
        settings.serve,
        key,
        settings.timeout,
    )


def _is_another(before: Mapping[str, Any], document: Any) -> bool:
    """Whether a manifest asks for another fleet: what runs moves to no other provider by itself, as long as it runs well."""
    if manifests.name_of(document) not in (before["name"], UNKNOWN):
        return True
    providers = manifests.providers_of(document)
    return UNKNOWN not in providers and not providers & set(before[PROVIDERS])


def _fingerprints(document: Mapping[str, Any], owner: str) -> dict[str, str]:
    """Of each input that is compared, what tells it from another without telling its value."""
    sources = document.get(SOURCES, ())
    compared = {name: document[name] for name in _COMPARED if name in document}
    compared[MANIFEST] = manifests.form(document[MANIFEST], () if sources == UNKNOWN else sources)
    return {name: fingerprint(value, f"{owner}/{name}") for name, value in compared.items()}


def _outputs(document: Mapping[str, Any], wish: Wish, served: Served) -> dict[str, Any]:
    return {
        "url": served.url,
        "name": wish.name,
        "functions": [spec.key for spec in wish.manifest.function],
        PROVIDERS: list(wish.manifest.fleet.providers),
        API_KEY: wish.key,
        HOME: str(wish.home.path),
        SERVE: wish.serve,
        OWNER: document[OWNER],
        DEPLOYED: served.deployed,
        ASKED: _fingerprints(document, document[OWNER]),
        DRIFTED: [],
    }
