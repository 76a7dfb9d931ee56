"""WebSockets over one connection of HTTP/2 (RFC 8441): h2_websocket.py PORT [AUTHORITY] [PATH]

Short and long messages, many at once, a ping and a goodbye on ten streams, with an ordinary request between. AUTHORITY, a file, or "-",
makes it TLS. Prints "all is well".
"""

import sys

import websocket_frames
from h2_client import Client
from websocket_frames import BINARY, CLOSE, PING, PONG, TEXT

ENABLE_CONNECT_PROTOCOL = 8
MESSAGES = [(TEXT, b"hello"), (TEXT, b""), (TEXT, "ü".encode() * 1_000), (BINARY, b"\0\xff" * 70_000), (TEXT, b"x" * 300_000)]


class Socket:
    """One WebSocket on a stream of its own."""

    def __init__(self, client, path):
        self.client = client
        self.stream = client.begin("CONNECT", path, protocol="websocket", fields=[
            ("sec-websocket-version", "13"), ("origin", "http://example.test")], end=False)
        self.answer = client.answers[self.stream]
        self.reader, self.read, self.frames = websocket_frames.Reader(), 0, []
        client.wait(lambda: self.answer.status or self.answer.is_over)
        assert self.answer.status == 200, self.answer.facts()
        names = {name for name, _ in self.answer.fields}
        assert not names & {"connection", "upgrade", "content-length", "transfer-encoding"}, names

    def send(self, kind, payload):
        assert self.client.send(self.stream, websocket_frames.encode(kind, payload, masked=True)), self.answer.facts()

    def receive(self):
        def is_there():
            new = self.answer.body[self.read :]
            self.read += len(new)
            self.frames += self.reader.feed(new)
            return self.frames or self.answer.is_over
        self.client.wait(is_there)
        assert self.frames, self.answer.reset
        return self.frames.pop(0)


def converse(client, path):
    sockets = [Socket(client, path) for _ in range(10)]
    for message in MESSAGES:
        for socket in sockets:
            socket.send(*message)
        for socket in sockets:
            assert socket.receive() == message, "another message came back"
    assert client.ask("/").status == 200, "an ordinary request between them"
    for socket in sockets:
        socket.send(PING, b"are you there")
        assert socket.receive() == (PONG, b"are you there")
        for turn in range(50):
            socket.send(TEXT, b"%d" % turn)
    for socket in sockets:
        for turn in range(50):
            assert socket.receive() == (TEXT, b"%d" % turn), "out of order"
    for socket in sockets:
        socket.send(CLOSE, b"\x03\xe8")
        kind, payload = socket.receive()
        assert (kind, payload[:2]) == (CLOSE, b"\x03\xe8"), (kind, payload)
        if not socket.answer.is_over:
            client.h2.end_stream(socket.stream)
            client.flush()
        client.wait(lambda: socket.answer.is_over)


def main():
    authority = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] != "-" else None
    client = Client(int(sys.argv[1]), authority)
    client.ping()
    assert client.settings.get(ENABLE_CONNECT_PROTOCOL) == 1, client.settings
    converse(client, sys.argv[3] if len(sys.argv) > 3 else "/echo")
    assert client.goaway is None and client.fault is None, (client.goaway, client.fault)
    print("all is well")


main()
