"""For `instructions` and `durable`: counts the instructions of a program, and compares them with a budget."""
import re, shutil, subprocess

from common import CACHE, HERE, LARGE, SMALL, fail, fed, say

# Numbers of events of the two runs, by their size.
RUNS = {SMALL: (50, 250), LARGE: (20, 70)}
# The one event of each store.
ONE = {"1.5 KB": (SMALL, False)}


def install_valgrind():
    if shutil.which("valgrind"):
        return
    say("speed: installing valgrind")
    if subprocess.run([HERE.parent / "real" / "install", "valgrind"]).returncode != 0:
        fail("valgrind is needed")


def counted(program, environment, size, times, base64=False):
    """The instructions of a run with a first event and `times` more. If `environment` is a function, each run gets a new one."""
    out = CACHE / "callgrind.out"
    before = ("valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}")
    environment = environment() if callable(environment) else environment
    fed(program, environment, size=size, base64=base64, times=times, before=before)
    totals = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    return int(totals[1])


def figures(program, environment, events):
    taken = {"cold start": counted(program, environment, SMALL, 0)}
    for name, (size, base64) in events.items():
        few, many = RUNS[size]
        more = counted(program, environment, size, many, base64) - counted(program, environment, size, few, base64)
        taken[name] = more / (many - few)
    return taken


class Budget:
    """Prints each figure beside its limit, and remembers whether all figures are within their limits."""

    def __init__(self):
        self.is_held = True
        say(f"\n{'':<16}{'of':<28}{'to':<28}{'ratio':>7}{'allowed':>9}")

    def hold(self, figure, left, right, taken, allowed, form=(".3f", ".2f")):
        self.is_held &= taken <= allowed
        verdict = "" if taken <= allowed else "  EXCEEDED"
        say(f"{figure:<16}{left:<28}{right:<28}{taken:>7{form[0]}}{allowed:>9{form[1]}}{verdict}")
