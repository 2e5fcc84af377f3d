"""A function that cannot be loaded."""


def load():
    raise RuntimeError("the model file is missing")


def apply(input):
    return input
