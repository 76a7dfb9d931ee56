# Talks to an echo over WebSockets: websocket_client.py PORT [GOODBYE]. Short and long messages, of text and of bytes, many at
# once, a ping, and a goodbye with the code 1000, unless GOODBYE says that the server has none. Prints "all is well".
import asyncio
import sys

import websockets

URL = "ws://127.0.0.1:%s/echo" % sys.argv[1]


async def converse(number):
    async with websockets.connect(URL, max_size=None, open_timeout=60, close_timeout=60, ping_timeout=60) as socket:
        for message in ["hello %d" % number, "", "ü" * 1_000, b"\x00\xff" * 70_000, "x" * 300_000]:
            await socket.send(message)
            assert await socket.recv() == message, "another message came back"
        await asyncio.wait_for(await socket.ping(), 60)
        # Several on their way at once come back in order.
        for turn in range(50):
            await socket.send("%d/%d" % (number, turn))
        for turn in range(50):
            assert await socket.recv() == "%d/%d" % (number, turn), "out of order"
    assert len(sys.argv) > 2 or socket.close_code == 1000, "closed with %r" % socket.close_code


async def main():
    await asyncio.gather(*(converse(number) for number in range(10)))
    print("all is well")


asyncio.run(main())
