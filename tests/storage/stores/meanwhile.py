"""Another writer, who comes right before or right after a store has looked at an object."""


def after_a_look(monkeypatch, store, *writes, verb="head"):
    """Let each of `writes` be called after one of the store's next looks, in order."""
    left, look = list(writes), getattr(store, verb)

    def looked(key):
        found = look(key)
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(store, verb, looked)


def before_a_look(monkeypatch, store, *writes, verb="head"):
    """Let each of `writes` be called before one of the store's next looks, in order."""
    left, look = list(writes), getattr(store, verb)

    def looked(key):
        if left:
            left.pop(0)()
        return look(key)

    monkeypatch.setattr(store, verb, looked)
