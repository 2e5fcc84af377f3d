"""The manifest: a fleet as its user writes it down. The models are the whole schema; an unknown key is an error."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from cloudlayer.errors import InvalidSpec
from cloudlayer.functions.calls import CallPricing, CallWeight, weighted
from cloudlayer.functions.consolidation import Amount, Consolidation
from cloudlayer.functions.data import DataSection
from cloudlayer.functions.health import Health
from cloudlayer.functions.machines import MachineAccess, MachineImages, Overrides
from cloudlayer.functions.models import Models
from cloudlayer.functions.versions import Version
from cloudlayer.specs import Cores, Duration, Name, Number, Size, Spec, checked
from cloudlayer.units import GIB, MIB, parse_price

_FUNCTION: Final = re.compile(r"\w+/[A-Za-z]\w*", re.ASCII)
_PROFILE: Final = re.compile(r"[1-7]g\.[1-9]\d{0,2}gb", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED: Final = ("CLOUDLAYER_", "ALGORITHMIA_")

Texts = Annotated[tuple[str, ...], Strict(False)]


def _function_name(text: str) -> str:
    if not _FUNCTION.fullmatch(text):
        raise ValueError(f'"{text}" is not a function: write namespace/Name, each of letters, digits and underscores')
    return text


def _profile(text: str) -> str:
    if not _PROFILE.fullmatch(text):
        raise ValueError(f'"{text}" is not a MIG profile: write it as nvidia-smi does, as in "3g.20gb"')
    return text


def _version(text: str) -> str:
    return str(Version.parse(text))


def _secret(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind not in ("env", "file") or not name:
        raise ValueError('must say where the secret is: "env:VARIABLE" or "file:/path", never the secret itself')
    return text


def _variables(values: dict[str, str]) -> dict[str, str]:
    for name in values:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f'"{name}" is not a name of an environment variable')
        if name.startswith(_RESERVED) or name == "PORT":
            raise ValueError(f'"{name}" is set by cloudlayer itself: choose another name')
    return values


def _price(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    amount, currency = parse_price(value)
    return {"amount": amount, "currency": currency}


FunctionName = Annotated[str, AfterValidator(_function_name)]
Environment = Annotated[dict[str, str], AfterValidator(_variables)]


class PriceLimit(Spec):
    """An amount per hour that a plan may not exceed."""

    amount: Annotated[float, Field(ge=0)]
    currency: str


class Limits(Spec):
    """Which offers may be bought: shell patterns over machine types and regions, and whether spot is allowed."""

    spot: bool = True
    machine_types: Texts = ("*",)
    regions: Texts = ("*",)


class Denied(Spec):
    """Which offers may not be bought, even if allowed: shell patterns."""

    machine_types: Texts = ()
    regions: Texts = ()


class FleetSection(Spec):
    """The fleet as a whole. `taints` gives each taint the shell patterns of the machine types that bear it.

    A cloud's machine that no controller has asked for within `expiry` ends itself; without one, none does. With `router`, calls
    between functions of one machine stay on it.
    """

    name: Name
    providers: Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]
    allow: Limits = Limits()
    deny: Denied = Denied()
    max_price: Annotated[PriceLimit | None, BeforeValidator(_price)] = None
    taints: dict[str, Texts] = Field(default_factory=dict)
    consolidation: Consolidation = Consolidation()
    call_prices: CallPricing = CallPricing()
    access: MachineAccess = MachineAccess()
    images: MachineImages = MachineImages()
    overrides: Overrides = Field(default_factory=dict)
    expiry: Annotated[Duration | None, Field(ge=60)] = None
    router: bool = True
    data: DataSection = DataSection()


class GpuNeed(Spec):
    """GPUs of one replica: `count` devices of one of the `model`s (any if empty).

    It takes a share of each: `memory` bytes, the part `compute` of its compute, or both; or a MIG instance of `profile`; or,
    with none of them, all of it.
    """

    count: Annotated[int, Field(ge=1)] = 1
    memory: Size | None = None
    compute: Annotated[Number | None, Field(ge=0.001, le=1)] = None
    model: Texts = ()
    profile: Annotated[str, AfterValidator(_profile)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> GpuNeed:
        if self.profile is not None and (self.memory is not None or self.compute is not None):
            raise ValueError(f'profile = "{self.profile}" says how much memory and compute it is: leave out memory and compute')
        return self

    @property
    def thousandths(self) -> int | None:
        """The compute in thousandths of a device."""
        return None if self.compute is None else round(self.compute * 1000)


class Resources(Spec):
    """What one replica may use."""

    cpu: Cores = 1.0
    memory: Size = 512 * MIB
    disk: Size = 1 * GIB
    gpu: GpuNeed | None = None
    architecture: Literal["x86_64", "arm64"] | None = None


class Scale(Spec):
    """How many replicas: at least `min`, at most `max`, each with `concurrency` calls at once; one unused for `idle` ends."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] = 10
    concurrency: Annotated[int, Field(ge=1)] = 1
    idle: Duration = 300.0

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self


class FunctionSpec(Spec):
    """One version of one function. `spread` evens its replicas out; `apart` names functions never on one machine with it.

    `source` is a folder here, or the URI of one ("s3://team/functions/faces/"). `calls` are the functions that it may call: a
    list of names, or a table with how often. `models` are files that its replicas read, `data` objects that they may ask the
    gateway for.

    `tolerates` are the taints of machines that its replicas may be on all the same, `spot` is whether they may be on spot ones.
    Functions of a higher `priority` come first where there is not enough for all. Replicas come `gang` at a time, all or none,
    and end together; `together` puts each gang on one machine or in one zone. `move` is what moving one of its replicas to
    another machine counts as, where it is not as for the whole fleet.
    """

    name: FunctionName
    version: Annotated[str, AfterValidator(_version)]
    source: str | None = None
    image: str | None = None
    engine: Literal["process", "docker"] | None = None
    resources: Resources = Resources()
    env: Environment = Field(default_factory=dict)
    secrets: Annotated[dict[str, Annotated[str, AfterValidator(_secret)]], AfterValidator(_variables)] = Field(
        default_factory=dict
    )
    calls: Annotated[dict[FunctionName, CallWeight], BeforeValidator(weighted)] = Field(default_factory=dict)
    models: Models = ()
    data: DataSection = DataSection()
    internet: bool = True
    timeout: Duration = 300.0
    idempotent: bool = False
    spread: Literal["machine", "zone"] | None = None
    apart: Annotated[tuple[FunctionName, ...], Strict(False)] = ()
    tolerates: Texts = ()
    spot: bool = True
    priority: int = 0
    gang: Annotated[int, Field(ge=2, le=48)] | None = None
    together: Literal["machine", "zone"] | None = None
    scale: Scale = Scale()
    move: Amount | None = None
    health: Health = Health()

    @model_validator(mode="after")
    def _one_origin(self) -> FunctionSpec:
        if (self.source is None) == (self.image is None):
            raise ValueError("give exactly one of source (a folder) and image (registry/name:tag)")
        if self.image is not None and self.engine == "process":
            raise ValueError('an image needs engine = "docker" (or none named); the process engine runs source folders')
        if both := sorted(self.env.keys() & self.secrets.keys()):
            raise ValueError(f"{', '.join(both)}: in env and in secrets; keep one")
        return self

    @model_validator(mode="after")
    def _whole_gangs(self) -> FunctionSpec:
        if self.gang is None:
            if self.together is not None:
                raise ValueError("together says where a gang is: give the function a gang, or take it out")
            return self
        for name, number in (("min", self.scale.min), ("max", self.scale.max)):
            if number % self.gang:
                more = number + self.gang - number % self.gang
                raise ValueError(f"scale.{name} is {number}, which is no multiple of gang = {self.gang}; write {more}, say")
        return self

    @property
    def key(self) -> str:
        """namespace/Name/version, which names this version in a fleet."""
        return f"{self.name}/{self.version}"

    @property
    def asks(self) -> bool:
        """Whether its replicas ask the gateway for something: calls or data."""
        return bool(self.calls or self.data.open or self.data.write)

    @property
    def wanted_engine(self) -> str:
        """The engine asked for: docker for an image, else process unless named."""
        return self.engine or ("docker" if self.image is not None else "process")


class Manifest(Spec):
    """A whole fleet.toml."""

    fleet: FleetSection
    function: Annotated[tuple[FunctionSpec, ...], Strict(False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        keys = [spec.key for spec in self.function]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"{', '.join(twice)}: there more than once; give each its own version")
        known = {spec.name for spec in self.function}
        for spec in self.function:
            if strange := sorted(set(spec.tolerates) - self.fleet.taints.keys()):
                raise ValueError(
                    f"{spec.key} tolerates {', '.join(strange)}, which is none of fleet.taints; add it there, or take it out"
                )
            if unknown := sorted(set(spec.calls) - known):
                raise ValueError(
                    f"{spec.key} calls {', '.join(unknown)}, which this manifest does not have; add it, or take it out of calls"
                )
        return self

    def of(self, key: str) -> FunctionSpec | None:
        """The function version of that key."""
        return next((spec for spec in self.function if spec.key == key), None)


def load_manifest(path: Path) -> Manifest:
    """Read and check a manifest; source folders and files in providers' names are made absolute, relative ones being beside it.

    Raises InvalidSpec with one line a fault.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSpec(f"{path}: cannot be read: {error.strerror}; name a manifest such as fleet.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{path}: is not TOML: {error}") from None
    manifest = checked(Manifest, document, f"{path.name}: ")
    functions = tuple(_with_source(spec, path) for spec in manifest.function)
    providers = tuple(with_file(name, path.parent) for name in manifest.fleet.providers)
    fleet = manifest.fleet.model_copy(update={"providers": providers})
    return manifest.model_copy(update={"function": functions, "fleet": fleet})


def with_file(provider: str, folder: Path) -> str:
    """A provider's name, what follows it being made absolute if it is a file in `folder`, as in "ssh:boxes.toml"."""
    name, _, suffix = provider.partition(":")
    if not suffix.endswith(".toml"):
        return provider
    return f"{name}:{(folder / Path(suffix).expanduser()).resolve()}"


def _with_source(spec: FunctionSpec, path: Path) -> FunctionSpec:
    if spec.source is None or "://" in spec.source:
        return spec
    folder = (path.parent / spec.source).resolve()
    if not folder.is_dir():
        raise InvalidSpec(f"{path.name}: {spec.key}: source {folder} is not a folder; write it relative to {path.name}")
    return spec.model_copy(update={"source": str(folder)})
