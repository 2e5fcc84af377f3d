"""Where the parts of a picture go: boxes in columns under headings, and texts shortened to their room. All in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.cli.boxes import Action, Box

WIDTH: Final = 1200
MARGIN: Final = 32
GAP: Final = 20
COLUMNS: Final = 4
BOX_WIDTH: Final = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
PADDING: Final = 14
HEADER: Final = 86
"""The height of a box above its bars."""
BAR: Final = 16
BAR_STEP: Final = 22
COMPUTE_BAR: Final = 6
COMPUTE_STEP: Final = 9
DEVICE_LABEL: Final = 18
"""The height of a device's own line above its bar."""
HEADING: Final = 40
LETTER: Final = 0.605
"""How wide a letter is at most, in parts of the font's size, in the fonts of one width that viewers have."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its upper left corner."""

    box: Box
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Section:
    """The boxes of one action, under a heading whose upper edge is `y`."""

    action: Action
    y: int
    placed: tuple[Placed, ...]


def height_of(box: Box) -> int:
    """How high a box is: two bars, and two lines for each device."""
    device = DEVICE_LABEL + BAR_STEP + (COMPUTE_STEP if box.compute else 0)
    return HEADER + len(box.bars) * BAR_STEP + len(box.devices) * device + PADDING


def sections(boxes: Sequence[Box], top: int) -> tuple[list[Section], int]:
    """Everything placed from `top` downward, what is bought first; and where it ends. Within a section the highest boxes come
    first."""
    found = []
    actions: tuple[Action, ...] = ("buy", "keep", "delete")
    for action in actions:
        mine = [box for box in boxes if box.action == action]
        if mine:
            placed, end = _columns(mine, top + HEADING)
            found.append(Section(action, top, tuple(placed)))
            top = end
    return found, top


def _columns(boxes: Sequence[Box], top: int) -> tuple[list[Placed], int]:
    """Each box goes under the column that ends highest, the leftmost of several."""
    ends = [top] * COLUMNS
    placed = []
    for box in sorted(boxes, key=lambda box: (-height_of(box), box.machine_type, -box.count, box.id)):
        column = ends.index(min(ends))
        placed.append(Placed(box, MARGIN + column * (BOX_WIDTH + GAP), ends[column], height_of(box)))
        ends[column] += height_of(box) + GAP
    return placed, max(ends)


def text_width(text: str, size: float) -> float:
    """How wide a text is at most."""
    return len(text) * size * LETTER


def shortened(text: str, width: float, size: float) -> str:
    """The text as far as it has room, its middle left out where it has not; nothing where not even three letters have."""
    most = int(width / (size * LETTER))
    if len(text) <= most:
        return text
    if most < 3:
        return ""
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def named(name: str, width: float, size: float) -> str:
    """A function version such as "nlp/Echo/1.0.0" as far as it has room: "Echo/1.0.0", "Echo", "Ec…" or nothing."""
    most = int(width / (size * LETTER))
    version = name.partition("/")[2] or name
    function = version.partition("/")[0]
    fitting = [text for text in (version, function) if len(text) <= most]
    if fitting or most < 3:
        return fitting[0] if fitting else ""
    return f"{function[: most - 1]}…"


def wrapped(text: str, width: float, size: float) -> list[str]:
    """The text in lines that have room; a word that is longer than a line is broken."""
    from textwrap import wrap

    return wrap(text, max(1, int(width / (size * LETTER))), break_on_hyphens=False) or [""]
