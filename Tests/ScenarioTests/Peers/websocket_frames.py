"""Frames of WebSocket (RFC 6455), as far as an echo needs them: whole messages, ping, close."""

import os
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def encode(kind, payload, masked):
    """One frame with a whole message; those of clients are masked."""
    bit, size = (0x80 if masked else 0), len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | kind, bit | size)
    elif size < 65_536:
        head = struct.pack(">BBH", 0x80 | kind, bit | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, bit | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def mask(payload, key):
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big") if size else b""


class Reader:
    """Takes bytes in any pieces, gives whole frames."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        while frame := self.take():
            yield frame

    def take(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            start += width
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        key = None
        if buffer[1] & 0x80:
            key = bytes(buffer[start : start + 4])
            start += 4
        if len(buffer) < start + size:
            return None
        kind, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return kind, mask(payload, key) if key else payload


def respond(kind, payload):
    """What an echo sends back; the second value says whether that was the last frame."""
    if kind == CLOSE:
        return encode(CLOSE, payload, masked=False), True
    return encode(PONG if kind == PING else kind, payload, masked=False), False
