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


class CaseTests(unittest.TestCase):
    def test_portico_and_haproxy_have_the_same_file_where_both_play(self):
        for case in cases.CASES.values():
            self.assertIn("portico", case.files)
            if "haproxy" in case.files:
                self.assertIs(case.files["portico"], case.files["haproxy"], case.name)


if __name__ == "__main__":
    unittest.main()
