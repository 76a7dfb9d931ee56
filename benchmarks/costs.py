# What a profile of callgrind says about instructions and allocations, and how that is compared with the numbers that are kept.

import collections
import re

# Work that is done once a second falls into the longer run too: up to one allocation in a hundred requests is not a request's.
BY_TIME = 0.01
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc", "memalign", "swift_allocObject"}


def read_profile(path, binary):
    """Sums up a profile of callgrind. A line of numbers is a function's own cost, unless it follows the line of a call."""
    names = {}

    def name(kind, text):
        number, _, given = re.match(r"(\(\d+\))( (.*))?$", text).groups()
        return names.setdefault((kind, number), given)

    instructions, allocations = 0, collections.Counter()
    inside = in_call = False
    called = None
    with open(path) as file:
        for line in file:
            key, equals, text = line.rstrip("\n").partition("=")
            if equals and key in ("ob", "cob", "fn", "cfn"):
                # Objects and functions are numbered apart; a name comes with its number's first use.
                given = name(key[-2:], text)
                if key == "ob":
                    inside = given == binary
                elif key == "cfn":
                    called = given
            elif key == "calls":
                # Callgrind tells the calls at other depths of a recursion apart, as name'2.
                allocator = called.partition("'")[0]
                if allocator in ALLOCATORS:
                    allocations[allocator] += int(text.split()[0])
                in_call = True
            elif line[0] in "0123456789+-*":
                if inside and not in_call:
                    instructions += int(line.split()[1])
                in_call = False
    return instructions, allocations


def allocations(calls):
    """Allocations of a request: swift_allocObject calls malloc, so the two are not added up."""
    return max(calls.values())


def compare(kept, compiler, instructions, calls):
    """What is wrong with the measured numbers, as text; empty when nothing is.

    Instructions are compared if the compiler is the one that the number was measured with: another one generates other code.
    """
    faults = []
    if allocations(calls) > kept["allocations"] + BY_TIME:
        each = ", ".join(f"{one} {count:.2f} times" for one, count in calls.items() if count > BY_TIME)
        faults.append(f"A request calls {each} once everything is warm, where {kept['allocations']} is the limit. "
                      "callgrind_annotate --tree=caller shows which function allocates.")
    change = instructions / kept["instructions"] - 1
    if compiler == kept["compiler"] and abs(change) > kept["tolerance"]:
        faults.append(
            f"A request costs {instructions:,.0f} instructions: {abs(change):.1%} {'more' if change > 0 else 'fewer'} than "
            f"{kept['instructions']:,}, the number of {kept['date']} ({kept['reason']}). The tolerance is {kept['tolerance']:.0%}"
            + ("." if change > 0 else "; a number that is too high would hide later growth."))
    return "\n".join(faults)
