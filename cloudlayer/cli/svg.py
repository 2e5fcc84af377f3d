"""Elements of SVG as text, with everything escaped; and the picture's colours, for light and for dark surroundings."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Sequence
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold, not even escaped."""
_GOLDEN: Final = 0.381966
"""Hues this part of the circle apart are told apart best, however many there are."""
_FIRST_HUE: Final = 0.58

_STYLE: Final = """
text { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink); }
.title { font: 600 22px system-ui, sans-serif; } .heading { font: 600 15px system-ui, sans-serif; }
.name { font-size: 13px; font-weight: 700; } .small { font-size: 10px; } .dim { fill: var(--dim); }
.buy { fill: var(--buy); } .keep { fill: var(--keep); } .delete { fill: var(--delete); }
.paper { fill: var(--paper); } .box { fill: var(--card); stroke: var(--line); } .track { fill: var(--track); }
.box.of-buy { stroke: var(--buy); stroke-width: 1.5; } .box.of-delete { stroke: var(--delete); stroke-dasharray: 5 4; }
.ends { stroke-dasharray: 3 2; opacity: 0.45; } .piece { stroke-width: 1; } .piece.thin { stroke-width: 0; }
"""
_LIGHT: Final = {
    "ink": "#1f2328",
    "dim": "#59636e",
    "paper": "#f6f8fa",
    "card": "#ffffff",
    "line": "#c4ccd4",
    "track": "#e7ebef",
    "buy": "#0b6b3a",
    "keep": "#0a58a8",
    "delete": "#b3261e",
}
_DARK: Final = {
    "ink": "#e6edf3",
    "dim": "#9da7b1",
    "paper": "#0d1117",
    "card": "#161b22",
    "line": "#3d444d",
    "track": "#2a3038",
    "buy": "#56d38b",
    "keep": "#6cb2ff",
    "delete": "#ff8a80",
}


def document(width: int, height: int, label: str, groups: int, parts: Sequence[str]) -> str:
    """A whole SVG document, with the colours of so many groups."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f"aria-label={_quoted(label)}>"
    )
    body = [f"<title>{_escaped(label)}</title>", f"<style>{_style(groups)}</style>", rect(0, 0, width, height, "paper")]
    return "\n".join([head, *body, *parts, "</svg>"]) + "\n"


def text(x: float, y: float, content: str, kind: str = "", anchor: Literal["start", "middle", "end"] = "start") -> str:
    """A line of text whose baseline is at `y`."""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}"{_class(kind)}{placed} xml:space="preserve">{_escaped(content)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str, *, radius: int = 0, hint: str = "") -> str:
    """A rectangle; `hint` is shown by whoever points at it."""
    form = f'<rect x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}"{_class(kind)}'
    form += f' rx="{radius}"' if radius else ""
    return f"{form}><title>{_escaped(hint)}</title></rect>" if hint else f"{form}/>"


def colour(number: int) -> str:
    """The class of the colour of the group of that number."""
    return f"c{number}"


def _style(groups: int) -> str:
    light = f"\n:root {{ {_variables(_LIGHT)} }}{_STYLE}{_fills(groups, 0.84, 0.42, 0.6)}"
    dark = f":root {{ {_variables(_DARK)} }}\n{_fills(groups, 0.30, 0.62, 0.45)}"
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _fills(groups: int, fill: float, edge: float, saturation: float) -> str:
    """The colours of each group; a piece that is too thin for an edge is all in the edge's."""
    rules = []
    for number in range(groups):
        hue = (_FIRST_HUE + number * _GOLDEN) % 1
        inner, outer = _hex(hue, fill, saturation), _hex(hue, edge, saturation)
        rules.append(f".c{number} {{ fill: {inner}; stroke: {outer}; }} .thin.c{number} {{ fill: {outer}; }}")
    return "\n".join(rules)


def _variables(values: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in values.items())


def _hex(hue: float, lightness: float, saturation: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _escaped(content: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", content))


def _quoted(content: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", content))
