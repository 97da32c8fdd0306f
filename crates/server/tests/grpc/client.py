"""A client that knows nothing of the service but its address: messages and methods come from reflection."""

import json
import urllib.error
import urllib.request

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

CHECKOUT = "ordo.checkout.v1.CheckoutService"
ORDER = "ordo.order.v1.OrderService"
WITHIN_S = 20


class Refused(Exception):
    """What a call was refused with."""

    def __init__(self, error):
        self.code = error.code()
        self.message = error.details()
        # Of an answer that is nothing but a refusal, all of it trails.
        self.metadata = {**dict(error.initial_metadata() or ()), **dict(error.trailing_metadata() or ())}
        self.reason, self.facts, self.broken, self.request_id, self.retry_s = None, {}, [], None, None
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            request, retry = error_details_pb2.RequestInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                assert info.domain == "ordo", info
                self.reason, self.facts = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                self.broken = sorted((one.field, one.description.split(": ")[0]) for one in bad.field_violations)
            elif detail.Unpack(request):
                self.request_id = request.request_id
            elif detail.Unpack(retry):
                self.retry_s = retry.retry_delay.seconds
        super().__init__(f"{self.code.name} {self.reason} {self.message} {self.broken} {self.facts}")


class Grpc:
    """Calls by name, with fields and answers as dictionaries."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self.channel).result(timeout=WITHIN_S)
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))

    def method(self, service, name):
        return self.pool.FindServiceByName(service).FindMethodByName(name)

    def begin(self, service, name, fields, within=WITHIN_S, **metadata):
        """Begins a call; the answer is read from what it gives."""
        method = self.method(service, name)
        asked = message_factory.GetMessageClass(method.input_type)
        answered = message_factory.GetMessageClass(method.output_type)
        make = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
        call = make(
            f"/{service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answered.FromString,
        )
        sent = tuple((key.replace("_", "-"), value) for key, value in metadata.items())
        message = json_format.ParseDict(fields, asked())
        return call(message, timeout=within, metadata=sent) if method.server_streaming else call.future(
            message, timeout=within, metadata=sent
        )

    def told(self, service, name, fields, within=WITHIN_S, **metadata):
        """The answer, and the metadata that came with it."""
        call = self.begin(service, name, fields, within, **metadata)
        try:
            answer = call.result()
        except grpc.RpcError as error:
            raise Refused(error) from None
        return as_fields(answer), dict(call.initial_metadata())

    def __call__(self, service, name, fields, **more):
        return self.told(service, name, fields, **more)[0]

    def checkout(self, name, fields, **more):
        return self(CHECKOUT, name, fields, **more)

    def order(self, name, fields, **more):
        return self(ORDER, name, fields, **more)

    def raw(self, path, sent, within=WITHIN_S):
        """Bytes instead of a message."""
        call = self.channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
        try:
            return call(sent, timeout=within)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def services(self, version):
        """What reflection lists; both versions have the same messages."""
        call = self.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = call(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=WITHIN_S)
        return {service.name for service in next(answers).list_services_response.service}


class Rest:
    """The HTTP doors."""

    def __init__(self, address):
        self.url = f"http://{address}"

    def __call__(self, method, path, body=None, **headers):
        """Status and answer."""
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as reply:
                return reply.status, json.loads(reply.read(), parse_float=str)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read(), parse_float=str)

    def put_into_cart(self, session, sku_id="TEA", qty=2):
        status, answer = self("POST", "/api/v1/cart/items", {"session_id": session, "sku_id": sku_id, "qty": qty})
        assert status == 201, answer


def as_fields(message):
    """A message as a dictionary, with numbers as numbers."""
    fields = {}
    for descriptor, value in message.ListFields():
        is_list = hasattr(value, "append") or hasattr(value, "add")
        inner = (lambda one: as_fields(one)) if descriptor.message_type else (lambda one: one)
        fields[descriptor.name] = [inner(one) for one in value] if is_list else inner(value)
    return fields


def refused(call, *arguments, **more):
    """What the call is refused with."""
    try:
        answer = call(*arguments, **more)
    except Refused as error:
        return error
    raise AssertionError(f"not refused: {answer}")
