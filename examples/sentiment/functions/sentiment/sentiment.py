"""How positive a text is, from -1 to 1: the compound score of VADER."""

from __future__ import annotations

from typing import Any

_analyzers: list[Any] = []


class InputError(Exception):
    """The input is no text and holds none."""

    error_type = "InputError"


def load() -> None:
    """Read the lexicon, once for each replica."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    _analyzers.append(SentimentIntensityAnalyzer())


def apply(input: Any) -> Any:
    """Score a text, {"document": text}, or a list of such; the answer has the form of the input."""
    if isinstance(input, list):
        return [_score(item, f"item {index}") for index, item in enumerate(input)]
    return _score(input, "the input")


def _score(item: Any, place: str) -> dict[str, Any]:
    document = item.get("document") if isinstance(item, dict) else item
    if not isinstance(document, str):
        raise InputError(f'{place} is not a text: send {{"document": "some text"}}, a text, or a list of them')
    score = _analyzers[0].polarity_scores(document)["compound"]
    return {"sentiment": round(score, 3), "document": document}
