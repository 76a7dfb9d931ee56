#!/usr/bin/env python3
"""Draws docs/balancing.svg and the table of docs/balancing.md from what `balance` (benchmarks/balancing) prints.

    balancing.py <program> [seed]
"""

import math
import os
import subprocess
import sys

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")
COLORS = ["#888888", "#bbbbbb", "#d08770", "#b48ead", "#2e7d32", "#1565c0", "#c62828", "#ef6c00"]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
WIDTH, LEFT, ROW = 860, 190, 30
# The plot over time, in seconds.
FROM, TO = 19.0, 28.0


def read(program, seed):
    """The lines about the farm, and each algorithm with its figures and its timeline."""
    text = subprocess.run([program] + seed, capture_output=True, text=True, check=True).stdout
    facts, algorithms = {}, []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "algorithm":
            name, _, figures = rest.partition(" | ")
            algorithms.append((name, [float(x) for x in figures.split()], []))
        elif word == "at":
            algorithms[-1][2].append(tuple(float(x) for x in rest.split()))
        else:
            facts[word] = rest
    return facts, algorithms


def text(x, y, words, anchor="start", size=12, color="#222"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}">{words}</text>'


def logarithmic(value, low, high, width):
    """Where a value is on a logarithmic axis."""
    return width * math.log(max(low, value) / low) / math.log(high / low)


def marks(low, high):
    """The powers of ten of an axis, and how each is written."""
    values = [10**n for n in range(7) if low <= 10**n <= high]
    return [(value, f"{value} ms" if value < 1000 else f"{value // 1000} s") for value in values]


def end_of_axis(values):
    """A power of ten that none of the values exceeds."""
    return 10 ** math.ceil(math.log10(max(values)))


def bars(algorithms, top):
    """Median, 99th and 99.9th percentile of each algorithm, on a logarithmic axis."""
    low, high, width = 5, end_of_axis([f for _, figures, _ in algorithms for f in figures[:3]]), WIDTH - LEFT - 40
    out = [text(LEFT, top - 12, "what clients waited: median, 99 %, 99.9 %", size=13)]
    bottom = top + ROW * len(algorithms)
    for value, name in marks(low, high):
        x = LEFT + logarithmic(value, low, high, width)
        out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
        out.append(text(x, bottom + 15, name, "middle", 11))
    for row, (name, figures, _) in enumerate(algorithms):
        y = top + ROW * row + ROW / 2
        xs = [LEFT + logarithmic(value, low, high, width) for value in figures[:3]]
        out.append(text(LEFT - 10, y + 4, name, "end"))
        out.append(f'<line x1="{xs[0]:.1f}" y1="{y}" x2="{xs[2]:.1f}" y2="{y}" stroke="{COLORS[row]}" stroke-width="6"/>')
        for x, radius in zip(xs, (4, 6, 4)):
            out.append(f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{COLORS[row]}" stroke="#fff"/>')
    return out, bottom


def timelines(algorithms, top, height):
    """The 99th percentile of the requests of each quarter of a second, around the stall."""
    shown = [value for _, _, timeline in algorithms for second, value in timeline if FROM <= second <= TO]
    low, high, width = 10, end_of_axis(shown), WIDTH - 60 - 30

    def place(second, value):
        x = 60 + width * (second - FROM) / (TO - FROM)
        return x, top + height - logarithmic(value, low, high, height)

    out = [text(60, top - 12, "99 % of the requests that began in this quarter of a second", size=13)]
    x0, x1 = place(20, low)[0], place(22, low)[0]
    out.append(f'<rect x="{x0:.1f}" y="{top}" width="{x1 - x0:.1f}" height="{height}" fill="#f3f3f3"/>')
    out.append(text((x0 + x1) / 2, top + height - 8, "one server stalls", "middle", 11, "#777"))
    for value, name in marks(low, high):
        y = place(FROM, value)[1]
        out.append(f'<line x1="60" y1="{y:.1f}" x2="{60 + width}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(54, y + 4, name, "end", 11))
    for second in range(int(FROM), int(TO) + 1):
        out.append(text(place(second, low)[0], top + height + 16, f"{second} s", "middle", 11))
    for row, (_, _, timeline) in enumerate(algorithms):
        points = " ".join("%.1f,%.1f" % place(s, v) for s, v in timeline if FROM <= s <= TO)
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[row]}" stroke-width="2"/>')
    return out


def draw(algorithms):
    upper, bottom = bars(algorithms, 40)
    lower = timelines(algorithms, bottom + 70, 300)
    height = bottom + 70 + 300 + 30
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'] + upper + lower + ["</svg>", ""])


def table(facts, algorithms):
    lines = [
        f"{facts['requests'].split()[0]} requests; the servers take {', '.join(facts['servers'].split())} ms on average.",
        "",
        "| algorithm | median, ms | 99 %, ms | 99.9 %, ms | longest, ms | longest queue in a server | sent to the stalled server |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, figures, _ in algorithms:
        numbers = [f"{x:,.1f}" for x in figures[:4]] + [f"{int(x):,}" for x in figures[4:]]
        lines.append(f"| {name} | " + " | ".join(numbers) + " |")
    return "\n".join(lines)


def main():
    facts, algorithms = read(sys.argv[1], sys.argv[2:])
    with open(os.path.join(DOCS, "balancing.svg"), "w") as file:
        file.write(draw(algorithms))
    page = os.path.join(DOCS, "balancing.md")
    with open(page) as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(page, "w") as file:
        file.write(before + BEGIN + "\n" + table(facts, algorithms) + "\n" + END + after)


main()
