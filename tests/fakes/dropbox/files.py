"""The files of one account of the fake: paths without regard to case, folders made on the way, sessions, pages.

What each route does is Dropbox's published description of it; `Refused` carries the route's own union of errors.
"""

import itertools
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dropbox import files
from dropbox.content_hash import DropboxContentHasher

BLOCK = 4 * 1024 * 1024
_RESERVED = re.compile(r"(?i)/\.(dropbox|dropbox\.attr|dropbox\.cache)(/|$)")
_numbers = itertools.count(1)


class Refused(Exception):
    """The answer of a route that refuses."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


@dataclass
class Session:
    """An upload session."""

    data: bytearray = field(default_factory=bytearray)
    closed: bool = False


class Account:
    """What one access token reaches. Every route is one step."""

    def __init__(self, page=7):
        self.lock = threading.RLock()
        self.entries = {}
        self.content = {}
        self.sessions = {}
        self.cursors = {}
        self.page = page

    def metadata(self, path):
        """What is there; by path, or by "rev:"."""
        if path.startswith("rev:"):
            found = next((entry for entry in self.entries.values() if getattr(entry, "rev", None) == path[4:]), None)
        else:
            found = self.entries.get(_folded(path))
        if found is None:
            raise Refused(files.LookupError.not_found)
        return found

    def download(self, path):
        """A file's metadata and bytes."""
        found = self.metadata(path)
        if isinstance(found, files.FolderMetadata):
            raise Refused(files.LookupError.not_file)
        return found, self.content[found.rev]

    def write(self, arg, data):
        """Commit a file under the conditions of `arg`: a WriteError if they do not hold."""
        self._check_name(arg.path)
        self._check_above(arg.path)
        old = self.entries.get(_folded(arg.path))
        if isinstance(old, files.FolderMetadata):
            raise _conflict(files.WriteConflictError.folder)
        same = old is not None and old.content_hash == content_hash(data)
        if arg.mode.is_add() and old is not None and (arg.strict_conflict or not same):
            raise _conflict(files.WriteConflictError.file)
        if arg.mode.is_update():
            other = old is None or old.rev != arg.mode.get_update()
            if other and (arg.strict_conflict or (old is not None and not same)):
                raise _conflict(files.WriteConflictError.file)
        return self._commit(arg.path, data, old)

    def delete(self, path, parent_rev):
        """Delete a file or a folder with all that is in it."""
        found = self.metadata(path)
        if parent_rev is not None and getattr(found, "rev", None) != parent_rev:
            raise _conflict(files.WriteConflictError.file)
        below = f"{_folded(path)}/"
        for known in [known for known in self.entries if known == _folded(path) or known.startswith(below)]:
            del self.entries[known]
        return found

    def copy(self, source, target):
        """Copy a file onto a path that is free."""
        _, data = self.download(source)
        self._check_name(target)
        self._check_above(target)
        there = self.entries.get(_folded(target))
        if there is not None:
            folder = isinstance(there, files.FolderMetadata)
            raise _conflict(files.WriteConflictError.folder if folder else files.WriteConflictError.file)
        return self._commit(target, data, None)

    def list(self, path, recursive):
        """The first page of a folder, and a cursor to the rest."""
        if path:
            found = self.metadata(path)
            if isinstance(found, files.FileMetadata):
                raise Refused(files.LookupError.not_folder)
        below = f"{_folded(path)}/"
        names = [known for known in self.entries if known.startswith(below) and (recursive or "/" not in known[len(below) :])]
        cursor = f"cursor-{next(_numbers)}"
        # in no order that anybody may count on
        self.cursors[cursor] = [self.entries[name] for name in sorted(names, key=lambda name: name[::-1])]
        return self.more(cursor)

    def more(self, cursor):
        """The page of a cursor."""
        if cursor not in self.cursors:
            raise Refused(files.ListFolderContinueError.reset)
        left = self.cursors.pop(cursor)
        page, left = left[: self.page], left[self.page :]
        after = f"cursor-{next(_numbers)}"
        self.cursors[after] = left
        return files.ListFolderResult(entries=page, cursor=after, has_more=bool(left))

    def session(self, cursor, kind):
        """The session of a cursor, at its offset; `kind` is the union of errors."""
        found = self.sessions.get(cursor.session_id)
        if found is None:
            raise Refused(kind.not_found)
        if cursor.offset != len(found.data):
            raise Refused(kind.incorrect_offset(files.UploadSessionOffsetError(correct_offset=len(found.data))))
        if found.closed and kind is files.UploadSessionAppendError:
            raise Refused(kind.closed)
        return found

    def _commit(self, path, data, old):
        folder = ""
        for name in path.split("/")[1:-1]:
            folder += f"/{name}"
            if _folded(folder) not in self.entries:
                self.entries[_folded(folder)] = files.FolderMetadata(
                    name=name, id=f"id:folder{next(_numbers)}", path_lower=_folded(folder), path_display=folder
                )
        now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
        above = self.entries[_folded(folder)].path_display if folder else ""
        name = old.name if old is not None else path.rpartition("/")[2]
        made = files.FileMetadata(
            name=name,
            id=old.id if old is not None else f"id:file{next(_numbers)}",
            client_modified=now,
            server_modified=now,
            rev=f"{next(_numbers):09x}abc",
            size=len(data),
            path_lower=_folded(path),
            path_display=f"{above}/{name}",
            is_downloadable=True,
            content_hash=content_hash(data),
        )
        self.entries[_folded(path)] = made
        self.content[made.rev] = bytes(data)
        return made

    def _check_name(self, path):
        names = path.split("/")[1:]
        if "" in names or "\\" in path or any(len(name) > 255 for name in names):
            raise Refused(files.WriteError.malformed_path(None))
        if {".", ".."} & set(names) or _RESERVED.search(path) or "\0" in path:
            raise Refused(files.WriteError.disallowed_name)

    def _check_above(self, path):
        folder = path.rpartition("/")[0]
        while folder:
            if isinstance(self.entries.get(_folded(folder)), files.FileMetadata):
                raise _conflict(files.WriteConflictError.file_ancestor)
            folder = folder.rpartition("/")[0]


def _conflict(what):
    return Refused(files.WriteError.conflict(what))


def _folded(path):
    return path.lower() if path != "/" else ""


def content_hash(data):
    hasher = DropboxContentHasher()
    hasher.update(bytes(data))
    return hasher.hexdigest()
