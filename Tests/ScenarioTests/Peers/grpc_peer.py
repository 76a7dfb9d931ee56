"""gRPC on both sides, with bytes for messages: the calls that programs make of it.

usage: grpc_peer.py server PORT [CERTIFICATE]
       grpc_peer.py client PORT [AUTHORITY]

CERTIFICATE and AUTHORITY are files in PEM; without them it is spoken in clear. The client prints "all is well", or fails.
"""

import sys
import threading
import time
from concurrent import futures

import grpc

# Seconds for what must happen; far longer than any of it takes.
PATIENCE = 60


# The server

class Calls(grpc.GenericRpcHandler):
    """test.Calls: Echo (one for one), Join (many for one), Count (one for many), Talk (many for many), and what goes wrong."""

    def __init__(self):
        self.ended = threading.Semaphore(0)

    def service(self, details):
        name = details.method.rpartition("/")[2]
        one_one, many_one = grpc.unary_unary_rpc_method_handler, grpc.stream_unary_rpc_method_handler
        one_many, many_many = grpc.unary_stream_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        return {
            "Echo": one_one(self.echo), "Join": many_one(lambda messages, _: b"".join(messages)), "Count": one_many(self.count),
            "Talk": many_many(self.talk), "Refuse": one_one(self.refuse), "Break": one_many(self.break_off),
            "Check": one_one(self.check), "Wait": one_one(self.wait), "Hold": one_many(self.hold), "Ended": one_one(self.count_ended),
        }.get(name)

    def echo(self, message, context):
        """Also the client's metadata, as initial and as trailing metadata."""
        given = dict(context.invocation_metadata())
        if "x-first" in given:
            context.send_initial_metadata((("x-first", given["x-first"]),))
        if "x-last-bin" in given:
            context.set_trailing_metadata((("x-last-bin", given["x-last-bin"]),))
        return message

    def count(self, message, _):
        for number in range(int(message)):
            yield b"%d" % number

    def talk(self, messages, _):
        for message in messages:
            yield b"you said " + message

    def refuse(self, message, context):
        context.set_trailing_metadata((("x-reason", "because"),))
        context.abort(grpc.StatusCode.NOT_FOUND, "nothing of the kind: 100 % \u2603\n")

    def break_off(self, message, context):
        yield b"one"
        context.abort(grpc.StatusCode.DATA_LOSS, "the rest is lost")

    def check(self, message, context):
        """grpc.health.v1.Health/Check: the server and test.Calls are serving, test.Stopped is not, and others are not known."""
        if message in (b"", b"\n\x0atest.Calls"):
            return b"\x08\x01"
        if message == b"\n\x0ctest.Stopped":
            return b"\x08\x02"
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")

    def note_end(self, context):
        """Counts how many calls have ended before they were answered, whoever ended them. Returns what this one's end sets."""
        end = threading.Event()
        context.add_callback(self.ended.release)
        context.add_callback(end.set)
        return end

    def wait(self, message, context):
        self.note_end(context).wait(PATIENCE)
        return b"late"

    def hold(self, message, context):
        end = self.note_end(context)
        yield b"begun"
        end.wait(PATIENCE)

    def count_ended(self, message, _):
        """Answers once so many have ended."""
        ended = [self.ended.acquire(timeout=PATIENCE) for _ in range(int(message))]
        return b"%d" % sum(ended)


def serve(port, certificate):
    server = grpc.server(futures.ThreadPoolExecutor(64), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((Calls(),))
    address = "127.0.0.1:%s" % port
    if certificate:
        with open(certificate, "rb") as file:
            pem = file.read()
        server.add_secure_port(address, grpc.ssl_server_credentials(((pem, pem),)))
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


# The client

class Client:
    def __init__(self, port, authority):
        options = [("grpc.max_receive_message_length", -1)]
        if authority:
            with open(authority, "rb") as file:
                credentials = grpc.ssl_channel_credentials(file.read())
            self.channel = grpc.secure_channel("localhost:%s" % port, credentials, options)
        else:
            self.channel = grpc.insecure_channel("127.0.0.1:%s" % port, options)
        grpc.channel_ready_future(self.channel).result(PATIENCE)

    def one_one(self, name):
        return self.channel.unary_unary("/test.Calls/" + name)

    def one_many(self, name):
        return self.channel.unary_stream("/test.Calls/" + name)

    def unary(self):
        for message in (b"", b"hello", bytes(range(256)) * 8_000):
            assert self.one_one("Echo")(message, timeout=PATIENCE) == message

    def metadata(self):
        reply, call = self.one_one("Echo").with_call(
            b"x", timeout=PATIENCE, metadata=(("x-first", "one, two"), ("x-last-bin", b"\0\x01\xff")))
        assert reply == b"x"
        assert dict(call.initial_metadata())["x-first"] == "one, two"
        assert dict(call.trailing_metadata())["x-last-bin"] == b"\0\x01\xff"

    def at_once(self):
        calls = [self.one_one("Echo").future(b"%d" % number, timeout=PATIENCE) for number in range(200)]
        assert [call.result() for call in calls] == [b"%d" % number for number in range(200)]

    def client_streaming(self):
        pieces = [b"%d," % number * number for number in range(200)]
        assert self.channel.stream_unary("/test.Calls/Join")(iter(pieces), timeout=PATIENCE) == b"".join(pieces)
        assert self.channel.stream_unary("/test.Calls/Join")(iter([]), timeout=PATIENCE) == b""

    def server_streaming(self):
        assert list(self.one_many("Count")(b"500", timeout=PATIENCE)) == [b"%d" % number for number in range(500)]
        assert list(self.one_many("Count")(b"0", timeout=PATIENCE)) == []

    def talking(self):
        """Each message only after the answer to the one before: nothing may be held back."""
        heard = threading.Semaphore(1)

        def messages():
            for number in range(50):
                assert heard.acquire(timeout=PATIENCE)
                yield b"%d" % number
        answers = []
        for answer in self.channel.stream_stream("/test.Calls/Talk")(messages(), timeout=PATIENCE):
            answers.append(answer)
            heard.release()
        assert answers == [b"you said %d" % number for number in range(50)]

    def refused(self):
        """An answer that is trailers only."""
        try:
            self.one_one("Refuse")(b"x", timeout=PATIENCE)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
            assert error.details() == "nothing of the kind: 100 % \u2603\n", error
            assert dict(error.trailing_metadata())["x-reason"] == "because", error
        else:
            raise AssertionError("it was not refused")

    def unknown(self):
        self.expect(grpc.StatusCode.UNIMPLEMENTED, lambda: self.one_one("Nothing")(b"", timeout=PATIENCE))

    def broken(self):
        replies = self.one_many("Break")(b"", timeout=PATIENCE)
        assert next(replies) == b"one"
        self.expect(grpc.StatusCode.DATA_LOSS, lambda: next(replies))

    def deadline(self):
        """The server learns of it too."""
        self.expect(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: self.one_one("Wait")(b"", timeout=0.3))
        self.ended(1)

    def cancelled(self):
        call = self.one_many("Hold")(b"", timeout=PATIENCE)
        assert next(call) == b"begun"
        call.cancel()
        self.expect(grpc.StatusCode.CANCELLED, lambda: next(call))
        many = [self.one_many("Hold")(b"", timeout=PATIENCE) for _ in range(20)]
        assert [next(call) for call in many] == [b"begun"] * 20
        for call in many:
            call.cancel()
        self.ended(21)

    def ended(self, count):
        assert self.one_one("Ended")(b"%d" % count, timeout=2 * PATIENCE) == b"%d" % count

    def expect(self, code, call):
        try:
            call()
        except grpc.RpcError as error:
            assert error.code() == code, error
        else:
            raise AssertionError("no %s" % code)


def main():
    role, port, *file = sys.argv[1:]
    if role == "server":
        return serve(port, *file or [None])
    client = Client(port, *file or [None])
    for case in ("unary", "metadata", "at_once", "client_streaming", "server_streaming", "talking", "refused", "unknown", "broken",
                 "deadline", "cancelled"):
        begin = time.monotonic()
        getattr(client, case)()
        print("%s: %.1f s" % (case, time.monotonic() - begin), file=sys.stderr, flush=True)
    print("all is well")


main()
