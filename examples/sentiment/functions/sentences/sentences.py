"""The sentiment of each sentence of a text, each scored by a call to nlp/SentimentAnalysis, and their mean."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise
from typing import Any

import cloudlayer_client

SCORER = "nlp/SentimentAnalysis/1.*"
AT_ONCE = 4
ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "e.g.", "i.e.", "cf."})

_PARAGRAPH = re.compile(r"\n\s*\n")
_END = re.compile(r"""[.!?\u2026]+["'\u201d\u2019)\]]*\s+(?=["'\u201c\u2018(\[]*[A-Z0-9])""")


class InputError(Exception):
    """The input is no text and holds none."""

    error_type = "InputError"


def apply(input: Any) -> dict[str, Any]:
    """Score each sentence of a text or of {"document": text}; the mean is None where there is no sentence."""
    text = input.get("document") if isinstance(input, dict) else input
    if not isinstance(text, str):
        raise InputError('the input is not a text: send {"document": "some text"} or a text')
    sentences = split(text)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Each call needs a context of its own, which carries the request id and the deadline of the call being served.
        calls = [pool.submit(copy_context().run, _score, sentence) for sentence in sentences]
        scored = [{"sentence": sentence, "sentiment": call.result()} for sentence, call in zip(sentences, calls, strict=True)]
    mean = round(sum(item["sentiment"] for item in scored) / len(scored), 3) if scored else None
    return {"sentences": scored, "mean": mean}


def split(text: str) -> list[str]:
    """The sentences of a text: each ends in a mark before a capital or a figure, or at an empty line."""
    return [sentence for paragraph in _PARAGRAPH.split(text) for sentence in _split_paragraph(paragraph)]


def _split_paragraph(paragraph: str) -> list[str]:
    ends = [match.end() for match in _END.finditer(paragraph) if not _is_abbreviated(paragraph[: match.end()])]
    pieces = [paragraph[start:end] for start, end in pairwise([0, *ends, len(paragraph)])]
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]


def _is_abbreviated(text: str) -> bool:
    return text.rsplit(maxsplit=1)[-1].lower() in ABBREVIATIONS


def _score(sentence: str) -> float:
    scorer = cloudlayer_client.client().algo(SCORER)
    return float(scorer.pipe({"document": sentence}).result["sentiment"])
