"""One object, of any size, in flat memory: what is small in one request, what is large in parts at once.

source ─▶ parts (crc32c each) ─▶ threads ─▶ Upload.part / ranged get + pwrite ─▶ whole: sums combined, then complete / rename
             │
          journal: which parts are there already, should this process die
"""

from __future__ import annotations

from cloudlayer.storage.transfers.copies import copy_object
from cloudlayer.storage.transfers.downloads import download_file
from cloudlayer.storage.transfers.uploads import upload_file, upload_stream

__all__ = ["copy_object", "download_file", "upload_file", "upload_stream"]
