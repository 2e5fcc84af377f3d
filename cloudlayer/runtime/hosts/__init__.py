"""How machines are reached: this one directly, every other by one kept SSH connection, and by nothing else.

`LocalHost` and `SshHost` satisfy the protocol Host. A connection is a process of the OpenSSH client that outlives whoever
started it: the replicas behind its forwards stay reachable while the controller starts anew, which adopts it then. No call's
bytes pass through Python on their way.
"""
