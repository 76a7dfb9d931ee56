# What programs do with the library `requests`, through a session that keeps its connections: requests_client.py PORT.
# Prints "all is well".
import hashlib
import sys

import requests

BASE = "http://127.0.0.1:%s" % sys.argv[1]

with requests.Session() as session:
    for number in range(50):
        answer = session.get(BASE + "/", params={"number": number})
        assert answer.status_code == 200 and answer.json()["path"] == "/?number=%d" % number, answer.text

    # The session has one connection, and kept it.
    pool = session.get_adapter(BASE).poolmanager.connection_from_url(BASE)
    assert pool.num_connections == 1 and pool.num_requests == 50, (pool.num_connections, pool.num_requests)

    body = bytes(range(256)) * 4_000
    assert session.post(BASE + "/echo", data=body).content == body

    def pieces():
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    # A generator is sent in chunks.
    assert session.post(BASE + "/echo", data=pieces()).content == body

    digest = hashlib.sha256()
    count = 50_000_000
    with session.get(BASE + "/big", params={"bytes": count}, stream=True) as answer:
        assert answer.headers["Content-Length"] == str(count), answer.headers
        for piece in answer.iter_content(65_536):
            digest.update(piece)
            count -= len(piece)
    assert count == 0, "%d bytes are missing" % count

    assert session.head(BASE + "/").content == b""
    assert session.get(BASE + "/no/such/page").status_code == 404
    assert session.get(BASE + "/", headers={"Connection": "close"}).status_code == 200
    assert session.get(BASE + "/").status_code == 200
    print("all is well")
