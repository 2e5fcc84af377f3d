"""A disk that fails when it is told to: below the driver, at the calls by which Python touches files."""

import errno
import os
import sys

TOUCHES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.symlink", "fcntl.flock"}


class FailingDisk:
    """The disk of one state folder. Each touch of a file or lock in it is a call."""

    def __init__(self, state):
        self.state = state
        self._plan = None

    def fail_after(self, touches):
        """So many touches go well, and then none."""
        left = iter(range(touches))

        def plan(event, arguments):
            return errno.EIO if next(left, None) is None else None

        self._begin(plan)

    def fail_once_after_the_rename_to(self, made):
        """The touch that follows the one which lets a thing appear fails; `made` tells it by its path."""
        seen = []

        def plan(event, arguments):
            if seen:
                self.heal()
                return errno.EIO
            if event == "os.rename" and made(str(arguments[1])):
                seen.append(event)
            return None

        self._begin(plan)

    def forbid_folders_in(self, folder):
        """No folder can be made in this one."""

        def plan(event, arguments):
            inside = event == "os.mkdir" and str(arguments[0]).startswith(f"{folder}{os.sep}")
            return errno.EACCES if inside else None

        self._begin(plan)

    def heal(self):
        """It is well again."""
        self._plan = None
        if _failing and _failing[-1] is self:
            _failing.clear()

    def touched(self, event, arguments):
        path = str(arguments[0]) if arguments else ""
        # A tree is removed by names relative to its folders, and a lock is on a number, so these are not absolute.
        if event in TOUCHES and (path.startswith(str(self.state)) or not path.startswith("/")):
            number = self._plan(event, arguments) if self._plan else None
            if number is not None:
                raise OSError(number, os.strerror(number), path)

    def _begin(self, plan):
        self._plan = plan
        if not _hooked:
            # A hook cannot be taken away again: there is one for all disks.
            sys.addaudithook(_hook)
            _hooked.append(True)
        _failing[:] = [self]


_failing = []
_hooked = []


def _hook(event, arguments):
    for disk in _failing:
        disk.touched(event, arguments)
