"""An HTTPS server that tells what it sees of TLS.

usage: tls_server.py PORT CERTIFICATE [OPTION=VALUE]...
  clients=FILE     asks clients for a certificate that an authority in FILE has signed, and insists
  version=1.2|1.3  speaks only this version
  alpn=NAMES       chooses from these protocols, with commas between
  header=yes       takes a line of the PROXY protocol before TLS, and tells it
  names=FILE       answers with the certificate in FILE where the client asks for other.example
  keys=FILE        writes the secrets of its connections to FILE (SSLKEYLOGFILE)

Each answer has one line: connection, request on it, name asked for, whether the session was resumed, version, protocol, the client's
name, the PROXY header.
The path says more: /long?N a body of N bytes, /close a body that ends with the connection, /cut one that ends without close_notify,
/echo the request's body, /switch 101 and then what comes is sent back.
"""

import socket
import ssl
import sys
import threading

port, certificate = int(sys.argv[1]), sys.argv[2]
options = dict(word.split("=", 1) for word in sys.argv[3:])
counter = iter(range(1, 1_000_000))


def make_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if "clients" in options:
        context.load_verify_locations(options["clients"])
        context.verify_mode = ssl.CERT_REQUIRED
    if "version" in options:
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[options["version"]]
        context.minimum_version = context.maximum_version = version
    if "keys" in options:
        context.keylog_filename = options["keys"]
    if "alpn" in options:
        context.set_alpn_protocols(options["alpn"].split(","))
    return context


context = make_context(certificate)
other = make_context(options["names"]) if "names" in options else None


def note_name(connection, name, _):
    connection.asked = name
    if other and name == "other.example":
        connection.context = other


context.sni_callback = note_name


def read_header(connection):
    header = b""
    while not header.endswith(b"\r\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        header += byte
    return header.decode().strip()


def serve(plain):
    number = next(counter)
    header = read_header(plain) if "header" in options else "-"
    try:
        connection = context.wrap_socket(plain, server_side=True)
        talk(connection, number, header.replace(" ", "_"))
    except (OSError, ssl.SSLError):
        pass
    finally:
        plain.close()


def talk(connection, number, header):
    stream = connection.makefile("rb")
    request = 0
    while True:
        line = stream.readline()
        if not line:
            return
        request += 1
        length = 0
        while True:
            field = stream.readline()
            if field in (b"\r\n", b""):
                break
            name, value = field.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        body = stream.read(length)
        shown = connection.getpeercert() if "clients" in options else None
        client = dict(pair[0] for pair in shown["subject"])["commonName"] if shown else "-"
        facts = [
            number, request, getattr(connection, "asked", None) or "-", connection.session_reused, connection.version(),
            connection.selected_alpn_protocol() or "-", client, header,
        ]
        text = (" ".join(map(str, facts)) + "\n").encode()
        target = line.split()[1]
        if target.startswith(b"/switch"):
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            while True:
                data = connection.recv(65536)
                if not data:
                    connection.unwrap()
                    return
                connection.sendall(data)
        if target.startswith(b"/long"):
            text = b"x" * int(target.split(b"?")[1])
        if target.startswith(b"/echo"):
            text = body
        if target.startswith((b"/close", b"/cut")):
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + text)
            if target.startswith(b"/close"):
                connection.unwrap()
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(128)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
