"""A plug-in process whose every create and first update end half-way: the thing exists, but did not come up."""

import sys
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc


class HalfMade(provider_pb2_grpc.ResourceProviderServicer):
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=False)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        partial = provider_pb2.ErrorResourceInitFailed(id="half", properties=request.properties, reasons=["it does not boot"])
        detail = any_pb2.Any()
        detail.Pack(partial)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="half", details=[detail])
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(grpc.StatusCode.UNKNOWN, "half")

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return empty_pb2.Empty()


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(HalfMade(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.exit(server.wait_for_termination())
