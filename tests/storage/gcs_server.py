"""`python -m tests.storage.gcs_server …`: the emulator of Cloud Storage, with room for callers to wait.

It serves one request after the other, and lets five connections wait; others are thrown away, and what is sent again after
seconds comes when it is not expected any more.
"""

from http.server import HTTPServer
from runpy import run_module

HTTPServer.request_queue_size = 128

if __name__ == "__main__":
    run_module("gcp_storage_emulator", run_name="__main__", alter_sys=True)
