"""What a caller of the gRPC door sees. `scenarios.py NAME GRPC_ADDRESS HTTP_ADDRESS [PID]`; ends with 0 if all of it holds."""

import json
import os
import signal
import socket
import struct
import sys
import threading
import time

import grpc
from client import CHECKOUT, ORDER, Grpc, Refused, Rest, as_fields, refused
from grpc_health.v1 import health_pb2, health_pb2_grpc

HOME = {"name": "Ada", "line1": "1 Main St", "city": "Springfield", "country": "US", "region": "IL", "postal_code": "62701"}
COMPLETE = {"shipping_address": HOME, "payment_method": "card_stub", "customer_email": "ada@mail.example"}
PAID = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"]
SOME_ID = "018f4e9a-0000-7000-8000-000000000000"


def same(got, expected):
    assert got == expected, f"\n     got {got}\nexpected {expected}"


def ready(rpc, rest, session, method="card_stub"):
    """A guest's session that can be confirmed."""
    rest.put_into_cart(session)
    rpc.checkout("StartCheckout", {"session_id": session})
    state = rpc.checkout("UpdateCheckoutState", {"session_id": session, **COMPLETE, "payment_method": method})
    same(state.get("missing"), None)


def confirmed(rpc, rest, session, method="card_stub"):
    ready(rpc, rest, session, method)
    return rpc.checkout("ConfirmCheckout", {"session_id": session})


def a_guest_checks_out(rpc, rest):
    rest.put_into_cart("s")
    begun, metadata = rpc.told(CHECKOUT, "StartCheckout", {"session_id": "s"}, x_request_id="begin-1")
    same(metadata["x-request-id"], "begin-1")
    same(begun["totals"]["total_amount"], "20.00")
    same(begun["missing"], ["shipping_address", "payment_method", "customer_email"])
    same((begun["status"], len(begun["guest_token"]), begun["items"][0]["unit_price"]), ("active", 64, "10.00"))
    state = rpc.checkout("UpdateCheckoutState", {"session_id": "s", **COMPLETE, "notes": "ring", "promotion_codes": ["A", "B"]})
    same((state["shipping_address"], state["notes"], state["promotion_codes"]), (HOME, "ring", ["A", "B"]))
    state = rpc.checkout("UpdateCheckoutState", {"session_id": "s", "shipping_method": "express"})
    same((state["notes"], state["promotion_codes"], state["shipping_method"]), ("ring", ["A", "B"], "express"))
    state = rpc.checkout("UpdateCheckoutState", {"session_id": "s", "clear": ["notes", "promotion_codes"]})
    same((state.get("notes"), state.get("promotion_codes"), state["shipping_method"]), (None, None, "express"))
    same(rpc.checkout("GetCheckout", {"session_id": "s"}), state)
    same(refused(rpc.checkout, "GetCheckout", {"session_id": "s"}, x_guest_token="another").code, grpc.StatusCode.NOT_FOUND)
    same(rpc.checkout("GetCheckout", {"session_id": "s"}, x_guest_token=begun["guest_token"]), state)
    answer, metadata = rpc.told(CHECKOUT, "ConfirmCheckout", {"session_id": "s"}, x_request_id="confirm-1")
    same((answer["status"], answer["payment_status"], answer.get("is_again")), ("PAID", "paid", None))
    again = rpc.checkout("ConfirmCheckout", {"session_id": "s"})
    same(again, {**answer, "is_again": True})
    order = rpc.order("Get", {"order_id": answer["order_id"]})
    same((order["total_amount"], order["status"], order["order_number"]), ("20.00", "PAID", answer["order_number"]))
    same((order["payment"]["amount"], order["shipping_address"], order["metadata"]), ("20.00", HOME, "{}"))
    same(order["items"][0]["price_snapshot"]["unit_price"], "10.00")
    status, history = rest("GET", f"/api/v1/orders/{answer['order_id']}/events")
    same({event["request_id"] for event in history["items"][:3]}, {"confirm-1"})
    made = rpc.told(CHECKOUT, "GetCheckout", {"session_id": "s"})[1]["x-request-id"]
    assert made and made != "confirm-1", made


def leaves(shown, at=""):
    """Every value of an answer with its place; what is unknown or empty is not there."""
    if isinstance(shown, dict):
        return {place: leaf for name, value in shown.items() for place, leaf in leaves(value, f"{at}/{name}").items()}
    if isinstance(shown, list):
        return {place: leaf for index, value in enumerate(shown) for place, leaf in leaves(value, f"{at}/{index}").items()}
    return {} if shown in (None, "", False, 0) else {at: shown}


def both_doors_show_the_same(rpc, rest):
    rest.put_into_cart("m")
    same(rest("POST", "/checkout/start", {"session_id": "m"})[0], 201)
    rpc.checkout("UpdateCheckoutState", {"session_id": "m", "shipping_address": HOME, "notes": "by grpc"})
    status, state = rest("PUT", "/checkout/state", {"session_id": "m", "payment_method": "card_stub", "customer_email": "a@b.example"})
    same((status, state["notes"], state["missing"]), (200, "by grpc", []))
    same(leaves(rpc.checkout("GetCheckout", {"session_id": "m"})), leaves(state))
    answer = rpc.checkout("ConfirmCheckout", {"session_id": "m"})
    status, again = rest("POST", "/checkout/confirm", {"session_id": "m"})
    same((status, again), (200, answer))
    status, order = rest("GET", f"/api/v1/orders/{answer['order_id']}")
    order["metadata"] = json.dumps(order["metadata"])
    same(leaves(rpc.order("Get", {"order_id": answer["order_id"]})), leaves(order))


def a_key_is_one_at_both_doors(rpc, rest):
    rest.put_into_cart("k")
    sent = {"session_id": "k"}
    first, metadata = rpc.told(CHECKOUT, "StartCheckout", sent, idempotency_key="key-1")
    assert "idempotency-replayed" not in metadata
    again, metadata = rpc.told(CHECKOUT, "StartCheckout", sent, idempotency_key="key-1")
    same((metadata["idempotency-replayed"], again["version"]), ("true", first["version"]))
    status, by_rest = rest("POST", "/checkout/start", sent, Idempotency_Key="key-1")
    same((status, by_rest["version"]), (200, first["version"]))
    for other in ({"session_id": "other"}, {"session_id": ""}):
        reused = refused(rpc.checkout, "StartCheckout", other, idempotency_key="key-1")
        same((reused.code, reused.reason), (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED"))
    wrong = refused(rpc.checkout, "StartCheckout", sent, idempotency_key="a b")
    same((wrong.code, wrong.reason), (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_INVALID"))


def bad_inputs_are_refused_alike(rpc, rest):
    rest.put_into_cart("b")
    rpc.checkout("StartCheckout", {"session_id": "b"})
    start, state, confirm = ("StartCheckout", "/checkout/start"), ("UpdateCheckoutState", "/checkout/state"), ("ConfirmCheckout", "/checkout/confirm")

    def changed(**fields):
        return {"session_id": "b", **fields}

    table = [
        (start, {}),
        (start, {"session_id": ""}),
        (start, {"session_id": "x" * 300}),
        (start, {"session_id": "a\0b"}),
        (start, {"session_id": " "}),
        (start, {"session_id": "s", "cart_id": "no-uuid"}),
        (start, {"session_id": "s", "customer_id": "\u202e", "cart_id": "5"}),
        (start, {"session_id": "s", "cart_id": SOME_ID}),
        (state, {}),
        (state, {"session_id": "nobody"}),
        (state, changed(customer_email="no-address")),
        (state, changed(customer_email="a@b.example\r\nBcc: c@d.example", notes="\0")),
        (state, changed(notes="n" * 2001)),
        (state, changed(promotion_codes=["c"] * 21)),
        (state, changed(promotion_codes=["good", "", "c" * 101])),
        (state, changed(shipping_address={})),
        (state, changed(shipping_address={**HOME, "postal_code": "1"})),
        (state, changed(shipping_address={**HOME, "country": "XX"})),
        (state, changed(billing_address={"name": "n", "line1": "l", "city": "c", "country": "US"})),
        (state, changed(payment_method="", shipping_method="\t")),
        (confirm, {}),
        (confirm, {"session_id": "nobody"}),
        (confirm, {"session_id": "b"}),
    ]
    codes = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "FAILED_PRECONDITION", 422: "INVALID_ARGUMENT"}
    method = {start: "POST", state: "PUT", confirm: "POST"}
    seen = set()
    for (name, path), sent in table:
        status, problem = rest(method[(name, path)], path, sent)
        got = refused(rpc.checkout, name, sent, x_request_id="bad-1")
        expected = sorted((error["pointer"], error["code"]) for error in problem.get("errors", []))
        same((name, sent, got.code.name, got.reason, got.broken), (name, sent, codes[status], problem["code"], expected))
        same(got.request_id, "bad-1")
        same(got.metadata["x-request-id"], "bad-1")
        same(json.loads(got.facts.get("missing", "null")), problem.get("missing"))
        seen.update(code for _, code in expected)
        seen.add(got.reason)
    assert len(seen) >= 10, seen
    # What only this door can be asked.
    twice = refused(rpc.checkout, "UpdateCheckoutState", changed(notes="x", clear=["notes"]))
    same((twice.code, twice.reason), (grpc.StatusCode.INVALID_ARGUMENT, "DUPLICATE_FIELD"))
    unknown = refused(rpc.checkout, "UpdateCheckoutState", changed(clear=["note", "totals"]))
    same(unknown.broken, [("/note", "UNKNOWN_FIELD"), ("/totals", "READ_ONLY_FIELD")])
    for fields, broken in [
        ({"limit": 0}, ("/limit", "PAGE_SIZE_OUT_OF_RANGE")),
        ({"limit": 201}, ("/limit", "PAGE_SIZE_OUT_OF_RANGE")),
        ({"status": "paid"}, ("/status", "INVALID_VALUE")),
        ({"number": "42"}, ("/number", "INVALID_VALUE")),
        ({"from": "yesterday"}, ("/from", "INVALID_TIMESTAMP")),
    ]:
        same(refused(rpc.order, "List", fields).broken, [broken])
    same(refused(rpc.order, "List", {"cursor": "abc"}).reason, "INVALID_CURSOR")
    for name in ("Get", "Cancel"):
        same(refused(rpc.order, name, {}).broken, [("/order_id", "REQUIRED")])
        same(refused(rpc.order, name, {"order_id": "7"}).broken, [("/order_id", "INVALID_UUID")])
        same(refused(rpc.order, name, {"order_id": SOME_ID}).code, grpc.StatusCode.NOT_FOUND)


def a_refused_payment_names_the_order(rpc, rest):
    ready(rpc, rest, "d", "card_stub_decline")
    got = refused(rpc.checkout, "ConfirmCheckout", {"session_id": "d"})
    same((got.code, got.reason), (grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_FAILED"))
    order = rpc.order("Get", {"order_id": got.facts["order_id"]})
    same((order["order_number"], order["status"]), (got.facts["order_number"], "PAYMENT_PENDING"))
    canceled = rpc.order("Cancel", {"order_id": order["order_id"], "reason": "changed my mind"})
    same((canceled["status"], canceled["cancellation_reason"]), ("CANCELED", "changed my mind"))
    rest.put_into_cart("o", qty=20)
    rpc.checkout("StartCheckout", {"session_id": "o"})
    rpc.checkout("UpdateCheckoutState", {"session_id": "o", **COMPLETE})
    taken = rpc.order("List", {"status": "CANCELED"})
    same([one["order_id"] for one in taken["items"]], [order["order_id"]])
    rest.put_into_cart("p", qty=20)
    rpc.checkout("StartCheckout", {"session_id": "p"})
    rpc.checkout("UpdateCheckoutState", {"session_id": "p", **COMPLETE})
    rpc.checkout("ConfirmCheckout", {"session_id": "o"})
    short = refused(rpc.checkout, "ConfirmCheckout", {"session_id": "p"})
    same((short.code, short.reason), (grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK"))
    status, problem = rest("POST", "/checkout/confirm", {"session_id": "p"})
    same((status, problem["lines"]), (409, json.loads(short.facts["lines"])))


def lists_are_read_page_by_page(rpc, rest):
    placed = [confirmed(rpc, rest, f"l{n}")["order_id"] for n in range(5)]
    seen, cursor = [], {}
    while True:
        page = rpc.order("List", {"limit": 2, **cursor})
        seen += [order["order_id"] for order in page["items"]]
        if "next_cursor" not in page:
            break
        cursor = {"cursor": page["next_cursor"]}
    same(seen, placed[::-1])


def fifty_confirms_make_one_order(rpc, rest):
    ready(rpc, rest, "f")
    calls = [rpc.begin(CHECKOUT, "ConfirmCheckout", {"session_id": "f"}) for _ in range(50)]
    answers = [as_fields(call.result()) for call in calls]
    same(sum("is_again" not in answer for answer in answers), 1)
    same({tuple(sorted((name, value) for name, value in answer.items() if name != "is_again")) for answer in answers}.__len__(), 1)
    same({answer["payment_status"] for answer in answers}, {"paid"})
    same(len(rpc.order("List", {}).get("items", [])), 1)


def a_deadline_ends_the_wait_and_not_the_work(rpc, rest):
    ready(rpc, rest, "e")
    late = refused(rpc.checkout, "ConfirmCheckout", {"session_id": "e"}, within=0.001)
    same(late.code, grpc.StatusCode.DEADLINE_EXCEEDED)
    found = rpc.checkout("ConfirmCheckout", {"session_id": "e"})
    same(found["payment_status"], "paid")
    # A provider that stays silent is waited for by the service, but no longer than the caller waits: here the service itself says so,
    # on a connection whose client would wait on.
    ready(rpc, rest, "t", "card_stub_timeout")
    began = time.monotonic()
    path = b"/ordo.checkout.v1.CheckoutService/ConfirmCheckout"
    ended = ended_stream(rpc.address, path, frame(b"\x0a\x01t"), timeout=b"300m")
    took = time.monotonic() - began
    assert ended and 0.25 < took < 2, (ended, took)
    again = rpc.checkout("ConfirmCheckout", {"session_id": "t"})
    same((again["payment_status"], again["is_again"]), ("pending", True))
    same(len(rpc.order("List", {})["items"]), 2)


def frame(message, flag=0, length=None):
    """A message with its head: whether it is compressed, and how long it is."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


def ended_stream(address, path, data, timeout=None):
    """Says HTTP/2 by hand: whether the service ended the stream that these bytes are sent in."""
    host, port = address.rsplit(":", 1)
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"), (b"te", b"trailers")]
    fields += [(b"content-type", b"application/grpc")] + ([(b"grpc-timeout", timeout)] if timeout else [])
    block = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)

    def h2(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2(4, 0, 0) + h2(1, 4, 1, block) + h2(0, 1, 1, data))
        got = wire.makefile("rb")
        while head := got.read(9):
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
            got.read(length)
            if stream == 1 and (kind == 3 or (kind in (0, 1) and flags & 1)):
                return True
    return False


def what_is_no_call_harms_nobody(rpc, rest):
    start = "/ordo.checkout.v1.CheckoutService/StartCheckout"
    for sent in (b"\xff" * 20, b"\x0a\x05ab", b"\x08\x01", b"\x0a\x02\xff\xfe", os.urandom(64) + b"\xff"):
        got = refused(rpc.raw, start, sent)
        assert got.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT), (sent, got)
    large = refused(rpc.checkout, "StartCheckout", {"session_id": "x" * (1024 * 1024 + 1)})
    assert large.code in (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED), large
    for path in ("/ordo.checkout.v1.CheckoutService/Nothing", "/ordo.no.v1.Service/Get", "/x"):
        same(refused(rpc.raw, path, b"").code, grpc.StatusCode.UNIMPLEMENTED)
    same(refused(rpc.checkout, "StartCheckout", {}).broken, [("/session_id", "REQUIRED")])
    good = b"\x0a\x01w"
    for data in (
        frame(good, length=100),
        frame(good, length=0xFFFFFFFF),
        frame(good, flag=1),
        frame(good, flag=7),
        b"\0\0",
        b"",
        os.urandom(200),
        frame(good) + frame(good),
    ):
        assert ended_stream(rpc.address, start.encode(), data), data[:20]
    with socket.create_connection(tuple(rpc.address.rsplit(":", 1)), timeout=10) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            wire.makefile("rb").read()
        except ConnectionResetError:
            pass
    same(rpc.checkout("StartCheckout", {"session_id": "alive"})["status"], "active")
    same(rest("GET", "/readyz")[0], 200)


def health_and_reflection_tell_what_is_served(rpc, rest):
    health = health_pb2_grpc.HealthStub(rpc.channel)
    for service in ("", CHECKOUT, ORDER):
        same(health.Check(health_pb2.HealthCheckRequest(service=service)).status, health_pb2.HealthCheckResponse.SERVING)
    try:
        health.Check(health_pb2.HealthCheckRequest(service="nobody"))
        raise AssertionError("it is known")
    except grpc.RpcError as error:
        same(error.code(), grpc.StatusCode.NOT_FOUND)
    for version in ("v1", "v1alpha"):
        services = rpc.services(version)
        assert {CHECKOUT, ORDER, "grpc.health.v1.Health"} <= services, (version, services)
    methods = {method.name for method in rpc.pool.FindServiceByName(ORDER).methods}
    same(methods, {"Get", "List", "Cancel", "Watch"})


def taken(stream, count):
    return [as_fields(next(stream)) for _ in range(count)]


def watching_goes_on_where_it_was(rpc, rest):
    rest.put_into_cart("w")
    status, placed = rest(
        "POST", "/api/v1/orders", {"items": [{"sku_id": "TEA", "qty": 1}], "user_id": "u", "payment_method": "card_stub", "shipping_address": HOME},
        Idempotency_Key="w-1",
    )
    same(status, 201)
    order_id = placed["order_id"]
    stream = rpc.begin(ORDER, "Watch", {"order_id": order_id})
    facts = taken(stream, 2)
    status, _ = rest("POST", f"/orders/{order_id}/confirm")
    same(status, 200)
    facts += taken(stream, 3)
    same([fact["event_type"] for fact in facts], PAID)
    same([fact["sequence"] for fact in facts], [1, 2, 3, 4, 5])
    status, page = rest("GET", f"/api/v1/orders/{order_id}/events")
    for event in page["items"]:
        event["payload"] = True
    same([leaves({**fact, "payload": True}) for fact in facts], [leaves(event) for event in page["items"]])
    stream.cancel()
    for last in range(5):
        stream = rpc.begin(ORDER, "Watch", {"order_id": order_id, "after_sequence": last})
        same([fact["event_type"] for fact in taken(stream, 5 - last)], PAID[last:])
        stream.cancel()
    for sent, code in [
        ({"order_id": SOME_ID}, grpc.StatusCode.NOT_FOUND),
        ({"order_id": "x"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"order_id": order_id, "after_sequence": -1}, grpc.StatusCode.INVALID_ARGUMENT),
    ]:
        try:
            next(rpc.begin(ORDER, "Watch", sent))
            raise AssertionError(f"{sent} is watched")
        except grpc.RpcError as error:
            same((sent, error.code()), (sent, code))
    quiet = rpc.begin(ORDER, "Watch", {"order_id": order_id, "after_sequence": 5}, within=1)
    try:
        next(quiet)
        raise AssertionError("nothing happened")
    except grpc.RpcError as error:
        same(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)


def another_instance_is_heard(rpc, rest):
    """`rest` is the other instance."""
    rest.put_into_cart("i")
    status, placed = rest(
        "POST", "/api/v1/orders", {"items": [{"sku_id": "TEA", "qty": 1}], "user_id": "u", "payment_method": "card_stub", "shipping_address": HOME},
        Idempotency_Key="i-1",
    )
    same(status, 201)
    stream = rpc.begin(ORDER, "Watch", {"order_id": placed["order_id"]})
    facts = taken(stream, 2)
    same(rest("POST", f"/orders/{placed['order_id']}/confirm")[0], 200)
    facts += taken(stream, 3)
    same([(fact["sequence"], fact["event_type"]) for fact in facts], list(enumerate(PAID, 1)))


def a_stop_ends_what_is_open(rpc, rest):
    answer = confirmed(rpc, rest, "z")
    stream = rpc.begin(ORDER, "Watch", {"order_id": answer["order_id"]})
    same([fact["event_type"] for fact in taken(stream, 5)], PAID)
    threading.Timer(0.2, os.kill, (int(sys.argv[4]), signal.SIGTERM)).start()
    began = time.monotonic()
    try:
        next(stream)
        raise AssertionError("nothing happened")
    except grpc.RpcError as error:
        same(error.code(), grpc.StatusCode.UNAVAILABLE)
        got = Refused(error)
        same((got.reason, got.retry_s), ("OVERLOADED", 1))
    assert time.monotonic() - began < 2


def main():
    name, address, rest = sys.argv[1], sys.argv[2], Rest(sys.argv[3])
    rpc = Grpc(address)
    rpc.address = address
    globals()[name](rpc, rest)


if __name__ == "__main__":
    main()
