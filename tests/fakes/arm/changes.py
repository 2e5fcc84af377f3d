"""What a change may not do: come to a state that it did not expect, or change what cannot change."""

from tests.fakes.arm.errors import Refusal


def check_preconditions(request, resource):
    """Hold If-Match and If-None-Match against what there is; None where there is nothing."""
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    if unwanted == "*" and resource is not None:
        raise Refusal("PreconditionFailed", f"{request.id} exists.")
    if wanted and (resource is None or wanted not in ("*", resource.document.get("etag", wanted))):
        raise Refusal("PreconditionFailed", f"The etag of {request.id} is not {wanted}.")


def check_unchanged(immutable, known, body):
    """Refuse a body that says otherwise than what is known about what cannot change, given as dotted paths."""
    for path in immutable:
        if not _fits(_at(body, path), _at(known, path)):
            raise Refusal("PropertyChangeNotAllowed", f"Changing property '{path}' is not allowed.", target=path)


def _at(document, path):
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _fits(new, old):
    """Whether a change leaves a value as it is: what it does not mention stays, and words count without case."""
    if isinstance(new, dict) and isinstance(old, dict):
        return all(_fits(value, old.get(name)) for name, value in new.items())
    if isinstance(new, str) and isinstance(old, str):
        return new.lower() == old.lower()
    return new in (None, []) or new == old
