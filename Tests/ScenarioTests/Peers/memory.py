#!/usr/bin/env python3
"""memory.py PID HEX...: how often the writable memory of a process has each of these strings of bytes."""

import sys

PIECE = 64 << 20

wanted = [bytes.fromhex(text) for text in sys.argv[2:]]
found = [0] * len(wanted)
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as memory:
    for line in maps:
        place, mode = line.split()[:2]
        start, end = (int(number, 16) for number in place.split("-"))
        if not mode.startswith("rw"):
            continue
        while start < end:
            memory.seek(start)
            try:
                piece = memory.read(min(PIECE, end - start))
            except OSError:
                break
            for index, text in enumerate(wanted):
                found[index] += piece.count(text)
            start += len(piece) or end
print(*found)
