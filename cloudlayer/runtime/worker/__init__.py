"""The worker: serves one function over HTTP, inside a replica. The standard library alone, so that any image can run it.

This folder is copied into containers and sandboxes under the name `cloudlayer_worker` and run by
`python -m cloudlayer_worker SOURCE`, where SOURCE is the function's folder. Exactly one file at its top defines `apply(input)`
and, if it likes, `load()`, which runs once before anything is accepted.

Environment: HOST (127.0.0.1 if absent) and PORT, or CLOUDLAYER_SOCKET, say where it serves; CLOUDLAYER_CONCURRENCY (1) how many
calls run at once; CLOUDLAYER_GRACE (30, seconds) how long SIGTERM waits for calls in flight; CLOUDLAYER_STATUS a file that gets
`{"error": {...}}` when the function cannot be loaded, with exit code 70.

`POST /` is a call: application/json arrives as a value, text/* and application/text as str, all else as bytes; a result of
bytes goes out as application/octet-stream, of str as text/plain, all else as application/json. An error is a 500 with
`{"error": {"message", "error_type", "stack_trace"}}`. `sys.exit` in a function ends its replica. An `async def apply` runs on
the event loop, which it must not block. Functions call others by `import cloudlayer_client`.

What is written in a call that has an X-Request-Id is marked with that, line by line: see `output`.
"""
