"""Many requests over one connection of HTTP/2, of which one in ten is cancelled at a random moment.

usage: h2_cancels.py PORT COUNT [SEED]

The server has /large/N, and echoes what is posted. Prints one object: how many were answered, cancelled, refused.
"""

import json
import random
import sys

import h2.errors

from h2_client import Client

STREAMS = 50


class Request:
    def __init__(self, client, chance, number):
        self.client, self.size = client, chance.choice([0, 0, 0, 10, 5_000, 100_000])
        self.is_upload, self.left = chance.random() < 0.3, 0
        if self.is_upload:
            self.stream = client.begin("POST", "/?%d" % number, end=False)
            self.left = self.size
        else:
            self.stream = client.begin(path="/large/%d" % self.size)
        self.answer = client.answers[self.stream]
        # Turns of the loop until it is cancelled; None for one that is not.
        self.patience = chance.randrange(8) if chance.random() < 0.1 else None
        self.sent_all = not self.is_upload

    def turn(self):
        if self.patience is not None:
            if self.patience == 0:
                self.client.reset(self.stream)
                return
            self.patience -= 1
        if not self.sent_all and not self.answer.is_over:
            room = min(self.client.h2.local_flow_control_window(self.stream), self.client.h2.max_outbound_frame_size, self.left)
            if room > 0 or self.left == 0:
                self.left -= room
                self.sent_all = self.left == 0
                self.client.h2.send_data(self.stream, b"x" * room, end_stream=self.sent_all)
                self.client.flush()

    def check(self):
        assert self.answer.status == 200, self.answer.facts()
        body = self.answer.body
        if self.is_upload:
            assert json.loads(body)["body"] == "x" * self.size
        else:
            assert len(body) == self.size, (len(body), self.size)


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    client, running, begun = Client(port), [], 0
    result = {"answered": 0, "cancelled": 0, "refused": 0}
    while begun < count or running:
        while begun < count and len(running) < STREAMS:
            begun += 1
            running.append(Request(client, chance, begun))
        for request in running:
            request.turn()
        # Uploads go on as their windows open; all else waits for something to come.
        moving = any(request.patience is not None or not request.sent_all for request in running)
        try:
            before = sum(len(request.answer.body) + request.answer.is_over for request in running)
            client.wait(lambda: sum(len(one.answer.body) + one.answer.is_over for one in running) != before,
                        0.001 if moving else 60)
        except TimeoutError:
            assert moving, "nothing came"
        for request in [request for request in running if request.answer.is_over]:
            running.remove(request)
            client.answers.pop(request.stream)
            code = request.answer.reset
            if code is None:
                request.check()
            result["answered" if code is None else "cancelled" if code == h2.errors.ErrorCodes.CANCEL else "refused"] += 1
    client.ping()
    assert client.goaway is None and client.fault is None, (client.goaway, client.fault)
    print(json.dumps(result))


main()
