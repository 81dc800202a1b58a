"""How long runners take for the same steps, and what they keep apart: a table in Markdown.

    compare.py PIPE TOOLS [--rounds N]    TOOLS is the folder in which `compare` has installed the other runners

A step starts one program that does nothing. In a round all runners have their turn; the times are medians of the rounds.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stops
from runners import Pipe, Work, environment, peers

COMMAND = "/bin/true"

WORKS = {
    "1 step": Work(COMMAND),
    "1,000 steps, one by one": Work(COMMAND, 1000),
    "1,000 steps, 16 at a time": Work(COMMAND, 1000, parallel=True),
}

# What each keeps apart, and keeps: the log of each step, a folder for each step, and what has happened, so that it can go on.
KEEPS = {
    "pipe": ("yes", "yes", "yes"),
    "make": ("no", "no", "by files' times"),
    "ninja": ("shown whole, not kept", "no", "by files' times"),
    "just": ("no", "no", "no"),
    "task": ("no", "no", "by files' checksums"),
    "gitlab-ci-local": ("yes", "yes, with `--shell-isolation`", "no"),
}


def seconds(runner, work):
    """The time of one run in a fresh folder, which does not count."""
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        command = runner.prepare(Path(folder), work)
        with open(Path(folder) / "said", "w+b") as said:
            start = time.perf_counter()
            ended = subprocess.run(command, cwd=folder, env=environment(), stdout=said, stderr=said, stdin=subprocess.DEVNULL)
            took = time.perf_counter() - start
            said.seek(0)
            if ended.returncode != 0 and runner.known_failure.encode() not in (text := said.read()):
                raise SystemExit(f"{runner.name} ended with {ended.returncode}:\n{text.decode()[-2000:]}")
        return took


def measure(runners, rounds):
    times = {(runner.name, what): [] for runner in runners for what in WORKS}
    for number in range(rounds):
        for what, work in WORKS.items():
            for runner in runners:
                if runner.is_slow and number > 0 and work.steps > 1:
                    continue
                times[runner.name, what].append(seconds(runner, work))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return {key: statistics.median(values) for key, values in times.items()}


def figure(value):
    milliseconds = value * 1000
    return f"{milliseconds:,.1f} ms" if milliseconds < 20 else f"{milliseconds:,.0f} ms"


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pipe")
    parser.add_argument("tools")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    pipe = Pipe("pipe", [arguments.pipe])
    runners = [pipe, *peers(arguments.tools)]
    times = measure(runners, arguments.rounds)
    print()
    row("runner", *WORKS, "keeps each step's output", "own folder for each step", "can go on where it stopped")
    row(*["---"] * (len(WORKS) + 4))
    for runner in runners:
        name = runner.name if runner is pipe else f"{runner.name} {runner.said_version()}"
        row(name, *(figure(times[runner.name, what]) for what in WORKS), *KEEPS[runner.name])
    print()
    stops.become_subreaper()
    folder = tempfile.mkdtemp(prefix="stops-")
    try:
        head, *rows = stops.table(runners, Path(folder))
        row(*head)
        row(*["---"] * len(head))
        for cells in rows:
            row(*cells)
    finally:
        stops.end_descendants()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
