"""The GPUs of a machine as its driver sees them: what is on them, who exceeds a share, and how memory is given back.

All of it goes through the driver's own commands, run by the machine's Host, so that a machine that is reached by SSH and this
one are the same. A share of memory counts all that the driver books to the processes of a replica, their contexts included.
"""
