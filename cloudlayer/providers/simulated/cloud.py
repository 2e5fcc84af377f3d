"""The cloud's side of each call: what it does to the world's document. Every function checks before it changes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cloudlayer.errors import TOKEN_SPENT, CloudError, Conflict, RejectedSpec
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import catalogue, limits, pieces, views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, Offer
from cloudlayer.runtime.simulated import faults
from cloudlayer.runtime.simulated.records import Document, InstanceRecord, TokenRecord, proceed, settings_of, state_of
from cloudlayer.runtime.simulated.things import Change

KIND: Final = "instance"
FAILED_BOOT: Final = "the system did not come up"


def launch(
    document: Document,
    now: float,
    region: str,
    specs: Sequence[InstanceSpec],
    *,
    token: str,
    digest: str,
    firewalls: Sequence[str | None] = (),
) -> list[Instance | CloudError]:
    """Launch what this token has not launched yet; Conflict for other specs, or if all that it launched is gone."""
    made = document["tokens"].get(token)
    if made is not None:
        _check_token(document, now, made, digest)
    ids = made["ids"] if made is not None else [None] * len(specs)
    answers = launch_missing(document, now, region, specs, token=token, ids=ids, firewalls=firewalls)
    launched = [answer.id if isinstance(answer, Instance) else None for answer in answers]
    if any(launched):
        document["tokens"][token] = TokenRecord(digest=digest, ids=launched)
    return answers


def launch_missing(
    document: Document,
    now: float,
    region: str,
    specs: Sequence[InstanceSpec],
    *,
    token: str,
    ids: Sequence[str | None],
    firewalls: Sequence[str | None] = (),
) -> list[Instance | CloudError]:
    """The instances that have ids, and new ones for the specs that have none. `firewalls` has one, or None, for each spec."""
    firewalls = firewalls or [None] * len(specs)
    pieces.check(document, firewalls)
    offers = limits.on_sale(document, region)
    choices = [catalogue.candidates(offers, spec) for spec in specs]
    for spec, choice in zip(specs, choices, strict=True):
        check_image(spec, choice[0])
    answers: list[Instance | CloudError] = []
    for spec, choice, known, firewall in zip(specs, choices, ids, firewalls, strict=True):
        record = document["instances"][known] if known else None
        made = instance(record, views.current(record, now)) if record else None
        answers.append(made or launch_one(document, now, spec, choice, token=token, firewall=firewall))
    return answers


def describe(document: Document, now: float, id: str) -> Instance:
    """The instance as a reader sees it, lag included; NotFound if it is not there, not seen yet or long gone."""
    record, change = views.describe(document, now, document["instances"], id, KIND)
    return instance(record, change, announced(document, record, now))


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[Instance], str | None]:
    """One page of the region's instances in the order of their ids, and where the next one starts."""
    found, more = views.page(document, now, document["instances"], region=region, labels=labels, after=after)
    return [instance(record, change, announced(document, record, now)) for record, change in found], more


def terminate(document: Document, now: float, ids: Iterable[str]) -> list[str]:
    """Begin to delete these; those that are gone or unknown are no error. The firewalls that had been made for them."""
    records = [document["instances"][known] for known in ids if known in document["instances"]]
    for record in records:
        if not state_of(record, now).gone:
            end(record, document, now, None)
    return sorted({record["firewall"] for record in records if "firewall" in record})


def end(record: InstanceRecord, document: Document, now: float, reason: str | None) -> None:
    """Let an instance go, with all that runs on it."""
    seconds = settings_of(document).delete_seconds
    record["interrupted_at"] = None
    proceed(record, document, now, (0.0, InstanceState.DELETING, reason), (seconds, InstanceState.DELETED, reason))
    document["replicas"].pop(record["id"], None)
    document["ended"].pop(record["id"], None)


def interrupt_at(record: InstanceRecord, document: Document, now: float, moment: float) -> None:
    """Let the cloud take the instance back at `moment`; until then all goes on as it was to."""
    ahead = [change for change in record["timeline"] if now < change["at"]]
    record["interrupted_at"] = moment
    proceed(record, document, now, *((c["at"] - now, InstanceState(c["state"]), c["reason"]) for c in ahead))


def start(document: Document, now: float, id: str) -> None:
    """Begin to start a stopped instance."""
    record = views.there(document["instances"], id, KIND, now)
    state = state_of(record, now)
    if state in (InstanceState.RUNNING, InstanceState.PENDING):
        return
    _require(record, state, InstanceState.STOPPED, "started")
    boot = settings_of(document).boot_seconds
    proceed(record, document, now, (0.0, InstanceState.PENDING, None), (boot, InstanceState.RUNNING, None))


def stop(document: Document, now: float, id: str) -> None:
    """Begin to stop a running instance; its replicas end at once."""
    record = views.there(document["instances"], id, KIND, now)
    state = state_of(record, now)
    if state in (InstanceState.STOPPED, InstanceState.STOPPING):
        return
    _require(record, state, InstanceState.RUNNING, "stopped")
    seconds = settings_of(document).stop_seconds
    proceed(record, document, now, (0.0, InstanceState.STOPPING, None), (seconds, InstanceState.STOPPED, None))


def reboot(document: Document, now: float, id: str) -> None:
    """Restart the system; it counts as running all the while."""
    record = views.there(document["instances"], id, KIND, now)
    _require(record, state_of(record, now), InstanceState.RUNNING, "rebooted")
    proceed(record, document, now, (0.0, InstanceState.RUNNING, None))


def resize(document: Document, now: float, id: str, machine_type: str) -> None:
    """Change the machine type of a stopped instance, within its zone and what is left there."""
    record = views.there(document["instances"], id, KIND, now)
    _require(record, state_of(record, now), InstanceState.STOPPED, "resized")
    if record["machine_type"] == machine_type:
        return
    spec = InstanceSpec(machine_type=machine_type, zone=record["zone"], purchase=record["purchase"])
    choice = catalogue.candidates(limits.on_sale(document, record["region"]), spec)
    sold = limits.sell(choice, spec, document, now)
    if isinstance(sold, CloudError):
        raise sold
    record["machine_type"] = machine_type


def console(document: Document, now: float, id: str) -> str:
    """What the instance's system wrote."""
    record = views.there(document["instances"], id, KIND, now)
    texts = {
        InstanceState.PENDING: f"{id} ({record['machine_type']}) boots",
        InstanceState.RUNNING: f"{id} login:",
        InstanceState.STOPPING: "stops",
        InstanceState.FAILED: "kernel panic: no root file system",
    }
    past = [InstanceState(change["state"]) for change in record["timeline"] if change["at"] <= now]
    return "".join(texts[state] + "\n" for state in past if state in texts)


def announced(document: Document, record: InstanceRecord, now: float) -> datetime | None:
    """When the cloud takes the instance back, once it tells."""
    taken = record["interrupted_at"]
    if taken is None or now < taken - settings_of(document).notice_seconds:
        return None
    return datetime.fromtimestamp(taken, UTC)


def instance(record: InstanceRecord, change: Change, ends_at: datetime | None = None) -> Instance:
    """The instance in the state of `change`."""
    return Instance(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        zone=record["zone"],
        state=InstanceState(change["state"]),
        machine_type=record["machine_type"],
        name=record["name"],
        purchase=record["purchase"],
        labels=dict(record["labels"]),
        private_address=f"10.0.{int(record['id'][4:]) // 256 % 256}.{int(record['id'][4:]) % 256}",
        public_address=record["public_address"],
        image=record["image"],
        created_at=datetime.fromtimestamp(record["created_at"], UTC),
        reason=change["reason"],
        ends_at=ends_at,
    )


def launch_one(
    document: Document, now: float, spec: InstanceSpec, choice: Sequence[Offer], *, token: str, firewall: str | None = None
) -> Instance | CloudError:
    """A new instance of the first of these offers that can be sold, or why there is none."""
    offer = limits.sell(choice, spec, document, now)
    if isinstance(offer, CloudError):
        return offer
    document["serial"] += 1
    key = f"sim-{document['serial']:08d}"
    record = InstanceRecord(
        id=key,
        region=offer.region,
        zone=offer.zone,
        machine_type=offer.machine_type.name,
        name=spec.name,
        purchase=offer.purchase,
        reservation=offer.reservation,
        labels=dict(spec.labels) | {TOKEN: token},
        image=spec.image,
        token=token,
        created_at=now,
        public_address=f"198.18.{document['serial'] // 256 % 256}.{document['serial'] % 256}" if spec.public_address else None,
        interrupted_at=_interruption(document, now, key, offer),
        timeline=[],
    )
    if firewall is not None:
        record["firewall"] = firewall
    boot = float(spec.overrides.get("boot_seconds", settings_of(document).boot_seconds))
    failed = faults.due(document, ("failed_boot",), zone=offer.zone, machine_type=offer.machine_type.name)
    ready = (boot, InstanceState.RUNNING, None) if failed is None else (boot, InstanceState.FAILED, FAILED_BOOT)
    proceed(record, document, now, (0.0, InstanceState.PENDING, None), ready)
    document["instances"][key] = record
    return instance(record, views.current(record, now))


def check_image(spec: InstanceSpec, offer: Offer) -> None:
    """Raise RejectedSpec if the spec's image is none, or is for another architecture than the offer's."""
    if spec.image is None:
        return
    architecture = offer.machine_type.architecture
    if not any(spec.image in (image.id, image.name) and image.architecture == architecture for image in catalogue.IMAGES):
        raise RejectedSpec(
            f'there is no image "{spec.image}" for {architecture}: see the images', provider=PROVIDER, code="NoSuchImage"
        )


def _interruption(document: Document, now: float, id: str, offer: Offer) -> float | None:
    if offer.purchase != "spot":
        return None
    scripted = faults.due(document, ("interrupted",), zone=offer.zone, machine_type=offer.machine_type.name)
    if scripted is not None:
        return now + scripted.seconds
    settings = settings_of(document)
    if settings.interruptions_per_hour <= 0:
        return None
    return now + random.Random(f"{settings.seed}/{id}").expovariate(settings.interruptions_per_hour / 3600)  # noqa: S311


def _check_token(document: Document, now: float, made: TokenRecord, digest: str) -> None:
    if made["digest"] != digest:
        raise Conflict("this token was used for other specs: use a new one", provider=PROVIDER, code="TokenReused")
    launched = [document["instances"][known] for known in made["ids"] if known]
    if all(state_of(record, now).gone for record in launched):
        raise Conflict("what this token launched is deleted: use a new one", provider=PROVIDER, code=TOKEN_SPENT)


def _require(record: InstanceRecord, state: InstanceState, wanted: InstanceState, doing: str) -> None:
    if state is not wanted:
        message = f"{record['id']} is {state} and can be {doing} only when {wanted}"
        raise Conflict(message, provider=PROVIDER, code="WrongState")
