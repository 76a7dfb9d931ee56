# What came of a run: figures for each case and proxy, as text, as JSON, and as the table of docs/performance.md.

import json
import os
import platform
import re
import statistics
import sys

COLUMNS = ["user", "system", "total", "rate", "memory", "idle"]
# From this load average on, the page says that the machine did other things too.
BUSY = 0.5
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def summary(rounds):
    """Median, least and greatest value of each column."""
    columns = {key: [one[key] for one in rounds] for key in COLUMNS if key in rounds[0]}
    return {
        "median": {key: statistics.median(values) for key, values in columns.items()},
        "least": {key: min(values) for key, values in columns.items()},
        "greatest": {key: max(values) for key, values in columns.items()},
        "rounds": rounds,
    }


def result(case, connections, rounds):
    """The figures of a case from the rounds of each proxy; ratios are those of the medians, below 1 where Portico is better."""
    proxies = {name: summary(measured) for name, measured in rounds.items()}
    key = "idle" if case.is_memory else "total"
    medians = {name: figures["median"][key] for name, figures in proxies.items()}
    peers = {name: value for name, value in medians.items() if name != "portico"}
    ratios = {name: medians["portico"] / value for name, value in peers.items()} if "portico" in medians else {}
    return {
        "about": case.about, "unit": "bytes" if case.is_memory else "µs", "compared": key, "answer bytes": case.size,
        "connections": connections, "streams": case.streams, "proxies": proxies, "ratios": ratios,
        "best peer": min(peers, key=peers.get) if ratios else None,
    }


def print_case(name, case, versions):
    """The figures of a case; a star marks the best peer."""
    streams = f" of {case['streams']} streams" if case["streams"] > 1 else ""
    print(f"\n{name}: {case['about']} ({case['connections']} connections{streams}, {case['answer bytes']:,} bytes an answer)")
    if case["unit"] == "bytes":
        shown, more = [("idle", "bytes")], []
    else:
        shown = [("user", "user µs"), ("system", "system µs"), ("total", "total µs")]
        more = [("rate", "requests/s"), ("memory", "memory MiB")]
    titles = "".join(f"{title:>11}" for _, title in shown) + f"{'(min–max)':>20}" + "".join(f"{title:>12}" for _, title in more)
    print(f"{'':16}{titles}{'Portico is':>12}")
    for proxy, figures in case["proxies"].items():
        median, key = figures["median"], case["compared"]
        spread = f"({short(figures['least'][key])}–{short(figures['greatest'][key])})"
        line = "".join(f"{short(median[one]):>11}" for one, _ in shown) + f"{spread:>20}"
        if more:
            line += f"{median['rate']:12,.0f}{median['memory'] / 1_048_576:12.1f}"
        if proxy in case["ratios"]:
            line += f"{case['ratios'][proxy]:10.2f} ×" + (" *" if proxy == case["best peer"] else "")
        print(f"{proxy + ' ' + versions[proxy]:16}{line}", flush=True)


def short(value):
    """Three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine():
    """The kind of machine, without its name."""
    with open("/proc/cpuinfo") as file:
        text = file.read()
    model = re.search(r"model name\s*: (.*)", text)
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1)) / 1_048_576
    kind = "virtual machine" if re.search(r"^flags.*\bhypervisor\b", text, re.MULTILINE) else "machine"
    count = len(os.sched_getaffinity(0))
    return (f"{kind} with {count} processor{'s' if count > 1 else ''} ({model.group(1) if model else platform.machine()}), "
            f"{memory:.0f} GiB of memory, Linux {re.match(r'[0-9.]+', platform.release()).group(0).rstrip('.')}")


def write_markdown(path, run):
    """Puts the figures of the run between the two marks of a page."""
    with open(path) as file:
        page = file.read()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        sys.exit(f"benchmarks/run: {path} needs the lines {BEGIN} and {END}, once each")
    before, rest = page.split(BEGIN)
    with open(path, "w") as file:
        file.write(before + BEGIN + "\n" + "\n".join(markdown(run)) + "\n" + END + rest.split(END)[1])


def markdown(run):
    cases, versions = run["cases"], run["versions"]
    names = [name for name in versions if any(name in case["proxies"] for case in cases.values())]
    yield (f"Measured on {run['date']} on a {run['machine']}, with "
           + ", ".join(f"{name} {version}" for name, version in versions.items())
           + f"; {run['rounds']} rounds of {run['seconds']} s.\n")
    if run["load before"] > BUSY:
        yield f"Other programs ran on that machine (load {run['load before']:.1f} before the run): the figures are rough.\n"
    yield "| case | what | " + " | ".join(names) + " | Portico / best peer |"
    yield "|---|---|" + "---:|" * (len(names) + 1)
    for name, case in cases.items():
        cells = [f"`{name}`", f"{case['about']}, {case['unit']}"]
        for proxy in names:
            figures, key = case["proxies"].get(proxy), case["compared"]
            cells.append("–" if figures is None else
                         f"{short(figures['median'][key])} ({short(figures['least'][key])}–{short(figures['greatest'][key])})")
        best = case["best peer"]
        yield "| " + " | ".join(cells) + f" | {case['ratios'][best]:.2f} × {best} |"
    yield "\nWhere the time goes, and what else was seen:\n"
    yield "| case | proxy | user µs | system µs | requests/s | memory, MiB |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, case in cases.items():
        for proxy, figures in case["proxies"].items():
            if case["unit"] != "bytes":
                median = figures["median"]
                yield (f"| `{name}` | {proxy} | {short(median['user'])} | {short(median['system'])} "
                       f"| {median['rate']:,.0f} | {median['memory'] / 1_048_576:.1f} |")
    yield "\n### Where Portico loses\n"
    yield from losses(cases)


def losses(cases):
    """Each case in which a peer is better, worst first; those where the spreads overlap are told apart."""
    lost, even = [], []
    for name, case in sorted(cases.items(), key=lambda item: -max(item[1]["ratios"].values())):
        key, own = case["compared"], case["proxies"]["portico"]
        better = {peer: ratio for peer, ratio in case["ratios"].items() if ratio > 1}
        clear = [peer for peer in better if own["least"][key] > case["proxies"][peer]["greatest"][key]]
        said = lambda peers: " and ".join(f"{better[peer]:.2f} × {peer}" for peer in sorted(peers, key=lambda one: -better[one]))
        if clear:
            lost.append(f"- `{name}` ({case['about']}): Portico needs {said(clear)}.")
        elif better:
            even.append(f"`{name}` ({said(better)})")
    yield "In this run a peer needed less than Portico here:\n" if lost else "In this run no peer needed clearly less than Portico."
    yield from lost
    if even:
        yield "\nWorse than a peer by less than the rounds differ: " + ", ".join(even) + "."


def write_json(path, run):
    with open(path, "w") as file:
        json.dump(run, file, indent=2, ensure_ascii=False)
        file.write("\n")
