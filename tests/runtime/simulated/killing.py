"""Kills at every step: a child does the work and ends, with no clean-up, at the nth time that it touches its files."""

import os
import sys
from itertools import count

TOUCHES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "fcntl.flock"}


def killed_at(step, folder, work):
    """Whether the work was killed at this step; False if it got through with fewer."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 9
    try:
        steps = count()

        def audit(event, arguments):
            path = str(arguments[0]) if arguments else ""
            # A tree is removed by names relative to its folders, so these are not absolute.
            ours = event in TOUCHES and (path.startswith(str(folder)) or not path.startswith("/"))
            if ours and next(steps) == step:
                os._exit(9)

        sys.addaudithook(audit)
        work()
    finally:
        os._exit(0)
