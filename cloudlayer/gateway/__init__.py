"""Calls in, calls routed: a process of its own, which the controller tells where the replicas are.

`http_server` reads requests and `replica_client` makes them; `app` answers a request, `caller` takes one call to a replica,
`dispatcher` keeps what is known of each version, `link` talks with the controller, `routers` with the routers on machines.
`balancer`, `leases`, `tables`, `routing`, `auth` and `envelope` are plain functions of their arguments: no I/O, no clock.
"""
