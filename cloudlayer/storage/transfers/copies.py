"""From one store into another, by whichever way moves the fewest bytes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from cloudlayer.errors import Changed
from cloudlayer.storage.objects import PLAIN, ObjectInfo, PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.storage.transfers.buffers import BUFFERS, READ_COPIES, SMALL, Progress
from cloudlayer.storage.transfers.downloads import download_file
from cloudlayer.storage.transfers.local import local_path
from cloudlayer.storage.transfers.sources import ObjectSource
from cloudlayer.storage.transfers.uploads import send, upload_file, upload_stream
from cloudlayer.storage.uri import shown


def copy_object(
    source: Store,
    key: str,
    target: Store,
    target_key: str,
    options: PutOptions = PLAIN,
    *,
    info: ObjectInfo | None = None,
    progress: Progress | None = None,
) -> ObjectInfo:
    """Copy an object; its metadata and content type go with it, as far as the target keeps them. What the target then has.

    `info` is what a list or `head` says of it, for whoever knows already: Changed if it is another one by now. A file of this
    host is copied as it is when it is opened. Errors are those of uploads and downloads.
    """
    if source is target:
        copied = source.copy(key, target_key, options, if_match=info.etag if info else None)
        if progress:
            progress(copied.size)
        return copied
    info = info or source.head(key)
    if out_of := local_path(source, key):
        return upload_file(target, target_key, out_of, options, progress=progress)
    if info.size > SMALL:
        info = _all_of(source, info)
    into = local_path(target, target_key)
    if into and options == PLAIN:
        download_file(source, key, into, info=info, progress=progress)
        return target.head(target_key)
    if info.size <= SMALL:
        return _copy_small(source, info, target, target_key, options, progress=progress)
    options = _with_own(options, info, target)
    if info.etag is None or not source.reads_ranges(key):
        with closing(source.open(key, if_match=info.etag)) as reader:
            return upload_stream(target, target_key, reader, options, progress=progress)
    return send(ObjectSource(source, info), target, target_key, options, progress=progress)


def _all_of(store: Store, info: ObjectInfo) -> ObjectInfo:
    """What lists do not tell: metadata, and the sum; Changed if the etag is another one than they told."""
    whole = store.head(info.key)
    if info.etag not in {None, whole.etag}:
        raise Changed(
            f"{shown(store.uri + info.key)} is another one by now: its etag is {whole.etag}, not {info.etag}",
            provider=store.uri,
        )
    return whole


def _copy_small(
    source: Store, info: ObjectInfo, target: Store, target_key: str, options: PutOptions, *, progress: Progress | None
) -> ObjectInfo:
    with BUFFERS.lent(info.size * READ_COPIES):
        with closing(source.open(info.key, if_match=info.etag)) as reader:
            data = b"".join(reader)
        copied = target.put(target_key, data, _with_own(options, reader.info, target))
    if progress:
        progress(len(data))
    return copied


def _with_own(options: PutOptions, info: ObjectInfo, target: Store) -> PutOptions:
    """The options, and in place of what they do not say what the object has itself."""
    if not options.content_type and target.capabilities["content_type"]:
        options = replace(options, content_type=info.content_type)
    if not options.metadata and target.capabilities["metadata"]:
        options = replace(options, metadata=info.metadata)
    return options
