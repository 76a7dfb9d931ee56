#!/usr/bin/python3
# What the benchmarks compute, without running any: `make test` runs this.

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import cases
import costs
import loads
import report

PROFILE = """\
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir

ob=(1) /tmp/portico
fl=(1) ???
fn=(1) serve
0 100
cob=(2) /lib/libc.so.6
cfi=(1)
cfn=(2) malloc
calls=7 0
0 5000
* 20
cob=(1)
cfn=(3) swift_allocObject
calls=3 0
+1 900

fn=(3)
0 30
cob=(2)
cfn=(4) realloc'2
calls=2 0
0 60

ob=(2)
fn=(2)
0 4000
-3 4000
"""
H2LOAD = """\
starting benchmark...
TLS Protocol: TLSv1.3
Cipher: TLS_AES_256_GCM_SHA384
Application protocol: h2

finished in 4.00s, 250.00 req/s, 5.92KB/s
requests: 1000 total, 1256 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 1004 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 41.85KB (42850) total, 5.82KB (5960) headers (space savings 89.76%), 22.46KB (23000) data
                     min         max         mean         sd        +/- sd
time for request:    14.01ms    131.63ms     36.87ms     15.98ms    78.76%
"""
KEPT = {"instructions": 20_000, "allocations": 0, "tolerance": 0.03, "compiler": "6.3.1", "date": "2026-11-30", "reason": "a reason"}


class CostTests(unittest.TestCase):
    def test_instructions_are_those_of_the_binary_itself_and_allocations_all(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "profile")
            with open(path, "w") as file:
                file.write(PROFILE)
            instructions, allocations = costs.read_profile(path, "/tmp/portico")
        self.assertEqual(instructions, 150)
        self.assertEqual(allocations, {"malloc": 7, "swift_allocObject": 3, "realloc": 2})

    def test_numbers_within_the_tolerance_pass(self):
        for instructions in (19_401, 20_000, 20_599):
            self.assertEqual(costs.compare(KEPT, "6.3.1", instructions, {"malloc": 0.009}), "")

    def test_growth_and_shrinking_beyond_the_tolerance_fail(self):
        self.assertIn("3.5% more", costs.compare(KEPT, "6.3.1", 20_700, {"malloc": 0}))
        self.assertIn("3.5% fewer", costs.compare(KEPT, "6.3.1", 19_300, {"malloc": 0}))

    def test_an_allocation_in_each_request_fails_whatever_the_compiler(self):
        self.assertIn("malloc 1.00 times", costs.compare(KEPT, "6.3.1", 20_000, {"calloc": 0, "malloc": 1}))
        self.assertIn("malloc 1.00 times", costs.compare(KEPT, "6.4", 20_000, {"calloc": 0, "malloc": 1}))

    def test_instructions_of_another_compiler_are_not_compared(self):
        self.assertEqual(costs.compare(KEPT, "6.4", 30_000, {"malloc": 0}), "")


def rounds(*totals):
    return [{"user": 1, "system": total - 1, "total": total, "rate": 10_000, "memory": 1_048_576} for total in totals]


def run(**proxies):
    plain = report.result(cases.CASES["plain"], 64, {name: rounds(*totals) for name, totals in proxies.items()})
    idle = report.result(cases.CASES["idle"], 5_000, {"portico": [{"idle": 500}], "haproxy": [{"idle": 1_000}]})
    versions = {"portico": "0.1.0", "haproxy": "2.6.12", "nginx": "1.22.1", "wrk": "4.1.0"}
    return {"date": "2026-11-30", "machine": "machine", "load before": 0.1, "versions": versions, "rounds": 3,
            "seconds": 4, "cases": {"plain": plain, "idle": idle}}


class ReportTests(unittest.TestCase):
    def test_ratios_are_those_of_the_medians_and_the_best_peer_is_the_cheapest(self):
        plain = run(portico=(9, 30, 10), haproxy=(20, 19, 21), nginx=(12, 12.5, 14))["cases"]["plain"]
        self.assertEqual(plain["ratios"], {"haproxy": 0.5, "nginx": 0.8})
        self.assertEqual(plain["best peer"], "nginx")
        self.assertEqual((plain["proxies"]["portico"]["least"]["total"], plain["proxies"]["portico"]["greatest"]["total"]), (9, 30))

    def test_a_case_without_portico_has_no_ratios(self):
        plain = run(haproxy=(20, 19, 21))["cases"]["plain"]
        self.assertEqual((plain["ratios"], plain["best peer"]), ({}, None))

    def test_the_page_names_each_case_that_a_peer_wins_and_tells_noise_apart(self):
        lost = "\n".join(report.markdown(run(portico=(15, 15, 16), haproxy=(20, 20, 20), nginx=(10, 10, 11))))
        self.assertIn("- `plain` (keep-alive connections, small answers): Portico needs 1.50 × nginx.", lost)
        self.assertNotIn("`idle` (", lost)
        noise = "\n".join(report.markdown(run(portico=(9, 15, 16), haproxy=(20, 20, 20), nginx=(8, 12, 13))))
        self.assertIn("no peer needed clearly less", noise)
        self.assertIn("`plain` (1.25 × nginx)", noise)

    def test_the_page_says_that_the_machine_was_busy(self):
        quiet = run(portico=(15,), haproxy=(20,), nginx=(10,))
        self.assertNotIn("Other programs", "\n".join(report.markdown(quiet)))
        self.assertIn("(load 6.2 before the run)", "\n".join(report.markdown(quiet | {"load before": 6.2})))

    def test_only_what_is_between_the_marks_of_a_page_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.md")
            with open(path, "w") as file:
                file.write(f"# before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            for _ in range(2):
                report.write_markdown(path, run(portico=(15,), haproxy=(20,), nginx=(10,)))
            with open(path) as file:
                page = file.read()
            self.assertTrue(page.startswith(f"# before\n{report.BEGIN}\nMeasured on 2026-11-30 on a machine"), page)
            self.assertTrue(page.endswith(f"{report.END}\nafter\n"), page)
            self.assertNotIn("old", page)
            with open(path, "w") as file:
                file.write("no marks\n")
            self.assertRaises(SystemExit, report.write_markdown, path, run(portico=(15,), haproxy=(20,), nginx=(10,)))


class LoadTests(unittest.TestCase):
    def test_answers_that_failed_or_are_cut_are_noticed(self):
        case = cases.CASES["100k"]
        whole = {"requests": 100, "bytes": 100 * (case.size + 200), "microseconds": 1, "failed": 0}
        self.assertTrue(loads.is_whole(whole, case, 64))
        self.assertTrue(loads.is_whole(whole | {"bytes": whole["bytes"] + 63 * case.size}, case, 64))
        self.assertFalse(loads.is_whole(whole | {"failed": 1}, case, 64))
        self.assertFalse(loads.is_whole(whole | {"bytes": 99 * case.size}, case, 64))
        self.assertFalse(loads.is_whole(whole | {"bytes": 200 * case.size}, case, 64))
        self.assertFalse(loads.is_whole(whole | {"requests": 0, "bytes": 0}, case, 64))


    def test_answers_of_h2load_that_failed_or_are_of_another_protocol_are_noticed(self):
        case = cases.CASES["h2"]
        good = loads.read_h2load(H2LOAD, 4)
        self.assertEqual(good, {"requests": 1_000, "bytes": 1_000 * case.size, "microseconds": 4_000_000, "failed": 0})
        self.assertTrue(loads.is_whole(good, case, 16))
        for change in [("0 failed", "3 failed"), ("0 errored", "3 errored"), ("0 timeout", "3 timeout"), ("0 3xx", "3 3xx"),
                       ("0 4xx", "3 4xx"), ("0 5xx", "3 5xx"), ("protocol: h2", "protocol: http/1.1"), ("TLSv1.3", "TLSv1.2"),
                       ("1000 done", "0 done"), ("23000", "22000"), ("23000", "4000000")]:
            report = loads.read_h2load(H2LOAD.replace(*change), 4)
            self.assertFalse(loads.is_whole(report, case, 16), change)
        with self.assertRaises(SystemExit):
            loads.read_h2load("starting benchmark...", 4)

    def test_answers_of_http2_that_are_under_way_on_all_streams_are_no_fault(self):
        case = cases.CASES["h2-100k"]
        report = {"requests": 100, "bytes": (100 + 255) * case.size, "microseconds": 1, "failed": 0}
        self.assertTrue(loads.is_whole(report, case, 16))
        self.assertFalse(loads.is_whole(report | {"bytes": (100 + 260) * case.size}, case, 16))


class FrameTests(unittest.TestCase):
    """The idle clients of HTTP/2, with a server that says what a test lets it say."""

    SETTINGS = loads.frame(loads.SETTINGS, 0, 0)
    HEAD = loads.frame(loads.HEADERS, loads.END_HEADERS, 1, b"\x88")

    def ask(self, *pieces):
        client = ScriptedSocket(pieces)
        return loads.ask_in_frames(client, cases.CASES["h2-idle"]), client.sent

    def test_an_answer_is_counted_by_its_content_whatever_pieces_it_comes_in(self):
        data = loads.frame(loads.DATA, 0, 1, b"x" * 13) + loads.frame(loads.DATA, loads.END_STREAM, 1, b"x" * 10)
        whole = self.SETTINGS + self.HEAD + data
        for size in (1, 7, len(whole)):
            pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
            length, sent = self.ask(*pieces)
            self.assertEqual(length, 23)
            self.assertTrue(sent.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04"))
            self.assertTrue(sent.endswith(loads.frame(loads.SETTINGS, loads.ACK, 0)))

    def test_an_answer_that_is_cut_off_or_refused_is_noticed(self):
        part = loads.frame(loads.DATA, 0, 1, b"x" * 13)
        self.assertEqual(self.ask(self.SETTINGS, self.HEAD, part)[0], 13)
        self.assertEqual(self.ask(self.HEAD, loads.frame(loads.RST_STREAM, 0, 1, bytes(4)))[0], -1)
        self.assertEqual(self.ask(loads.frame(loads.GOAWAY, 0, 0, bytes(8)))[0], -1)


class ScriptedSocket:
    def __init__(self, pieces):
        self.pieces, self.sent = list(pieces), b""

    def sendall(self, data):
        self.sent += data

    def recv(self, _):
        return self.pieces.pop(0) if self.pieces else b""


class CaseTests(unittest.TestCase):
    def test_portico_and_haproxy_have_the_same_file_where_both_play(self):
        for case in cases.CASES.values():
            self.assertIn("portico", case.files)
            if "haproxy" in case.files:
                self.assertIs(case.files["portico"], case.files["haproxy"], case.name)


if __name__ == "__main__":
    unittest.main()
