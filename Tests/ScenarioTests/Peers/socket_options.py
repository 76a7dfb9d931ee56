#!/usr/bin/env python3
"""Prints the options of another process's TCP sockets, one line of JSON a socket: `socket_options.py PID`.

It takes copies of the descriptors (pidfd_getfd), so the process has to be this user's. Ends with status 77 where the system
does not permit that.
"""
import ctypes
import json
import os
import socket
import sys

PIDFD_GETFD = 438
libc = ctypes.CDLL(None, use_errno=True)


def copies(pid):
    handle = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
        except FileNotFoundError:
            continue
        copy = libc.syscall(PIDFD_GETFD, handle, int(name), 0)
        if copy < 0:
            if ctypes.get_errno() == 1:
                sys.exit(77)
            continue
        yield copy


def text(sock, level, option):
    return sock.getsockopt(level, option, 64).split(b"\0")[0].decode()


def describe(sock):
    tcp = socket.IPPROTO_TCP
    v6 = sock.family == socket.AF_INET6
    try:
        peer = sock.getpeername()[:2]
    except OSError:
        peer = None
    return {
        "local": list(sock.getsockname()[:2]),
        "peer": peer,
        "listens": bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)),
        "mss": sock.getsockopt(tcp, socket.TCP_MAXSEG),
        "userTimeout": sock.getsockopt(tcp, 18),
        "congestion": text(sock, tcp, 13),
        "fastOpenQueue": sock.getsockopt(tcp, 23),
        "fastOpenConnect": sock.getsockopt(tcp, 30),
        "interface": text(sock, socket.SOL_SOCKET, 25),
        "transparent": bool(sock.getsockopt(41, 75) if v6 else sock.getsockopt(0, 19)),
        "deferAccept": sock.getsockopt(tcp, 9) > 0,
        "onlyV6": bool(v6 and sock.getsockopt(41, 26)),
    }


for copy in copies(int(sys.argv[1])):
    with socket.socket(fileno=copy) as sock:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
            print(json.dumps(describe(sock)))
