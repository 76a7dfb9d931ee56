"""A client of HTTP/2 whose every step the test decides, and a program that sends the requests of a file.

usage: h2_client.py PORT SCRIPT

SCRIPT is a file in JSON; all but `requests` may be left out:
  {"certificate": FILE,              speaks TLS, trusts FILE, and offers `alpn` (["h2"])
   "settings": {"4": 65535},         by the numbers of RFC 9113
   "inTurn": true,                   asks only when the answer before is whole; otherwise all at once
   "untilEnd": true,                 then waits for GOAWAY, and for the connection's end
   "requests": [{"method": "GET", "path": "/", "authority": "example.test", "scheme": "http", "protocol": "websocket",
                 "fields": [["name", "value"]], "pieces": ["body", "in frames"], "trailers": [["name", "value"]],
                 "omit": ["authority"], "cancel": true, "open": true}]}
What `omit` names is not sent; `cancel` is sent when the answer's head has come; the client never ends a stream that is `open`.
Prints one object:
  {"alpn": "h2", "settings": {"3": 100}, "goaway": {"code": 0, "last": 1, "text": ""} or null, "fault": null, "ended": false,
   "answers": [{"interim": [[["name", "value"]]], "status": 200, "fields": [["name", "value"]], "body": "…", "trailers": [], "reset": 8 or null}]}
`fault` is what the peer did wrong by RFC 9113, as h2 sees it. Every wait has a deadline; what did not come in time is an error.
"""

import json
import socket
import ssl
import struct
import sys
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PATIENCE = 60


def frame(kind, flags, stream, payload=b""):
    """The bytes of one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Answer:
    """What has come on a stream so far."""

    def __init__(self):
        self.interim, self.status, self.fields, self.trailers = [], None, [], []
        self.body, self.reset, self.ended = bytearray(), None, False
        # Whether the stream's window is opened again when data has come.
        self.reads = True

    @property
    def is_over(self):
        return self.ended or self.reset is not None

    def facts(self):
        return {"interim": self.interim, "status": self.status, "fields": self.fields, "body": self.body.decode("latin-1"),
                "trailers": self.trailers, "reset": self.reset}


class Client:
    """One connection. `wait` is what reads; everything else only sends."""

    def __init__(self, port, certificate=None, alpn=("h2",), settings=None, starts=True):
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.alpn, self.scheme = plain, None, "http"
        if certificate:
            context = ssl.create_default_context(cafile=certificate)
            context.set_alpn_protocols(list(alpn))
            self.socket = context.wrap_socket(plain, server_hostname="example.test")
            self.alpn, self.scheme = self.socket.selected_alpn_protocol(), "https"
        # What a well-behaved library would refuse to send is sent.
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        # No pushing; the rest as RFC 9113 has it.
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.ENABLE_PUSH: 0, **{int(name): value for name, value in (settings or {}).items()}})
        self.answers, self.settings, self.pongs = {}, {}, 0
        # Whether the test opens the connection's window itself, and by how much it could.
        self.holds, self.owed = False, 0
        self.buffer, self.goaway, self.goaways, self.closed, self.fault = bytearray(), None, [], False, None
        if starts:
            self.h2.initiate_connection()
            self.flush()

    # Sending

    def flush(self):
        if data := self.h2.data_to_send():
            self.send_raw(data)

    def send_raw(self, data):
        """Sends bytes as they are; what arrives meanwhile is left to `wait`. Whether the peer took them all."""
        try:
            self.socket.sendall(data)
            return True
        except (ssl.SSLError, OSError):
            self.closed = True
            return False

    def begin(self, method="GET", path="/", authority="example.test", scheme="", protocol=None, fields=(), end=True):
        """Sends a head; returns the stream's number. What is None is left out."""
        stream = self.h2.get_next_available_stream_id()
        scheme = self.scheme if scheme == "" else scheme
        pseudo = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), (":protocol", protocol)]
        self.answers[stream] = Answer()
        head = [(name, value) for name, value in pseudo if value is not None] + [tuple(field) for field in fields]
        self.h2.send_headers(stream, head, end_stream=end)
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        """Sends content as the windows allow; gives up when the peer has ended the stream."""
        view = memoryview(data)
        while view or end:
            answer = self.answers[stream]
            if self.closed or answer.reset is not None:
                return False
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if view and room <= 0:
                self.wait(lambda: self.closed or answer.reset is not None
                          or self.h2.local_flow_control_window(stream) > 0)
                continue
            piece, view = bytes(view[:room]), view[room:]
            self.h2.send_data(stream, piece, end_stream=end and not view)
            self.flush()
            if not view:
                return True
        return True

    def send_trailers(self, stream, fields):
        self.h2.send_headers(stream, [tuple(field) for field in fields], end_stream=True)
        self.flush()

    def reset(self, stream, code=h2.errors.ErrorCodes.CANCEL):
        if not self.answers[stream].is_over:
            self.h2.reset_stream(stream, code)
            self.answers[stream].reset = int(code)
            self.flush()

    def ask(self, path="/", seconds=PATIENCE, **words):
        """A request without a body, and its whole answer."""
        stream = self.begin(path=path, **words)
        answer = self.answers[stream]
        self.wait(lambda: answer.is_over or self.closed, seconds)
        return answer

    def ping(self, seconds=PATIENCE):
        """Waits until the peer has worked off all that was sent before."""
        before = self.pongs
        self.h2.ping(b"12345678")
        self.flush()
        self.wait(lambda: self.pongs > before or self.closed, seconds)

    # Receiving

    def wait(self, condition, seconds=PATIENCE):
        """Reads until the condition holds; an error if it does not in time, or the connection ends before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.closed:
                raise EOFError("the connection ended first; GOAWAY %s, fault %s" % (self.goaway, self.fault))
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65_536)
            except (TimeoutError, ssl.SSLWantReadError):
                raise TimeoutError("it did not come within %g s" % seconds) from None
            except OSError:
                data = b""
            finally:
                # Writes have patience, whatever the wait had.
                self.socket.settimeout(PATIENCE)
            if not data:
                self.closed = True
                continue
            self.buffer += data
            try:
                for whole in self.take_frames():
                    for event in self.h2.receive_data(whole):
                        self.note(event)
            except h2.exceptions.ProtocolError as fault:
                # The peer is to blame, and h2 goes on with nothing after it.
                self.fault, self.closed = repr(fault), True
            self.flush()

    def take_frames(self):
        """The whole frames that have come. GOAWAY is noted here: h2 takes no frame after it, though answers may follow."""
        while len(self.buffer) >= 9 and len(self.buffer) >= 9 + (size := int.from_bytes(self.buffer[:3], "big")):
            whole = bytes(self.buffer[: 9 + size])
            del self.buffer[: 9 + size]
            if whole[3] == GOAWAY:
                last, code = struct.unpack(">II", whole[9:17])
                self.goaway = {"code": code, "last": last & 0x7FFFFFFF, "text": whole[17:].decode("latin-1")}
                self.goaways.append(self.goaway)
            else:
                yield whole

    def is_ended(self, seconds=PATIENCE):
        """Whether the peer closes the connection in time."""
        try:
            self.wait(lambda: self.closed, seconds)
        except TimeoutError:
            return False
        return True

    def note(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings.update({int(code): change.new_value for code, change in event.changed_settings.items()})
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
        elif answer is None:
            pass
        elif isinstance(event, h2.events.InformationalResponseReceived):
            answer.interim.append(event.headers)
        elif isinstance(event, h2.events.ResponseReceived):
            answer.status = int(dict(event.headers)[":status"])
            answer.fields = [field for field in event.headers if field[0] != ":status"]
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            self.open_window(event.stream_id, event.flow_controlled_length, answer)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code)

    def open_window(self, stream, size, answer):
        if not size:
            return
        if self.holds:
            self.owed += size
        else:
            # Whoever reads, so that no stream waits for another.
            self.h2.increment_flow_control_window(size)
        if answer.reads and not answer.is_over:
            try:
                self.h2.increment_flow_control_window(size, stream)
            except h2.exceptions.StreamClosedError:
                pass

    def close(self):
        self.socket.close()


def send(client, request):
    """Sends one request; returns its stream, or None if the connection is no more."""
    words = {name: request[name] for name in ("method", "path", "authority", "scheme", "protocol", "fields") if name in request}
    words |= {name: None for name in request.get("omit", [])}
    pieces, trailers = request.get("pieces") or [], request.get("trailers") or []
    if client.closed:
        return None
    ends = not trailers and not request.get("open")
    stream = client.begin(**words, end=ends and not pieces)
    for number, piece in enumerate(pieces):
        client.send(stream, piece.encode("latin-1"), end=ends and number == len(pieces) - 1)
    if trailers and not client.answers[stream].is_over:
        client.send_trailers(stream, trailers)
    return stream


def play(client, requests, in_turn):
    streams = []
    for request in requests:
        if (stream := send(client, request)) is None:
            break
        answer = client.answers[stream]
        streams.append(stream)
        if request.get("cancel"):
            client.wait(lambda: answer.status or answer.is_over or client.closed)
            client.reset(stream)
        if in_turn:
            client.wait(lambda: answer.is_over or client.closed)
    client.wait(lambda: client.closed or all(client.answers[stream].is_over for stream in streams))
    return [client.answers[stream].facts() for stream in streams]


def main():
    with open(sys.argv[2]) as file:
        script = json.load(file)
    client, answers, ended = Client(int(sys.argv[1]), script.get("certificate"), script.get("alpn", ["h2"]), script.get("settings")), [], False
    if client.alpn in (None, "h2"):
        answers = play(client, script["requests"], script.get("inTurn", False))
        if script.get("untilEnd"):
            client.wait(lambda: client.closed or client.goaway)
            client.is_ended(10)
        ended = client.closed
    print(json.dumps({"alpn": client.alpn, "settings": client.settings, "goaway": client.goaway, "fault": client.fault, "ended": ended,
                      "answers": answers}))


if __name__ == "__main__":
    main()
