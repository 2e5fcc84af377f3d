"""The servers that stores are held to the suite on."""

from tests.storage.servers import azurite, gcs, moto_s3
from tests.storage.servers_others import dropbox, hdfs, sshd, swift

__all__ = ["azurite", "dropbox", "gcs", "hdfs", "moto_s3", "sshd", "swift"]
