"""A server of HTTP/2 that tells what it was asked, and misbehaves where the path says so.

usage: h2_server.py PORT [OPTION=VALUE]...
  certificate=FILE  speaks TLS, and HTTP/2 where ALPN chooses it (alpn=NAMES, h2 by default); otherwise prior knowledge, in clear
  streams=N         SETTINGS_MAX_CONCURRENT_STREAMS
  window=N          SETTINGS_INITIAL_WINDOW_SIZE
  table=N           SETTINGS_HEADER_TABLE_SIZE
  connect=no        no SETTINGS_ENABLE_CONNECT_PROTOCOL: it takes no extended CONNECT

With ALPN http/1.1 each request gets 200 and "http/1.1". Paths:
  /…            once the request is whole, a JSON object of what it was: connection and stream (counted from 1), method, scheme,
                authority, path, protocol, fields, body, trailers
  /large/N      N bytes
  /sized/N      the same with a content-length
  /status/N     an answer of this status without content
  /trailers     "hello", and the trailer fields x-sum: 1 and x-end: yes
  /bare         trailer fields only: no DATA at all
  /interim      100 and 103 before the answer
  /cookies      two set-cookie fields
  /slow/MS      answers after so many milliseconds
  /hold         answers when somebody asks for /release
  /reset/CODE   a head, some content, and RST_STREAM
  /abort/CODE   RST_STREAM instead of an answer
  /refuse/N     REFUSED_STREAM for the first N requests of this path, on whichever connection
  /goaway       GOAWAY which says that this request was not looked at, the first time on a connection; the next connection answers
  /leave        answers, with a GOAWAY before, and takes no further request on this connection
  /early        answers before the body has come, then RST_STREAM with NO_ERROR
  /lazy         takes the body only when somebody asks for /release
  /upper        a head with an upper-case name; /connection one with a field that HTTP/2 does not have
  /short        a content-length longer than the content; /excess one that is shorter
  /counts       what the server has seen: connections, requests, most streams at once on one connection, codes of the
                RST_STREAM frames that came, requests that came late (behind a GOAWAY) or beyond `streams`, GOAWAY frames, closed connections
Extended CONNECT for websocket is answered with an echo of WebSocket messages.
"""

import asyncio
import json
import ssl
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

import websocket_frames

options = {}
counts = {"connections": 0, "requests": 0, "most": 0, "resets": [], "late": 0, "refused": 0, "goaways": 0, "closed": 0}
refused = {}
held = []
# Paths whose first request was sent away with a GOAWAY.
sent_away = set()


def release():
    for event in held:
        event.set()
    held.clear()


def hold():
    event = asyncio.Event()
    held.append(event)
    return event.wait()


class Stream:
    def __init__(self, number, fields):
        self.number, self.fields = number, fields
        self.pseudo = {name: value for name, value in fields if name.startswith(":")}
        self.path = self.pseudo.get(":path", "")
        self.body, self.trailers = bytearray(), []
        self.whole, self.over = asyncio.Event(), False
        # Content that has come while it must not be taken.
        self.reads, self.unread = not self.path.startswith("/lazy"), 0
        # What a WebSocket has sent; None after the last of it.
        self.messages = asyncio.Queue() if self.pseudo.get(":protocol") == "websocket" else None
        self.reader = websocket_frames.Reader()

    def end(self):
        self.whole.set()
        if self.messages:
            self.messages.put_nowait(None)


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.streams, self.leaving = transport, {}, False
        self.window_opened = asyncio.Event()
        security = transport.get_extra_info("ssl_object")
        self.is_old = security is not None and security.selected_alpn_protocol() not in ("h2", None)
        counts["connections"] += 1
        self.name, self.seen = counts["connections"], 0
        if self.is_old:
            return
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False,
            normalize_inbound_headers=False))
        codes = h2.settings.SettingCodes
        names = {"streams": codes.MAX_CONCURRENT_STREAMS, "table": codes.HEADER_TABLE_SIZE, "window": codes.INITIAL_WINDOW_SIZE}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            codes.MAX_CONCURRENT_STREAMS: 100, codes.ENABLE_CONNECT_PROTOCOL: int(options.get("connect") != "no"),
            **{names[name]: int(options[name]) for name in names if name in options}})
        self.h2.initiate_connection()
        self.limit = self.h2.local_settings.max_concurrent_streams
        self.window, self.is_acknowledged = self.h2.local_settings.initial_window_size, False
        # h2 would end the connection over a stream too many, or over content beyond the window, also before the client can know the
        # limit. From the acknowledgement on this server looks itself.
        self.h2.local_settings[codes.MAX_CONCURRENT_STREAMS] = 1_000_000
        self.h2.local_settings[codes.INITIAL_WINDOW_SIZE] = 65_535
        self.h2.local_settings.acknowledge()
        self.flush()

    def connection_lost(self, _):
        counts["closed"] += 1
        for stream in self.streams.values():
            stream.over = True
            stream.end()
        self.window_opened.set()

    def flush(self):
        if (data := self.h2.data_to_send()) and not self.transport.is_closing():
            self.transport.write(data)

    def data_received(self, data):
        if self.is_old:
            if b"\r\n\r\n" in data:
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhttp/1.1")
            return
        try:
            events = self.h2.receive_data(data)
            for event in events:
                self.note(event)
        except h2.exceptions.ProtocolError as fault:
            print("connection %d: %r" % (self.name, fault), file=sys.stderr, flush=True)
            self.flush()
            self.transport.close()
            return
        self.flush()

    def note(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.begin(event)
            return
        if isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.window_opened.set()
            return
        if isinstance(event, h2.events.ConnectionTerminated):
            counts["goaways"] += 1
        if isinstance(event, h2.events.SettingsAcknowledged):
            self.is_acknowledged = True
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            stream.unread += event.flow_controlled_length
            if stream.is_bound and stream.unread > self.window:
                raise h2.exceptions.FlowControlError("%d bytes where %d are allowed" % (stream.unread, self.window))
            if stream.messages:
                for message in stream.reader.feed(event.data):
                    stream.messages.put_nowait(message)
            if stream.reads:
                self.take(stream)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            stream.end()
        elif isinstance(event, h2.events.StreamReset):
            counts["resets"].append(int(event.error_code))
            stream.over = True
            stream.end()
            self.window_opened.set()

    def take(self, stream):
        """Opens the windows for what has come."""
        size, stream.unread = stream.unread, 0
        if size:
            self.h2.increment_flow_control_window(size)
            try:
                self.h2.increment_flow_control_window(size, stream.number)
            except (h2.exceptions.StreamClosedError, KeyError):
                pass
            self.flush()

    def begin(self, event):
        self.seen += 1
        stream = self.streams[event.stream_id] = Stream(event.stream_id, event.headers)
        stream.is_bound = self.is_acknowledged
        open_streams = sum(not one.over for one in self.streams.values())
        stream.is_refused = self.leaving or open_streams > self.limit
        counts["late" if self.leaving else "refused" if stream.is_refused else "requests"] += 1
        if not stream.is_refused:
            counts["most"] = max(counts["most"], open_streams)
        if event.stream_ended:
            stream.end()
        stream.task = asyncio.ensure_future(self.serve(stream))

    # Answers

    async def serve(self, stream):
        try:
            await self.answer(stream)
        except (h2.exceptions.ProtocolError, KeyError):
            # The client has ended the stream meanwhile.
            pass
        stream.over = True
        self.flush()
        self.streams.pop(stream.number, None)

    def head(self, stream, fields=(), status=200, end=False):
        self.h2.send_headers(stream.number, [(":status", str(status)), *fields], end_stream=end)
        self.flush()

    async def send(self, stream, data, end=True):
        view = memoryview(data)
        while view and not stream.over:
            room = min(self.h2.local_flow_control_window(stream.number), self.h2.max_outbound_frame_size)
            if room <= 0 or self.transport.get_write_buffer_size() > 1_000_000:
                self.window_opened.clear()
                try:
                    # Also when the transport has room again.
                    await asyncio.wait_for(self.window_opened.wait(), 0.05)
                except asyncio.TimeoutError:
                    pass
                continue
            self.h2.send_data(stream.number, bytes(view[:room]))
            view = view[room:]
            self.flush()
        if end and not stream.over:
            self.h2.end_stream(stream.number)
            self.flush()

    async def say(self, stream, text, *fields):
        self.head(stream, [("content-type", "text/plain"), *fields])
        await self.send(stream, text.encode())

    def facts(self, stream):
        return json.dumps({
            "connection": self.name, "stream": self.seen, "method": stream.pseudo.get(":method"),
            "scheme": stream.pseudo.get(":scheme"), "authority": stream.pseudo.get(":authority"), "path": stream.path,
            "protocol": stream.pseudo.get(":protocol"), "fields": [field for field in stream.fields if field[0][0] != ":"],
            "body": stream.body.decode("latin-1"), "trailers": stream.trailers})

    async def answer(self, stream):
        if stream.is_refused:
            return self.h2.reset_stream(stream.number, h2.errors.ErrorCodes.REFUSED_STREAM)
        if stream.pseudo.get(":protocol") == "websocket":
            return await self.echo(stream)
        word, _, rest = stream.path[1:].partition("?")[0].partition("/")
        special = getattr(self, "do_" + word, None)
        if special:
            return await special(stream, rest)
        await stream.whole.wait()
        if not stream.over:
            await self.say(stream, self.facts(stream))

    async def echo(self, stream):
        """Sends each WebSocket message back, in order."""
        self.head(stream)
        while frame := await stream.messages.get():
            reply, is_last = websocket_frames.respond(*frame)
            await self.send(stream, reply, end=is_last)
            if is_last:
                return
        await self.send(stream, b"")

    async def do_large(self, stream, size):
        self.head(stream)
        await self.send(stream, b"0123456789abcdef" * (int(size) // 16) + b"x" * (int(size) % 16))

    async def do_sized(self, stream, size):
        self.head(stream, [("content-length", size)])
        await self.send(stream, b"x" * int(size))

    async def do_status(self, stream, status):
        await stream.whole.wait()
        self.head(stream, [("x-status", status)], int(status), end=True)

    async def do_trailers(self, stream, _):
        self.head(stream, [("trailer", "x-sum, x-end")])
        await self.send(stream, b"hello", end=False)
        self.h2.send_headers(stream.number, [("x-sum", "1"), ("x-end", "yes")], end_stream=True)

    async def do_bare(self, stream, _):
        self.head(stream)
        self.h2.send_headers(stream.number, [("x-sum", "1")], end_stream=True)

    async def do_interim(self, stream, _):
        self.head(stream, status=100)
        self.head(stream, [("link", "</style.css>; rel=preload")], 103)
        await self.say(stream, "at last")

    async def do_cookies(self, stream, _):
        await self.say(stream, "cookies", ("set-cookie", "a=1"), ("set-cookie", "b=2"))

    async def do_slow(self, stream, milliseconds):
        await asyncio.sleep(int(milliseconds) / 1_000)
        await self.say(stream, "slow")

    async def do_hold(self, stream, _):
        await hold()
        if not stream.over:
            await self.say(stream, "released")

    async def do_release(self, stream, _):
        release()
        await self.say(stream, "released")

    async def do_reset(self, stream, code):
        self.head(stream)
        await self.send(stream, b"some of it", end=False)
        self.h2.reset_stream(stream.number, int(code))

    async def do_abort(self, stream, code):
        self.h2.reset_stream(stream.number, int(code))

    async def do_refuse(self, stream, times):
        refused[stream.path] = refused.get(stream.path, 0) + 1
        if refused[stream.path] <= int(times):
            self.h2.reset_stream(stream.number, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        await stream.whole.wait()
        await self.say(stream, self.facts(stream))

    async def do_goaway(self, stream, _):
        if stream.path not in sent_away:
            sent_away.add(stream.path)
            return self.go_away(stream.number - 2)
        await stream.whole.wait()
        await self.say(stream, self.facts(stream))

    async def do_leave(self, stream, _):
        self.go_away(stream.number)
        self.leaving = True
        await stream.whole.wait()
        await self.say(stream, self.facts(stream))

    def go_away(self, last):
        # By hand: h2 would end the connection's life with it.
        self.flush()
        payload = max(last, 0).to_bytes(4, "big") + bytes(4)
        self.transport.write(len(payload).to_bytes(3, "big") + bytes([7]) + bytes(5) + payload)

    async def do_early(self, stream, _):
        self.head(stream, [("content-length", "5")])
        await self.send(stream, b"early")
        self.h2.reset_stream(stream.number, h2.errors.ErrorCodes.NO_ERROR)

    async def do_lazy(self, stream, _):
        await hold()
        stream.reads = True
        self.take(stream)
        await stream.whole.wait()
        if not stream.over:
            await self.say(stream, str(len(stream.body)))

    async def do_upper(self, stream, _):
        await self.say(stream, "no", ("X-Upper", "yes"))

    async def do_connection(self, stream, _):
        await self.say(stream, "no", ("connection", "close"))

    async def do_short(self, stream, _):
        await self.say(stream, "short", ("content-length", "10"))

    async def do_excess(self, stream, _):
        await self.say(stream, "too long", ("content-length", "3"))

    async def do_counts(self, stream, _):
        await self.say(stream, json.dumps(counts))


async def main():
    options.update(word.split("=", 1) for word in sys.argv[2:])
    context = None
    if "certificate" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["certificate"])
        context.set_alpn_protocols(options.get("alpn", "h2").split(","))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", int(sys.argv[1]), ssl=context, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
