"""moto's server, with a CRC-32C: without the package `crc32c`, moto tells a CRC-32 in its place."""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

import google_crc32c
from moto.server import main

if __name__ == "__main__":
    crc32c = module_from_spec(ModuleSpec("crc32c", None))
    crc32c.crc32c = google_crc32c.value
    sys.modules["crc32c"] = crc32c
    main()
