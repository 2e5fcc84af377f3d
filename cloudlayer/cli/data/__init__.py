"""`cloudlayer data`: objects by URI, and files of this host, listed, read, copied, kept equal and deleted."""

from __future__ import annotations

from cloudlayer.cli.data import copying, deleting, looking, syncing, uploading
from cloudlayer.cli.data.application import app

__all__ = ["app", "copying", "deleting", "looking", "syncing", "uploading"]
