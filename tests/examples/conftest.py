"""The examples' functions, loaded as the worker does: from their folder, by a name of their own."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_function(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{Path(path).stem}", EXAMPLES / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sentiment(monkeypatch):
    """nlp/SentimentAnalysis with an analyzer that counts words in place of the lexicon."""
    module = load_function("sentiment/functions/sentiment/sentiment.py")
    monkeypatch.setattr(module, "_analyzers", [SimpleNamespace(polarity_scores=_scores)])
    return module


def _scores(text):
    words = text.lower().split()
    return {"compound": (words.count("good") - words.count("bad")) / 3}


@pytest.fixture
def scorer():
    """What nlp/Sentences sees of the fleet: it answers with the length of the document and records who was called."""
    return Scorer()


class Scorer:
    def __init__(self):
        self.called = []

    def client(self):
        return self

    def algo(self, reference):
        self.called.append(reference)
        return self

    def pipe(self, input):
        if "broken" in input["document"]:
            raise RuntimeError("the scorer broke")
        return SimpleNamespace(result={"sentiment": float(len(input["document"]))})


@pytest.fixture
def sentences(monkeypatch, scorer):
    monkeypatch.setitem(sys.modules, "cloudlayer_client", scorer)
    return load_function("sentiment/functions/sentences/sentences.py")


@pytest.fixture
def digits(monkeypatch):
    """vision/Digits with a model that knows one thing: the digit is the brightness of the first pixel, halved."""
    module = load_function("digits/functions/digits/digits.py")
    monkeypatch.setattr(module, "_models", [SimpleNamespace(predict_proba=_probabilities)])
    return module


class Row(list):
    def argmax(self):
        return self.index(max(self))


def _probabilities(pictures):
    rows = [Row([0.01] * 10) for _ in pictures]
    for row, picture in zip(rows, pictures, strict=True):
        row[int(picture[0] // 2)] = 0.91234
    return rows
