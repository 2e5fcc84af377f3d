"""The inventory: a file with the machines that there are, and how each is reached.

    [[machine]]
    name = "box1"
    address = "10.0.0.11"
    host_key = "ssh-ed25519 AAAA…"       # as ssh-keyscan prints it, or the path of a known_hosts file
    user = "root"                        # with root's rights, or with sudo and docker
    key = "~/.ssh/id_ed25519"            # paths are relative to the inventory
    port = 22
    zone = "default"
    labels = {}
    price = "0 USD/h"
    jump = []                            # hosts on the way, nearest first, each a [[jump]]; as in ["bastion"]
    cpu = 16                             # in place of what the machine tells, as are memory = "64GiB" and
    gpus = [{ model = "L4", memory = "24GiB" }]

    [[jump]]
    name = "bastion"
    address = "bastion.example"
    host_key = "ssh-ed25519 AAAA…"

All but name, address and host_key may be left out, and are then as they stand here.
"""

from __future__ import annotations

import threading
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Access
from cloudlayer.providers.base.attempts import PLAIN_LABELS
from cloudlayer.providers.ssh.pins import KEY, bare, keys_of
from cloudlayer.resources import Accelerator, Price
from cloudlayer.specs import Cores, HostAddress, Name, Size, Spec, UserName, checked
from cloudlayer.units import parse_price

SOURCE: Final = "inventory"


def _labels(labels: dict[str, str]) -> dict[str, str]:
    try:
        PLAIN_LABELS.check(labels)
    except InvalidSpec as error:
        raise ValueError(str(error).splitlines()[0]) from None
    if ours := sorted(name for name in labels if name.startswith("cloudlayer-")):
        raise ValueError(f"{ours[0]} is set by cloudlayer itself; leave it out")
    return labels


def _price(text: str) -> str:
    parse_price(text)
    return text


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class GpuEntry(Spec):
    """One GPU: its model, and its memory."""

    model: str
    memory: Size


class HostEntry(Spec):
    """How a host is reached."""

    name: Name
    address: HostAddress
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: UserName = "root"
    key: str = "~/.ssh/id_ed25519"
    host_key: Annotated[str, Field(min_length=1)]


class MachineEntry(HostEntry):
    """One machine. `cpu`, `memory` and `gpus` stand in for what the machine itself tells."""

    labels: Annotated[dict[str, str], AfterValidator(_labels)] = Field(default_factory=dict)
    zone: Name = "default"
    price: Annotated[str, AfterValidator(_price)] = "0 USD/h"
    jump: Annotated[tuple[Name, ...], BeforeValidator(_names), Strict(False)] = ()
    cpu: Cores | None = None
    memory: Size | None = None
    gpus: Annotated[tuple[GpuEntry, ...] | None, Strict(False)] = None


class Inventory(Spec):
    """The whole file."""

    machine: Annotated[tuple[MachineEntry, ...], Strict(False), Field(min_length=1)]
    jump: Annotated[tuple[HostEntry, ...], Strict(False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Inventory:
        for what, hosts in (("machine", self.machine), ("jump", self.jump)):
            if twice := [name for name, count in Counter(host.name for host in hosts).items() if count > 1]:
                raise ValueError(f"{what} {twice[0]} is there more than once; give each its own name")
        places = Counter((host.address.lower(), host.port) for host in self.machine)
        if same := [address for (address, _), count in places.items() if count > 1]:
            raise ValueError(f"address {same[0]} is there more than once; a machine is claimed as a whole")
        known = {host.name for host in self.jump}
        for machine in self.machine:
            if missing := [name for name in machine.jump if name not in known]:
                raise ValueError(f"machine {machine.name}: there is no [[jump]] called {missing[0]}; add it")
        return self


@dataclass(frozen=True, slots=True)
class Box:
    """One machine of the inventory. `cpu`, `memory` and `gpus` are None where the machine itself tells."""

    name: str
    zone: str
    access: Access
    price: Price
    labels: Mapping[str, str] = field(default_factory=dict)
    cpu: float | None = None
    memory: int | None = None
    gpus: tuple[Accelerator, ...] | None = None


class InventoryFile:
    """The file, read anew whenever it has changed. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._boxes: dict[str, Box] = {}

    def boxes(self) -> dict[str, Box]:
        """The machines by name, in the file's order. InvalidSpec, a line a fault, for a file that is wrong."""
        with self._lock:
            try:
                status = self.path.stat()
            except OSError as error:
                raise InvalidSpec(
                    f"{self.path}: cannot be read: {error.strerror}; name the inventory of your machines"
                ) from None
            stamp = status.st_mtime_ns, status.st_size
            if stamp != self._stamp:
                self._boxes = read(self.path, date.fromtimestamp(status.st_mtime))
                self._stamp = stamp
            return self._boxes


def read(path: Path, as_of: date) -> dict[str, Box]:
    """The machines of an inventory. `as_of` is when its prices held."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSpec(f"{path}: cannot be read: {error.strerror}; name the inventory of your machines") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{path}: is not TOML: {error}") from None
    inventory = checked(Inventory, document, f"{path.name}: ")
    faults: list[str] = []
    jumps = {entry.name: _access(entry, path, f"jump {entry.name}", faults) for entry in inventory.jump}
    found = {}
    for entry in inventory.machine:
        access = _access(entry, path, f"machine {entry.name}", faults, tuple(jumps[name] for name in entry.jump))
        found[entry.name] = _box(entry, access, as_of)
    if faults:
        raise InvalidSpec("\n".join(faults))
    return found


def _box(entry: MachineEntry, access: Access, as_of: date) -> Box:
    amount, currency = parse_price(entry.price)
    gpus = None if entry.gpus is None else tuple(Accelerator(gpu.model, gpu.memory) for gpu in entry.gpus)
    price = Price(amount, currency, SOURCE, as_of)
    return Box(entry.name, entry.zone, access, price, dict(entry.labels), entry.cpu, entry.memory, gpus)


def _access(entry: HostEntry, path: Path, place: str, faults: list[str], jump: tuple[Access, ...] = ()) -> Access:
    keys: tuple[str, ...] = ()
    if KEY.fullmatch(entry.host_key):
        keys = (bare(entry.host_key),)
    else:
        file = _beside(path, entry.host_key)
        try:
            keys = keys_of(file.read_text(encoding="utf-8", errors="replace"), entry.address, entry.port)
        except OSError as error:
            faults.append(f"{path.name}: {place}: host_key: {file} cannot be read: {error.strerror}; give the key itself")
        else:
            if not keys:
                faults.append(
                    f"{path.name}: {place}: host_key: {file} has no key of {entry.address}; add what ssh-keyscan prints"
                )
    key = _beside(path, entry.key)
    if not key.is_file():
        faults.append(
            f"{path.name}: {place}: key: there is no file {key}; make one with ssh-keygen -t ed25519, or name another"
        )
    return Access(entry.address, entry.port, entry.user, key, keys, jump)


def _beside(path: Path, name: str) -> Path:
    return path.parent / Path(name).expanduser()
