# A small Flask application to stand behind the front door. It says which instance answered, so that
# the spreading can be seen, and what of the forwarded headers reached it.
#
#   gunicorn:  gunicorn --bind 127.0.0.1:9001 app:app
#   uWSGI:     uwsgi --http-socket 127.0.0.1:9005 --plugin python3 --module app:app
#   gevent:    python3 app.py 127.0.0.1:9004
#
# INSTANCE in the environment is the instance's name.

import os
import sys
import time

from flask import Flask, Response, jsonify, request

app = Flask(__name__)
app.json.compact = False
app.json.sort_keys = False

# /slow and /stream wait no longer than this for anybody.
SECONDS_MAX = 60.0


def instance():
    return os.environ.get("INSTANCE") or "pid %d" % os.getpid()


def seconds(name, default):
    return min(max(request.args.get(name, default, type=float), 0.0), SECONDS_MAX)


@app.get("/")
def index():
    """Who answers, and what it was told of the client."""
    return jsonify(
        instance=instance(),
        pid=os.getpid(),
        server=request.environ.get("SERVER_SOFTWARE") or ("uWSGI" if "uwsgi.version" in request.environ else "unknown"),
        path=request.full_path.rstrip("?"),
        host=request.headers.get("Host"),
        forwarded_for=request.headers.get("X-Forwarded-For"),
        forwarded_proto=request.headers.get("X-Forwarded-Proto"),
        forwarded_host=request.headers.get("X-Forwarded-Host"),
    )


@app.get("/health")
def health():
    """What the health check asks for."""
    return Response("ok\n", mimetype="text/plain")


@app.get("/headers")
def headers():
    """The request's header fields, one a line, as they arrived."""
    lines = ["%s: %s" % (name.lower(), value) for name, value in request.headers.items()]
    return Response("\n".join(sorted(lines)) + "\n", mimetype="text/plain")


@app.get("/slow")
def slow():
    """Answers after ?seconds=, one by default."""
    time.sleep(seconds("seconds", 1.0))
    return Response("%s took its time\n" % instance(), mimetype="text/plain")


@app.post("/echo")
def echo():
    """Gives the request's body back."""
    return Response(request.get_data(), mimetype=request.mimetype or "application/octet-stream")


@app.post("/upload")
def upload():
    """What the application saw of the request's body."""
    return jsonify(
        content_length=request.headers.get("Content-Length"),
        transfer_encoding=request.headers.get("Transfer-Encoding"),
        received=len(request.get_data()),
    )


@app.get("/big")
def big():
    """?bytes= bytes, a million by default, as fast as they are taken."""
    count = min(request.args.get("bytes", 1_000_000, type=int), 100_000_000)
    block = b"0123456789abcdef" * 4096

    def blocks():
        for start in range(0, count, len(block)):
            yield block[: count - start]

    return Response(blocks(), mimetype="application/octet-stream", headers={"Content-Length": str(count)})


@app.get("/events")
def events():
    """?count= server-sent events, ?seconds= apart."""
    pause = seconds("seconds", 1.0)
    count = min(request.args.get("count", 5, type=int), 1_000)

    def lines():
        for number in range(1, count + 1):
            if number > 1:
                time.sleep(pause)
            yield "data: %d\n\n" % number

    return Response(lines(), mimetype="text/event-stream")


@app.get("/stream")
def stream():
    """?lines= lines without a length known beforehand, ?seconds= apart."""
    pause = seconds("seconds", 0.0)
    count = min(request.args.get("lines", 5, type=int), 100_000)
    name = instance()

    def lines():
        for number in range(1, count + 1):
            if pause and number > 1:
                time.sleep(pause)
            yield "line %d from %s\n" % (number, name)

    return Response(lines(), mimetype="text/plain")


def serve_with_gevent(address):
    from gevent import monkey

    monkey.patch_all()
    from gevent.pywsgi import WSGIServer

    host, port = address.rsplit(":", 1)
    WSGIServer((host, int(port)), app, log=None).serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 2 or ":" not in sys.argv[1]:
        sys.exit("usage: app.py HOST:PORT   (serves the application under gevent)")
    serve_with_gevent(sys.argv[1])
