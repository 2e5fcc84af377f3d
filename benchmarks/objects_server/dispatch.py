"""Which request is which."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.objects_server import lists, objects, uploads
from benchmarks.objects_server.bucket import Bucket
from benchmarks.objects_server.messages import NAMESPACE, Request, Response, S3Error, xml

Answer = Callable[[Bucket, Request], Response]


class Service:
    """All buckets."""

    def __init__(self, buckets: Sequence[str]) -> None:
        self.buckets = {name: Bucket() for name in buckets}

    def fill(self, name: str, count: int) -> None:
        """Make a bucket of so many objects, in folders of a thousand each."""
        bucket = self.buckets[name] = Bucket()
        for number in range(count):
            key = f"{number // 1000:04}/{number % 1000:03}"
            objects.put(bucket, Request("PUT", name, key, {}, {}, key.encode()))

    def answer(self, request: Request) -> Response:
        """Do what a request asks for; S3Error otherwise."""
        bucket = self.buckets.get(request.bucket)
        if bucket is None:
            return self._elsewhere(request)
        if not request.key:
            return self._bucket(bucket, request)
        if not request.query or (
            "X-Amz-Signature" in request.query and request.query.keys().isdisjoint(("uploadId", "uploads", "tagging"))
        ):
            return self._object(bucket, request)
        return self._part_of_object(bucket, request)

    def _object(self, bucket: Bucket, request: Request) -> Response:
        method = request.method
        if method in {"GET", "HEAD"}:
            return objects.get(bucket, request)
        if method == "PUT":
            if "x-amz-copy-source" in request.headers:
                return objects.copy(bucket, request, self.buckets)
            return objects.put(bucket, request)
        if method == "DELETE":
            return objects.delete(bucket, request)
        raise S3Error(405, "MethodNotAllowed")

    def _part_of_object(self, bucket: Bucket, request: Request) -> Response:
        query, method = request.query, request.method
        if "tagging" in query:
            return objects.tags(bucket, request)
        if "uploads" in query and method == "POST":
            return uploads.create(bucket, request)
        if "uploadId" not in query:
            return self._object(bucket, request)
        if method == "PUT":
            return uploads.part(bucket, request, self.buckets)
        by_method: dict[str, Answer] = {"POST": uploads.complete, "DELETE": uploads.abort, "GET": uploads.list_parts}
        if method not in by_method:
            raise S3Error(405, "MethodNotAllowed")
        return by_method[method](bucket, request)

    def _bucket(self, bucket: Bucket, request: Request) -> Response:
        query, method = request.query, request.method
        if method == "GET" and "location" in query:
            return xml(f"<LocationConstraint {NAMESPACE}></LocationConstraint>")
        if method == "GET":
            return uploads.list_uploads(bucket, request) if "uploads" in query else lists.list_objects(bucket, request)
        if method == "POST" and "delete" in query:
            return lists.delete_objects(bucket, request)
        if method in {"HEAD", "PUT"}:
            return Response()
        if method == "DELETE":
            if bucket.objects:
                raise S3Error(409, "BucketNotEmpty")
            del self.buckets[request.bucket]
            return Response(204)
        raise S3Error(405, "MethodNotAllowed")

    def _elsewhere(self, request: Request) -> Response:
        if not request.bucket and request.method == "GET":
            return lists.list_buckets(self.buckets)
        if request.method == "PUT" and request.bucket and not request.key:
            self.buckets[request.bucket] = Bucket()
            return Response()
        raise S3Error(404, "NoSuchBucket", "the bucket is not there")
