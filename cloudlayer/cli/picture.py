"""The picture of a plan: machines as boxes, replicas in their devices, what each machine costs and what of that is wasted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudlayer.cli import layout, svg
from cloudlayer.cli.boxes import Action, Box, Gauge, boxes
from cloudlayer.cli.forms import amounts, per_hour
from cloudlayer.cli.layout import BOX_WIDTH, MARGIN, PADDING, WIDTH, Area, Placed, Section, shortened
from cloudlayer.cli.output import counted
from cloudlayer.cli.plans import unplaced
from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Preview

_HEADINGS: Final[Mapping[Action, str]] = {"buy": "to buy", "keep": "kept", "delete": "to be deleted"}
_INNER: Final = BOX_WIDTH - 2 * PADDING
_LABEL: Final = 30
_FIGURES: Final = 96
_SMALL: Final = 10.0
_NORMAL: Final = 11.0
_NAME: Final = 13.0
_LINE: Final = 18
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_THIN: Final = 4.0
"""A piece less wide than this has no edge, which would hide it."""
_WASTE: Final = (
    "Waste is the idle part of a price: of the GPUs where a machine has some (memory or compute of each, the fuller), "
    "else of CPU or RAM, the fuller."
)


def write(path: Path, preview: Preview, fleet: str) -> None:
    """Write the picture of `fleet`'s plan into a file. InvalidSpec if that cannot be written."""
    try:
        path.write_text(picture(preview, fleet), encoding="utf-8")
    except OSError as error:
        raise InvalidSpec(f"{path}: the picture cannot be written: {error.strerror}; name another --picture") from None


def picture(preview: Preview, fleet: str) -> str:
    """The plan as an SVG document."""
    found = boxes(preview)
    groups = Counter(demand.group for demand in preview.demands)
    for machine in (*preview.machines, *preview.emptying.values()):
        groups.update(resident.demand.group for resident in machine.residents)
    numbers = {group: number for number, group in enumerate(sorted(groups))}
    parts = [svg.text(MARGIN, 48, f"Fleet {fleet}", "title"), svg.text(MARGIN, 72, _summary(found), "dim")]
    y = 92
    for line in layout.wrapped(_WASTE, WIDTH - 2 * MARGIN, _SMALL):
        parts.append(svg.text(MARGIN, y, line, "small dim"))
        y += 15
    legend, y = _legend(groups, numbers, y + 8)
    placed, y = layout.sections(found, y + 8)
    parts += legend
    for section in placed:
        parts += _section(section, numbers)
    missing, y = _missing(preview, y)
    return svg.document(WIDTH, y + MARGIN, f"The plan of fleet {fleet}", len(numbers), [*parts, *missing])


def _summary(found: Sequence[Box]) -> str:
    """What the fleet then costs, and how much of it is wasted."""
    after = [box for box in found if box.action != "delete"]
    machines = sum(box.count for box in after)
    if not machines:
        return "no machine is needed"
    price = per_hour([box.price for box in after for _ in range(box.count)])
    return f"{counted(machines, 'machine')} for {price}, of which {_wasted(after)} is waste"


def _wasted(found: Sequence[Box]) -> str:
    """The waste of all of these machines, in each currency with its part of the price."""
    sums: dict[str, float] = {}
    prices: dict[str, float] = {}
    for box in found:
        if box.price is not None and box.waste is not None:
            currency = box.price.currency
            sums[currency] = sums.get(currency, 0.0) + box.count * box.waste
            prices[currency] = prices.get(currency, 0.0) + box.count * box.price.amount
    told = amounts(sums, 0, "/h")
    if any(box.price is None for box in found):
        return f"{told} where the price is known"
    whole = sum(prices.values())
    return f"{told} ({100 * sum(sums.values()) / whole:.0f} %)" if len(sums) == 1 and whole else told


def _legend(groups: Mapping[str, int], numbers: Mapping[str, int], top: int) -> tuple[list[str], int]:
    """A swatch for each group, in as many columns as have room; and where it ends."""
    if not numbers:
        return [], top
    labels = {group: f"{group} {_TIMES} {groups[group]}" for group in numbers}
    room = WIDTH - 2 * MARGIN
    widest = max(layout.text_width(label, _NORMAL) for label in labels.values())
    columns = max(2, int(room // (widest + 40)))
    step = room // columns
    parts = []
    for position, (group, label) in enumerate(labels.items()):
        x, y = MARGIN + position % columns * step, top + position // columns * _LINE
        parts.append(svg.rect(x, y, 14, 12, f"piece {svg.colour(numbers[group])}", radius=2, hint=label))
        parts.append(svg.text(x + 22, y + 10, shortened(label, step - 40, _NORMAL)))
    return parts, top + -(-len(labels) // columns) * _LINE


def _section(section: Section, numbers: Mapping[str, int]) -> Iterator[str]:
    mine = [placed.box for placed in section.placed]
    machines = counted(sum(box.count for box in mine), "machine")
    price = per_hour([box.price for box in mine for _ in range(box.count)])
    yield svg.text(MARGIN, section.y + 26, f"{machines} {_HEADINGS[section.action]}", f"heading {section.action}")
    yield svg.text(WIDTH - MARGIN, section.y + 26, f"{price}, waste {_wasted(mine)}", "dim", "end")
    for placed in section.placed:
        yield from _machine(placed, numbers)


def _machine(placed: Placed, numbers: Mapping[str, int]) -> Iterator[str]:
    box, x, y = placed.box, placed.x, placed.y
    left, right = x + PADDING, x + BOX_WIDTH - PADDING
    yield svg.rect(x, y, BOX_WIDTH, placed.height, f"box of-{box.action}", radius=6, hint=_hint(box))
    count = f"{_TIMES} {box.count}" if box.count > 1 else ""
    yield svg.text(left, y + 24, shortened(box.id, _INNER - layout.text_width(count, _NAME) - 8, _NAME), "name")
    yield svg.text(right, y + 24, count, f"name {box.action}", "end")
    yield from _pair(left, right, y + 42, box.machine_type, box.purchase)
    yield svg.text(left, y + 57, shortened(box.place, _INNER, _NORMAL), "dim")
    wasted = "" if box.waste is None else f"waste {box.waste:.4f}"
    yield from _pair(left, right, y + 74, "price unknown" if box.price is None else str(box.price), wasted)
    top = y + layout.HEADER
    for bar in box.bars:
        yield from _bar(bar, left, top, numbers)
        top += layout.BAR_STEP
    for position, device in enumerate(box.devices):
        compute = box.compute[position] if box.compute else None
        yield from _device(device, compute, left, top, numbers)
        top += layout.DEVICE_LABEL + layout.BAR_STEP + (layout.COMPUTE_STEP if compute else 0)


def _pair(left: float, right: float, y: float, first: str, second: str) -> Iterator[str]:
    """Two texts in one line; the second has its room first."""
    room = right - left - layout.text_width(second, _NORMAL) - 8
    yield svg.text(left, y, shortened(first, room, _NORMAL))
    yield svg.text(right, y, second, "dim", "end")


def _bar(bar: Gauge, left: float, top: float, numbers: Mapping[str, int]) -> Iterator[str]:
    yield svg.text(left, top + 12, bar.label, "small dim")
    yield from _pieces(bar, Area(left + _LABEL, top, _INNER - _LABEL - _FIGURES, layout.BAR), numbers)
    yield svg.text(
        left + _INNER, top + 12, shortened(f"{100 * bar.used:.0f}% of {bar.size}", _FIGURES - 8, _SMALL), "small", "end"
    )


def _device(device: Gauge, compute: Gauge | None, left: float, top: float, numbers: Mapping[str, int]) -> Iterator[str]:
    figures = f"{100 * device.used:.0f}% of {device.size}"
    room = _INNER - layout.text_width(figures, _SMALL) - 8
    yield svg.text(left, top + 12, shortened(f"GPU {device.label}", room, _SMALL), "small dim")
    yield svg.text(left + _INNER, top + 12, figures, "small", "end")
    top += layout.DEVICE_LABEL
    yield from _pieces(device, Area(left, top, _INNER, layout.BAR), numbers)
    if compute is not None:
        yield from _pieces(compute, Area(left, top + layout.BAR + 2, _INNER, layout.COMPUTE_BAR), numbers)


def _pieces(gauge: Gauge, area: Area, numbers: Mapping[str, int]) -> Iterator[str]:
    """The whole of a thing, and over it each piece, named where the name has room."""
    yield svg.rect(area.x, area.y, area.width, area.height, "track", radius=2)
    left = area.x
    for piece in gauge.pieces:
        size = piece.share * area.width
        ends = ", ends to make room" if piece.ends else ""
        kind = f"piece {svg.colour(numbers[piece.group])}{' ends' if ends else ''}{' thin' if size < _THIN else ''}"
        hint = f"{piece.group}: {100 * piece.share:.1f} %{ends}"
        if size:
            edge = 0.0 if size < _THIN else 0.5
            yield svg.rect(left + edge, area.y + 0.5, size - 2 * edge, area.height - 1, kind, hint=hint)
        if area.height == layout.BAR and (name := layout.named(piece.group, size - 8, _SMALL)):
            yield svg.text(left + size / 2, area.y + 12, name, "small", "middle")
        left += size


def _hint(box: Box) -> str:
    replicas = ", ".join(f"{number} x {group}" for group, number in box.replicas) or "nothing"
    return f"{box.id}: {box.machine_type}, {replicas}"


def _missing(preview: Preview, top: int) -> tuple[list[str], int]:
    """What finds no place, with the reasons."""
    hit = unplaced(preview.plan, preview.demands)
    if not hit:
        return [], top
    total = counted(len(preview.plan.unplaced), "replica")
    parts = [svg.text(MARGIN, top + 26, f"{total} without a place", "heading delete")]
    y = top + 50
    for group, reason, number in hit:
        for line in layout.wrapped(f"{number} {_TIMES} {group}: {reason}", WIDTH - 2 * MARGIN, _NORMAL):
            parts.append(svg.text(MARGIN, y, line))
            y += _LINE
    return parts, y
