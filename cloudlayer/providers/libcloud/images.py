"""Images by id, by name, or by a friendly name, whose words the image's own name has: "ubuntu-22.04"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudlayer.errors import CloudError, InvalidSpec, NotFound, RejectedSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.calls import Calls
from cloudlayer.providers.libcloud.nodes import first, moment
from cloudlayer.resources import Image, MachineType

_DATES: Final = ("creation_date", "created_at", "created", "creationTimestamp", "date_created")
_WORDS: Final = ("distribution", "slug", "family", "os_distro")
_SHOWN: Final = 5
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Images:
    """Finds images. `default` is what instances start from that name none."""

    def __init__(self, calls: Calls, adapter: Adapter, default: str | None) -> None:
        self._calls = calls
        self._adapter = adapter
        self._default = default

    def find(self, name: str | None, deadline: Deadline) -> list[Image]:
        """Those of that id, else of that name, else with its words in theirs; newest first. All without a name."""
        return [read_image(one) for one in self._found(name, deadline)]

    def resolve(self, name: str | None, kind: MachineType, deadline: Deadline) -> Any:
        """Libcloud's image for a machine of that type: the newest of its architecture. InvalidSpec if there is none."""
        wanted = name or self._default
        if wanted is None:
            some = self._examples(kind, deadline)
            raise InvalidSpec(f"image: missing: name one{some}, or set the option image of this provider; see its images()")
        found = self._found(wanted, deadline)
        exact = [one for one in found if wanted in (str(one.id), str(one.name))]
        fitting = exact or [one for one in found if read_image(one).architecture == kind.architecture]
        if not fitting:
            raise InvalidSpec(f'image: nothing is called "{wanted}" for {kind.architecture} at {self._calls.where.provider}')
        return fitting[0]

    def _examples(self, kind: MachineType, deadline: Deadline) -> str:
        """Some images for a machine of that type, the newest first; nothing where there are too many to list for this."""
        if self._adapter.many_images:
            return ""
        try:
            listed = self.find(None, deadline)
        except CloudError:  # that an image is missing is the fault to tell
            return ""
        names = [f'"{one.name}"' for one in listed if one.architecture == kind.architecture]
        some = ", ".join(list(dict.fromkeys(names))[:_SHOWN])
        return f", such as {some}" if some else ""

    def _found(self, name: str | None, deadline: Deadline) -> list[Any]:
        if name and self._adapter.image_id and re.fullmatch(self._adapter.image_id, name):
            return self._one(name, deadline)
        arguments = dict(self._adapter.images)
        listed = self._calls.run(
            lambda held: list(held.driver.list_images(**arguments)), doing="listing images", deadline=deadline
        )
        listed.sort(key=lambda one: (_date(one) or _EARLIEST, str(one.name)), reverse=True)
        if name is None:
            return listed
        exact = [one for one in listed if name in (str(one.id), one.name, (one.extra or {}).get("slug"))]
        return exact or [one for one in listed if _has_words(name, one)]

    def _one(self, id: str, deadline: Deadline) -> list[Any]:
        try:
            found = self._calls.run(lambda held: held.driver.get_image(id), doing=f"looking for {id}", deadline=deadline)
        except (NotFound, RejectedSpec):
            return []
        return [found] if found else []


def read_image(found: Any) -> Image:
    """An image from Libcloud's; its architecture is told, or stands in its name, or is x86_64."""
    extra = found.extra or {}
    text = f"{extra.get('architecture', '')} {extra.get('arch', '')} {found.name}".lower()
    arm = re.search(r"arm64|aarch64", text)
    return Image(str(found.id), str(found.name), "arm64" if arm else "x86_64", _date(found))


def _date(found: Any) -> datetime | None:
    return moment(first(found.extra or {}, _DATES))


def _has_words(name: str, image: Any) -> bool:
    extra: Mapping[str, Any] = image.extra or {}
    text = " ".join([str(image.name), *(str(extra[key]) for key in _WORDS if extra.get(key))]).lower()
    words = [word for word in re.split(r"[\s_-]+", name.lower()) if word]
    return bool(words) and all(re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", text) for word in words)
