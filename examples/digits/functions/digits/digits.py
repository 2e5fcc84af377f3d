"""Which digit an 8 x 8 picture shows: a support vector classifier, trained on scikit-learn's own digits at the start."""

from __future__ import annotations

from typing import Any

PIXELS = 64
BRIGHTEST = 16

_models: list[Any] = []


class InputError(Exception):
    """The input is no picture."""

    error_type = "InputError"


def load() -> None:
    """Train, once for each replica; the seed makes every replica the same."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    digits = load_digits()
    model = CalibratedClassifierCV(SVC(gamma=0.001, random_state=0), ensemble=False)
    _models.append(model.fit(digits.data, digits.target))


def apply(input: Any) -> dict[str, Any]:
    """The likeliest digit and its probability, for 64 numbers from 0 (white) to 16 (black), row by row."""
    pixels = input.get("pixels") if isinstance(input, dict) else input
    probabilities = _models[0].predict_proba([_checked(pixels)])[0]
    digit = int(probabilities.argmax())
    return {"digit": digit, "probability": round(float(probabilities[digit]), 3)}


def _checked(pixels: Any) -> list[float]:
    if not isinstance(pixels, list) or len(pixels) != PIXELS:
        raise InputError(f"the input is not a picture: send {PIXELS} numbers from 0 to {BRIGHTEST}, row by row")
    for index, value in enumerate(pixels):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= BRIGHTEST:
            raise InputError(f"pixel {index} is {value!r}: it must be a number from 0 to {BRIGHTEST}")
    return [float(value) for value in pixels]
