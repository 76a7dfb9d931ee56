"""A Flask application that remembers clients in its own memory: a counter for each session, and polling as Socket.IO's clients do it.

    sticky_app.py <port>
"""

import itertools
import sys

from flask import Flask, Response, jsonify, request

app = Flask(__name__)
numbers = itertools.count(1)
counts = {}
polled = set()


def new_name():
    return "%s-%d" % (sys.argv[1], next(numbers))


@app.get("/count")
def count():
    """How often this session has asked: of one that is not known, a new one begins."""
    session = request.cookies.get("session")
    response = Response()
    if session not in counts:
        session = new_name()
        counts[session] = 0
        response.set_cookie("session", session)
    counts[session] += 1
    response.set_data(str(counts[session]))
    return response


@app.route("/socket.io/", methods=["GET", "POST"])
def poll():
    """The polling transport: a handshake without `sid`, then requests that only the process can answer which made it."""
    sid = request.args.get("sid")
    if sid is None:
        sid = new_name()
        polled.add(sid)
        return Response('0{"sid":"%s","upgrades":["websocket"]}' % sid)
    if sid not in polled:
        return jsonify(code=1, message="Session ID unknown"), 400
    return Response("ok" if request.method == "POST" else "6")


app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
