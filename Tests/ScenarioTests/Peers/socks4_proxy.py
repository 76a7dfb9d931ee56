#!/usr/bin/env python3
"""A SOCKS proxy of version 4: `socks4_proxy.py PORT [CODE]`.

Prints each request as `ADDRESS:PORT USER`, connects and passes bytes on in both directions. With CODE it grants nothing and answers with
that code. The answer comes in two pieces.
"""
import socket
import sys
import threading


def exactly(peer, count):
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, code):
    with client:
        version, command, high, low, *address = exactly(client, 8)
        user = b""
        while (byte := exactly(client, 1)) != b"\0":
            user += byte
        place = (".".join(map(str, address)), high * 256 + low)
        print(f"{place[0]}:{place[1]} {user.decode()} {version} {command}", flush=True)
        if code != 90:
            client.sendall(bytes([0, code, 0, 0, 0, 0, 0, 0]))
            return
        with socket.create_connection(place) as server:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(bytes([0, 90, 0]))
            client.sendall(bytes(5))
            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            copy(client, server)
            back.join()


with socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=False) as listener:
    code = int(sys.argv[2]) if len(sys.argv) > 2 else 90
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, code), daemon=True).start()
