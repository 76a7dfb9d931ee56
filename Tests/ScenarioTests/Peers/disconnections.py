# Clients and servers that leave at random points: disconnections.py FRONT SERVER COUNT [SEED]
#
# Listens on SERVER, asks through FRONT until COUNT requests were begun, and leaves, or resets, before the head, in it, in the
# body, while it waits and while it reads; the servers do likewise. Prints how many requests it sent whole heads of.
import asyncio
import random
import socket
import struct
import sys

FRONT, SERVER, COUNT = (int(argument) for argument in sys.argv[1:4])
CLIENTS = 32
chance = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
whole_heads = 0
begun = 0


def leave(writer):
    """A reset or a plain end."""
    if chance.random() < 0.5:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if chance.random() < 0.02:
                return leave(writer)
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            if length and chance.random() < 0.05:
                await reader.read(length // 2)
                return leave(writer)
            await reader.readexactly(length)
            body = b"x" * chance.choice([2, 2, 2, 5_000, 200_000])
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            if chance.random() < 0.05:
                writer.write(answer[: chance.randrange(len(answer))])
                await writer.drain()
                return leave(writer)
            writer.write(answer)
            await writer.drain()
            if chance.random() < 0.02:
                return leave(writer)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def ask():
    """One connection, a few requests, and most likely a bad end."""
    global whole_heads, begun
    reader, writer = await asyncio.open_connection("127.0.0.1", FRONT)
    try:
        for _ in range(chance.randint(1, 8)):
            begun += 1
            if chance.random() < 0.03:
                return leave(writer)
            body = b"y" * chance.choice([0, 0, 10, 40_000])
            method = b"POST" if body else b"GET"
            head = b"%s /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (method, begun, len(body))
            if chance.random() < 0.03:
                writer.write(head[: chance.randrange(1, len(head))])
                await writer.drain()
                return leave(writer)
            writer.write(head)
            whole_heads += 1
            if body and chance.random() < 0.1:
                writer.write(body[: chance.randrange(len(body))])
                await writer.drain()
                return leave(writer)
            writer.write(body)
            await writer.drain()
            if chance.random() < 0.03:
                return leave(writer)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if chance.random() < 0.05:
                await reader.read(length // 2)
                return leave(writer)
            await reader.readexactly(length)
            if b"connection: close" in answer.lower():
                return writer.close()
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def keep_asking():
    while begun < COUNT:
        await ask()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", SERVER)
    async with server:
        await asyncio.gather(*(keep_asking() for _ in range(CLIENTS)))
    print(whole_heads)


asyncio.run(main())
