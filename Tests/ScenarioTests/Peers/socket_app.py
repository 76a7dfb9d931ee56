# For gunicorn with gevent-websocket's worker: /echo is an echo over WebSockets, /events says one server-sent event each time
# somebody asks for /next.
from gevent.queue import Queue

EVENTS = Queue()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/echo":
        socket = environ["wsgi.websocket"]
        while True:
            message = socket.receive()
            if message is None:
                return []
            socket.send(message)
    if environ["PATH_INFO"] == "/next":
        EVENTS.put("now")
        start_response("204 No Content", [])
        return []
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        return events()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]


def events():
    number = 0
    while True:
        number += 1
        yield b"data: %d\n\n" % number
        EVENTS.get()
