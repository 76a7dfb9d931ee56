# The processes of a measurement: started on processors of their own, watched, stopped; and what the kernel says they cost.

import os
import re
import signal
import socket
import subprocess
import sys
import time

TICK_MICROSECONDS = 1_000_000 / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def places():
    """One processor for the proxy; the others for the backend and the load."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) == 1:
        print("Only one processor: the proxies share it with wrk and the backend, and requests/s mean little.\n", flush=True)
        return {name: processors for name in ("proxy", "load", "backend")}
    proxy, *others = processors
    return {"proxy": [proxy], "load": [others[0]], "backend": [others[-1]]}


def on_processors(processors, command):
    return ["taskset", "--cpu-list", ",".join(map(str, processors)), *command]


def start(command, processors, log):
    """Starts a process on the given processors; the kernel ends it if this script is killed."""
    pinned = ["setpriv", "--pdeathsig", "TERM", *on_processors(processors, command)]
    return subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def wait_for(port, process, log, seconds=15):
    """Returns once the process accepts connections at the port; ends the script with its log if it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    log.seek(0)
    sys.exit("%s did not start:\n%s" % (process.args, log.read()))


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def family(pid):
    """The process and its children: nginx's worker is one."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [pid] + [one for child in children.read().split() for one in family(int(child))]


def processor_time(pid):
    """User and system microseconds of the process and its children so far.

    The kernel shows the two in ticks of 10 ms, but their sum in nanoseconds (schedstat), where it is built to do so.
    """
    user = system = exact = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat") as stat:
            columns = stat.read().rsplit(")", 1)[1].split()
        user += int(columns[11]) * TICK_MICROSECONDS
        system += int(columns[12]) * TICK_MICROSECONDS
        for thread in os.listdir(f"/proc/{one}/task"):
            try:
                with open(f"/proc/{one}/task/{thread}/schedstat") as stat:
                    exact += int(stat.read().split()[0]) / 1_000
            except OSError:
                pass
    return user, system, exact or user + system


def cost(before, after, answers):
    """User and system microseconds for each answer, from two values of `processor_time`."""
    user, system, exact = (end - start for start, end in zip(before, after))
    share = user / (user + system) if user + system else 0
    return exact * share / answers, exact * (1 - share) / answers


def memory(pid):
    """Bytes of memory that are the process's own, without the files it maps: what another instance would cost."""
    total = 0
    for one in family(pid):
        with open(f"/proc/{one}/status") as status:
            total += int(re.search(r"RssAnon:\s+(\d+) kB", status.read()).group(1))
    return total * 1_024


def settled_memory(pid):
    """`memory` once it has not changed for half a second; after 20 seconds, what it is then."""
    last = -1
    for _ in range(40):
        time.sleep(0.5)
        now = memory(pid)
        if now == last:
            break
        last = now
    return last


def version(command):
    said = subprocess.run(command, capture_output=True, text=True)
    return re.search(r"\d+\.\d+[\w.]*", said.stdout + said.stderr).group(0)
