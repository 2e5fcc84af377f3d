from tests.storage.filesystem.places import fs, s3_server, stores  # noqa: F401
from tests.storage.servers import azurite  # noqa: F401
from tests.storage.servers_others import hdfs  # noqa: F401
