"""Clients that connect anew for each request, each time asking for another name, until a file appears.

usage: tls_load.py PORT THREADS STOP NAME...
Prints how many requests were answered, how many were not, and the first reason.
"""
import os, socket, ssl, sys, threading

port, threads, stop, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
lock, answered, failures = threading.Lock(), [0], []


def ask(name):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % name.encode())
            answer = b""
            while data := secure.recv(4096):
                answer += data
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ValueError("answered " + repr(answer[:40]))


def run(number):
    while not os.path.exists(stop):
        number += 1
        try:
            ask(names[number % len(names)])
        except Exception as reason:
            with lock:
                failures.append(repr(reason))
        else:
            with lock:
                answered[0] += 1


clients = [threading.Thread(target=run, args=(number * 7,)) for number in range(threads)]
for client in clients:
    client.start()
for client in clients:
    client.join()
print(answered[0], len(failures), *failures[:1])
