"""Where a server's keys start, of one that has folders."""

from __future__ import annotations

from cloudlayer.errors import InvalidSpec


def absolute(uri: str, root: str) -> str:
    """The folder as the beginning of paths: with a slash at both ends. InvalidSpec for one that is not absolute."""
    parts = root.strip("/").split("/") if root.strip("/") else []
    if not root.startswith("/") or not {"", ".", ".."}.isdisjoint(parts):
        raise InvalidSpec(f'{uri}: root is "{root}": give a folder that starts with "/" and has no "." or ".." in it')
    return "".join(f"/{part}" for part in parts) + "/"
