# An echo over WebSockets, with the library that people use: websocket_server.py PORT
import asyncio
import sys

import websockets


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=None, close_timeout=60, ping_timeout=60):
        await asyncio.Future()


asyncio.run(main())
