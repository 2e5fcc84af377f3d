"""Objects for whatever reads and writes through fsspec: pandas, pyarrow, dask, zarr.

    pandas.read_csv("blob://records.csv")                   # by the entry point; what blob:// stands for is configured
    register("s3", "hdfs", "s3+team")                       # from here on "s3://…" is ours, and not s3fs's
    file_system("az")(stores={"az": {"account": "…"}})      # with settings of its own in place of the configuration's

Only `blob` is taken by itself: the other schemes have packages of their own that a program may count on. Paths are what
follows "://". A folder is there while objects are in it; making one does nothing. What fsspec's paths cannot say is not seen in
lists: keys with an empty segment or a "/" at their end.

A file opened for writing is there when it is closed, whole; one whose block raises, or that is never closed, leaves what was
there before. Mode "xb", and "create" of `pipe_file` and `put_file`, are refused by the store itself if the object is there: of
two writers one alone wins. Objects cannot be appended to. Errors are Python's own where it has one (FileNotFoundError,
FileExistsError, PermissionError), else those of `cloudlayer.errors`.
"""

from __future__ import annotations

from cloudlayer.storage.filesystem.base import FileSystem
from cloudlayer.storage.filesystem.registration import BlobFileSystem, file_system, register

__all__ = ["BlobFileSystem", "FileSystem", "file_system", "register"]
