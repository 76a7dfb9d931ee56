# What clients do in a measurement: ask as fast as they are answered (wrk, h2load for HTTP/2), or be connected and idle.

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time

from processes import on_processors

# wrk's own report rounds; this one does not.
SCRIPT = """
done = function(summary)
    local errors = summary.errors
    io.write(string.format('\\n{"requests": %d, "bytes": %d, "microseconds": %d, "failed": %d}\\n', summary.requests,
        summary.bytes, summary.duration, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""

# From here on, answers under way when wrk begins and ends would count for more than the measurement's own noise.
LARGE = 1_048_576
# The content of the largest DATA frame: answers that are longer come in parts.
FRAME = 16_384
IP_BIND_ADDRESS_NO_PORT = 24
# No proxy sends a head as long as this.
HEAD = 1_024


def wrk(site, case, connections, seconds, processors):
    """The command that asks for a while."""
    headers = [word for line in case.headers for word in ("--header", line)]
    return on_processors(processors, [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s",
        "--script", site.write("report.lua", SCRIPT), *headers, f"{'https' if case.tls else 'http'}://127.0.0.1:{site.front}{case.target}"])


def h2load(site, case, connections, seconds, processors):
    """The command that asks for a while in HTTP/2. Its windows are large, so that they cost nothing."""
    headers = [word for line in case.headers for word in ("--header", line)]
    return on_processors(processors, [
        "h2load", "--threads", "1", "--clients", str(connections), "--max-concurrent-streams", str(case.streams),
        "--duration", str(seconds), *headers, f"https://127.0.0.1:{site.front}{case.target}"])


def load(site, case, connections, seconds, processors):
    return (h2load if case.streams else wrk)(site, case, connections, seconds, processors)


def warm_up(site, case, connections, processors):
    """Half a second of load, whose answers are not looked at."""
    process = subprocess.Popen(load(site, case, connections, 1, processors), stdout=subprocess.DEVNULL)
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def ask(site, case, connections, seconds, processors):
    """Asks for a while; returns how many answers there were, and how many a second.

    Large answers are counted by their bytes, parts of them too. Ends the script if an answer failed or was not whole.
    """
    if case.resumes:
        return resume(site, case, seconds, processors)
    command = load(site, case, connections, seconds, processors)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    report = read_h2load(text, seconds) if case.streams else json.loads(text.strip().rsplit("\n", 1)[1])
    if not is_whole(report, case, connections):
        sys.exit(f"benchmarks/run: case {case.name}: not every answer came, or was whole ({case.size} bytes):\n{text}")
    answers = report["requests"]
    # Of HTTP/2 far more answers are under way when a measurement ends.
    if case.size >= LARGE or case.streams and case.size >= FRAME:
        answers = report["bytes"] / case.size
    return answers, answers * 1_000_000 / report["microseconds"]


def resume(site, case, seconds, processors):
    """A client that asks once on each connection, and shows the ticket of the one before; returns as `ask` does."""
    os.sched_setaffinity(0, processors)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = f"GET {case.target} HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n".encode()
    session, answers, resumed, begin = None, 0, 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        with socket.create_connection(("127.0.0.1", site.front)) as plain:
            # The end of the handshake and the request are two packets, of which the second would wait for the first's acknowledgement.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, session=session) as client:
                client.sendall(request)
                answer = b""
                while piece := client.recv(65_536):
                    answer += piece
                if len(answer.partition(b"\r\n\r\n")[2]) != case.size:
                    sys.exit(f"benchmarks/run: case {case.name}: an answer was not whole: {answer}")
                resumed += client.session_reused
                session = client.session
        answers += 1
    if resumed < answers - 2:
        sys.exit(f"benchmarks/run: case {case.name}: {resumed} of {answers} connections resumed a session")
    return answers, answers / (time.monotonic() - begin)


def read_h2load(text, seconds):
    """The counts of h2load's report, as those of wrk; an answer that is not one of HTTP/2 over TLS 1.3 has failed, as one without a good
    status has. Its bytes are content only. It does not say exactly how long it ran, but it keeps to the time it was given."""
    counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    codes = re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    data = re.search(r"\((\d+)\) data$", text, re.MULTILINE)
    if not counts or not codes or not data:
        sys.exit(f"benchmarks/run: h2load's report is not understood:\n{text}")
    requests, *failed = map(int, counts.groups())
    failed += map(int, codes.groups())
    if "\nApplication protocol: h2\n" not in text or "\nTLS Protocol: TLSv1.3\n" not in text:
        failed.append(requests)
    return {"requests": requests, "bytes": int(data.group(1)), "microseconds": seconds * 1_000_000, "failed": sum(failed)}


def is_whole(report, case, connections):
    """Whether no request failed, and all of the answers that were counted have been read: with their heads (wrk), and parts of those
    under way."""
    under_way = connections * (case.streams or 1)
    least = report["requests"] * case.size
    most = (report["requests"] + under_way) * (case.size + HEAD)
    return report["failed"] == 0 and report["requests"] > 0 and least <= report["bytes"] < most


def connect_idle(site, case, connections):
    """Clients that have had an answer each, and stay connected."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if case.streams:
        context.set_alpn_protocols(["h2"])
    talk = ask_in_frames if case.streams else ask_in_text
    clients = []
    for number in range(connections):
        client = socket.socket()
        # One source address has too few ports for many runs in a row; with this option connect chooses the port, which is far quicker.
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((f"127.0.0.{2 + number // 5_000}", 0))
        client.connect(("127.0.0.1", site.front))
        if case.tls:
            client = context.wrap_socket(client)
        if (answer := talk(client, case)) != case.size:
            sys.exit(f"benchmarks/run: case {case.name}: client {number} got no whole answer, but {answer} bytes of it")
        clients.append(client)
    return clients


FIELDS = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0)", "accept": "text/html,application/xhtml+xml",
          "cookie": "session=0123456789abcdef0123456789abcdef"}


def ask_in_text(client, case):
    """One request in HTTP/1.1; returns the length of what was answered."""
    head = f"GET {case.target} HTTP/1.1\r\nHost: www.example.org\r\n"
    client.sendall((head + "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items()) + "\r\n").encode())
    answer = b""
    while len(answer.partition(b"\r\n\r\n")[2]) < case.size:
        piece = client.recv(65_536)
        if not piece:
            break
        answer += piece
    return len(answer.partition(b"\r\n\r\n")[2])


# Types of frames (RFC 9113, section 6), and their flags.
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(index, value, name=b""):
    """A field in HPACK that enters the tables of both sides, as browsers send them: its name by its index, or in letters with index 0."""
    value = value.encode()
    assert index < 63 and len(value) < 127 and len(name) < 127
    return bytes([0x40 | index]) + (bytes([len(name)]) + name if not index else b"") + bytes([len(value)]) + value


def first_flight(case):
    """What a client of HTTP/2 sends at once: the preface, its settings, a request."""
    indexes = {"user-agent": 58, "accept": 19, "cookie": 32}
    block = b"\x82\x87" + field(4, case.target) + field(1, "www.example.org")
    block += b"".join(field(indexes[name], value) for name, value in FIELDS.items())
    return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(HEADERS, END_STREAM | END_HEADERS, 1, block))


def ask_in_frames(client, case):
    """One request in HTTP/2; returns the length of what was answered."""
    client.sendall(first_flight(case))
    buffer, length = b"", 0
    while True:
        while len(buffer) >= 9 and len(buffer) >= 9 + (size := int.from_bytes(buffer[:3], "big")):
            kind, flags, stream = buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big")
            buffer = buffer[9 + size :]
            if kind == SETTINGS and not flags & ACK:
                client.sendall(frame(SETTINGS, ACK, 0))
            if kind == DATA and stream == 1:
                length += size
            if kind in (RST_STREAM, GOAWAY):
                return -1
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                return length
        piece = client.recv(65_536)
        if not piece:
            return length
        buffer += piece
