"""The GPUs of a size: Libcloud has no field for them, so the clouds' own names tell. A name that is not known tells nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.providers.base.devices import sold_as
from cloudlayer.resources import Accelerator
from cloudlayer.units import GIB

MODELS: Final[Mapping[str, int]] = {
    "A10": 24,
    "A10G": 24,
    "A16": 16,
    "A40": 48,
    "A100": 40,
    "A100-80GB": 80,
    "B200": 180,
    "B300": 288,
    "GH200": 96,
    "H100": 80,
    "H200": 141,
    "K80": 12,
    "L4": 24,
    "L40": 48,
    "L40S": 48,
    "MI300X": 192,
    "MI325X": 256,
    "P100": 16,
    "RTX-4000-ADA": 20,
    "RTX-5000": 16,
    "RTX-6000": 24,
    "RTX-6000-ADA": 48,
    "T4": 16,
    "T4G": 16,
    "V100": 16,
    "V100-32GB": 32,
    "V520": 8,
}
"""Memory in GiB of a device, by model: the least that is sold under the name."""

_SPELLED: Final[Mapping[str, str]] = {
    "4000ADA": "RTX-4000-ADA",
    "6000ADA": "RTX-6000-ADA",
    "MI300": "MI300X",
    "MI325": "MI325X",
    "RTX4000": "RTX-4000-ADA",
    "RTX5000": "RTX-5000",
    "RTX6000": "RTX-6000",
}
"""Models as clouds spell them in the names of sizes."""

_COUNTS: Final = ("gpu", "gpus")
"""What a size's `extra` calls the number of its GPUs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What names of one form tell: the model (else the group `model`), and how many (the group `count`).

    The group `total` is the memory of all devices in GiB. `per` is for names whose group `amount` grows with the GPUs: how much
    of it goes with one. `counts` is the number by `amount` where that grows otherwise.
    """

    pattern: re.Pattern[str]
    model: str = ""
    per: int = 0
    counts: Mapping[int, int] | None = None

    def read(self, match: re.Match[str], extra: Mapping[str, Any]) -> tuple[Accelerator, ...]:
        """The devices; none where the model or the number is not known."""
        groups = match.groupdict()
        spelled = str(groups.get("model") or "").upper()
        model = self.model or _SPELLED.get(spelled, spelled)
        count = self._count(groups, extra)
        total, whole = int(groups.get("total") or 0), MODELS.get(model, 0)
        if total and whole and "count" not in groups:
            count = max(1, total // whole)  # a share of one device, or as many as have that memory
        memory = total * GIB // count if total and count else whole * GIB
        return (Accelerator(sold_as(model.partition("-80GB")[0], memory), memory),) * count if whole and memory >= GIB else ()

    def _count(self, groups: Mapping[str, str | None], extra: Mapping[str, Any]) -> int:
        amount = int(groups.get("amount") or 0)
        if self.counts is not None:
            return self.counts.get(amount, 0)
        if self.per:
            return amount // self.per
        told = next((extra[name] for name in _COUNTS if str(extra.get(name, "")).isdecimal()), None)
        return int(groups.get("count") or told or 0)


def _rule(pattern: str, model: str = "", *, per: int = 0, counts: Mapping[int, int] | None = None) -> Rule:
    return Rule(re.compile(pattern, re.ASCII), model, per, counts)


_L4_OF_G2: Final = {4: 1, 8: 1, 12: 1, 16: 1, 32: 1, 24: 2, 48: 4, 96: 8}
_T4_OF_NC: Final = {4: 1, 8: 1, 16: 1, 64: 4}

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "ec2": (
        _rule(r"g4dn\..+", "T4"),
        _rule(r"g4ad\..+", "V520"),
        _rule(r"g5g\..+", "T4G"),
        _rule(r"g5\..+", "A10G"),
        _rule(r"gr?6\..+", "L4"),
        _rule(r"g6e\..+", "L40S"),
        _rule(r"p2\..+", "K80"),
        _rule(r"p3\..+", "V100"),
        _rule(r"p3dn\..+", "V100-32GB"),
        _rule(r"p4d\..+", "A100"),
        _rule(r"p4de\..+", "A100-80GB"),
        _rule(r"p5\..+", "H100"),
        _rule(r"p5en?\..+", "H200"),
        _rule(r"p6-b200\..+", "B200"),
    ),
    "gce": (
        _rule(r"a2-ultragpu-(?P<count>\d{1,2})g", "A100-80GB"),
        _rule(r"a2-(high|mega)gpu-(?P<count>\d{1,2})g", "A100"),
        _rule(r"a3-ultragpu-(?P<count>\d{1,2})g", "H200"),
        _rule(r"a3-(high|mega|edge)gpu-(?P<count>\d{1,2})g", "H100"),
        _rule(r"a4-highgpu-(?P<count>\d{1,2})g", "B200"),
        _rule(r"g2-standard-(?P<amount>\d{1,3})", "L4", counts=_L4_OF_G2),
    ),
    "azure_arm": (
        _rule(r"Standard_NC(?P<amount>\d{1,3})as_T4_v3", "T4", counts=_T4_OF_NC),
        _rule(r"Standard_NC(?P<amount>\d{1,3})ads_A100_v4", "A100-80GB", per=24),
        _rule(r"Standard_ND(?P<amount>96)asr_v4", "A100", per=12),
        _rule(r"Standard_ND(?P<amount>96)amsr_A100_v4", "A100-80GB", per=12),
        _rule(r"Standard_ND(?P<amount>96)isr_H100_v5", "H100", per=12),
        _rule(r"Standard_ND(?P<amount>96)isr_H200_v5", "H200", per=12),
    ),
    "digitalocean": (_rule(r"gpu-(?P<model>[a-z0-9]+?)x(?P<count>[1-9]\d?)-(?P<total>\d{1,5})gb(-.+)?"),),
    "linode": (
        _rule(r"g\d-gpu-(?P<model>rtx\d{4})-(?P<count>[1-9]\d?)"),
        _rule(r"g\d-gpu-(?P<model>rtx\d{4})a(?P<count>[1-9]\d?)-[a-z]+"),
    ),
    "vultr": (
        _rule(r"vcg-a100-\d+c-\d+g-(?P<total>\d{1,4})vram", "A100-80GB"),
        _rule(r"vcg-(?P<model>[a-z0-9]+)-\d+c-\d+g-(?P<total>\d{1,4})vram"),
        _rule(r"vbm-\d+c-\d+gb-(?P<count>[1-9]\d?)-(?P<model>[a-z0-9]+)-gpu"),
    ),
    "scaleway": (
        _rule(r"(?P<model>H100|L40S|L4)-(?P<count>[1-9]\d?)-\d+G"),
        _rule(r"RENDER-S", "P100", counts={0: 1}),
    ),
    "ovh": (
        _rule(r"t1(-le)?-(?P<amount>\d{2,4})", "V100", per=45),
        _rule(r"t2(-le)?-(?P<amount>\d{2,4})", "V100-32GB", per=45),
        _rule(r"a10-(?P<amount>\d{2,4})", "A10", per=45),
        _rule(r"l4-(?P<amount>\d{2,4})", "L4", per=90),
        _rule(r"l40s-(?P<amount>\d{2,4})", "L40S", per=90),
        _rule(r"a100-(?P<amount>\d{2,4})", "A100-80GB", per=180),
        _rule(r"h100-(?P<amount>\d{2,4})", "H100", per=380),
        _rule(r"rtx5000-(?P<amount>\d{2,4})", "RTX-5000", per=28),
    ),
}
"""By Libcloud's name of the driver, the first that fits."""


def gpus_of(driver: str, size: str, extra: Mapping[str, Any]) -> tuple[Accelerator, ...]:
    """The GPUs of a driver's size by its name; none where the name is not known to tell of any."""
    for rule in RULES.get(driver, ()):
        match = rule.pattern.fullmatch(size)
        if match:
            return rule.read(match, extra)
    return ()
