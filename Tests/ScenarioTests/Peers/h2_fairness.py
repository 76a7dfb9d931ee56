"""Whether the streams of one connection of HTTP/2 get their share: h2_fairness.py PORT CASE [AUTHORITY]

The server has /large/N and anything else small. Prints one object.
  slow       a stream that is not read, and a hundred that ask again and again: {"before": ms, "beside": ms, "received": bytes}, the
             99th percentile of an answer's time without and beside it, and what the slow one got; at last it reads, and all of it comes
  equal      two long answers of equal urgency, both incremental: {"other": share}, how much of one had come when the other was whole
  urgent     one of urgency 7, then one of urgency 0: {"other": share}, how much of the first had come when the second was whole
  updated    the same, where a PRIORITY_UPDATE frame makes the second urgent when both are under way
"""

import json
import struct
import sys
import time

from h2_client import PRIORITY_UPDATE, Client, frame

SLOW, LONG = 20_000_000, 1_000_000
STREAMS, ROUNDS = 100, 10


def ask_again_and_again(client):
    """A hundred streams at once, ten times over; the times of all answers in ms, sorted."""
    times, begun = [], {}

    def begin():
        stream = client.begin(path="/")
        begun[stream] = time.monotonic()

    for _ in range(STREAMS - 1):
        begin()
    left = (STREAMS - 1) * (ROUNDS - 1)
    while begun:
        client.wait(lambda: any(client.answers[stream].is_over for stream in begun))
        now = time.monotonic()
        for stream in [stream for stream in begun if client.answers[stream].is_over]:
            answer = client.answers.pop(stream)
            assert answer.status == 200 and answer.reset is None, answer.facts()
            times.append((now - begun.pop(stream)) * 1_000)
            if left:
                left -= 1
                begin()
    return sorted(times)


def slow(client):
    ask_again_and_again(client)
    before = ask_again_and_again(client)
    stream = client.begin(path="/large/%d" % SLOW)
    answer = client.answers[stream]
    answer.reads = False
    client.wait(lambda: len(answer.body) >= 65_535)
    beside = ask_again_and_again(client)
    received = len(answer.body)
    answer.reads = True
    client.h2.increment_flow_control_window(1 << 30, stream)
    client.flush()
    client.wait(lambda: answer.is_over)
    assert len(answer.body) == SLOW and answer.ended, (len(answer.body), answer.reset)
    share = lambda times: times[len(times) * 99 // 100]
    return {"before": share(before), "beside": share(beside), "received": received}


def two(client, fields, then=None):
    """Two long answers to a client that takes 16 KiB at a time; how much of the first had come when the second was whole."""
    client.holds = True
    streams = [client.begin(path="/large/%d" % LONG, fields=[("priority", field)]) for field in fields]
    first, second = (client.answers[stream] for stream in streams)
    client.wait(lambda: first.status and second.status)
    if then:
        then(streams)
    take_slowly(client, second)
    share = len(first.body) / LONG
    take_slowly(client, first)
    assert len(first.body) == len(second.body) == LONG, (first.reset, second.reset)
    return {"other": share}


def take_slowly(client, answer):
    """So slowly that the server has content of both at any time."""
    while not answer.is_over:
        try:
            client.wait(lambda: answer.is_over, 0.003)
        except TimeoutError:
            step, client.owed = min(client.owed, 16_384), max(0, client.owed - 16_384)
            if step:
                client.h2.increment_flow_control_window(step)
                client.flush()


def update(client):
    def make_urgent(streams):
        client.send_raw(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", streams[1]) + b"u=0"))
    return make_urgent


def main():
    port, case, *authority = sys.argv[1:]
    # Streams' windows count only for the slow one.
    client = Client(int(port), *authority, settings={} if case == "slow" else {4: 1 << 24})
    result = {
        "slow": lambda: slow(client),
        "equal": lambda: two(client, ["i", "i"]),
        "urgent": lambda: two(client, ["u=7", "u=0"]),
        "updated": lambda: two(client, ["u=5", "u=6"], update(client)),
    }[case]()
    assert client.goaway is None and client.fault is None, (client.goaway, client.fault)
    print(json.dumps(result))


main()
