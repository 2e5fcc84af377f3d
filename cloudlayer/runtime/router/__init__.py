"""The router: calls between functions of one machine, which never leave it. The standard library alone.

Replicas find it where they look for the gateway. The gateway stays the one authority on who may work on what: the router
leases places on replicas of its own machine from it, over one kept line, and calls them itself. What it cannot
do (a function that is not here, a place that is elsewhere, a caller that it does not know) goes on to the gateway as it came.

This folder and that of the worker are copied into an image as `cloudlayer_machine`, and run by `python -m
cloudlayer_machine.router`. Environment: CLOUDLAYER_MACHINE and CLOUDLAYER_ROUTER_TOKEN say who it is; CLOUDLAYER_LISTEN is
the socket that replicas see, CLOUDLAYER_GATEWAY and CLOUDLAYER_LINE those that lead to the gateway, for calls and for the line;
CLOUDLAYER_JOURNAL is a file of its own, by which the next router knows what this one left behind if it is killed.

`serving` answers requests, `calling` takes one call to a replica, `line` talks with the gateway, `places` keeps what is
leased; `client` speaks HTTP to replicas and to the gateway. `envelope`, `options` and `messages` are what both sides say.
"""
