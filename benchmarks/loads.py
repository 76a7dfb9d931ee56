# What clients do in a measurement: ask as fast as they are answered (wrk), or be connected and idle.

import json
import os
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
IP_BIND_ADDRESS_NO_PORT = 24
# No proxy sends a head as long as this.
HEAD = 1_024


def wrk(site, case, connections, seconds, processors):
    """The command that asks for a while."""
    headers = [word for line in case.headers for word in ("--header", line)]
    return on_processors(processors, [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s",
        "--script", site.write("report.lua", SCRIPT), *headers, f"{'https' if case.tls else 'http'}://127.0.0.1:{site.front}{case.target}"])


def warm_up(site, case, connections, processors):
    """Half a second of load, whose answers are not looked at."""
    process = subprocess.Popen(wrk(site, case, connections, 1, processors), stdout=subprocess.DEVNULL)
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
    command = wrk(site, case, connections, seconds, processors)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    report = json.loads(text.strip().rsplit("\n", 1)[1])
    if not is_whole(report, case, connections):
        sys.exit(f"benchmarks/run: case {case.name}: not every answer came, or was whole ({case.size} bytes):\n{text}")
    answers = report["requests"]
    if case.size >= LARGE:
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


def is_whole(report, case, connections):
    """Whether no request failed, and wrk has read the answers that it counted: with their heads, and parts of those under way."""
    least = report["requests"] * case.size
    most = (report["requests"] + connections) * (case.size + HEAD)
    return report["failed"] == 0 and report["requests"] > 0 and least < report["bytes"] < most


def connect_idle(site, case, connections):
    """Clients that have had an answer each, and stay connected."""
    head = (f"GET {case.target} HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0)\r\n"
            "Accept: text/html,application/xhtml+xml\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n").encode()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    clients = []
    for number in range(connections):
        client = socket.socket()
        # One source address has too few ports for many runs in a row; with this option connect chooses the port, which is far quicker.
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((f"127.0.0.{2 + number // 5_000}", 0))
        client.connect(("127.0.0.1", site.front))
        if case.tls:
            client = context.wrap_socket(client)
        client.sendall(head)
        answer = b""
        while len(answer.partition(b"\r\n\r\n")[2]) < case.size:
            piece = client.recv(65_536)
            if not piece:
                sys.exit(f"benchmarks/run: case {case.name}: client {number} got no answer: {answer}")
            answer += piece
        clients.append(client)
    return clients
