"""What is left running when a runner is interrupted, ended, killed, or its terminal closed.

    stops.py PIPE    asserts that `pipe` leaves nothing and says what happened; ends with `N passed, N failed`

`compare.py` tells the same of other runners, as a table. A case is a way to start a process in a step, and a way to end the runner. Nobody waits longer than it takes.
"""

import argparse
import contextlib
import ctypes
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from runners import Pipe, Work, environment

# What a step does, as a script that is told a folder: its process writes its id to `id` there and does not end by itself.
WAYS = {
    "a child": "sh -c 'echo $$ >$0/id; exec sleep 600' \"$1\"; true",
    "a child that ignores all signals": (
        "sh -c 'trap \"\" INT TERM HUP; echo $$ >$0/id; while :; do sleep 1; done' \"$1\"; true"
    ),
    "a child in a session of its own": "setsid sh -c 'echo $$ >$0/id; exec sleep 600' \"$1\" & wait",
    "a daemon, forked twice": (
        "setsid sh -c '(sh -c \"echo \\$\\$ >$0/id; exec sleep 600\" >/dev/null 2>&1 &)' \"$1\"; sleep 600"
    ),
}

# A process that is still there so long after the runner's end stays.
STAYS = 3
# A runner that goes on so long after it was asked to end will not end. `pipe` gives what ignores it 5 s, and once more.
GOES_ON = 20
# Long enough on the busiest machine.
LONG = 60


@dataclass
class End:
    """A way to end a runner."""

    name: str
    # The exit status of `pipe`, and what `pipe runs` then says of the run.
    status: int
    state: str


ENDS = [
    End("Ctrl-C", 130, "stopped"),
    End("SIGTERM", 143, "stopped"),
    End("SIGHUP", 129, "stopped"),
    End("terminal closed", 129, "stopped"),
    End("SIGKILL", 137, "cut off in work0/step0"),
]


def poll(done, seconds):
    """Whether it is done before so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while not (answer := done()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def is_running(process):
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Case:
    """One runner with one step in progress."""

    def __init__(self, runner, way, folder):
        self.folder = folder
        (folder / "step.sh").write_text(WAYS[way] + "\n")
        (folder / "out").mkdir()
        work = Work(f"sh {folder}/step.sh {folder}/out")
        command = runner.prepare(folder, work)
        # With a terminal of its own, in a session of its own. `setsid` becomes the runner, with the same id.
        self.terminal, end = pty.openpty()
        self.log = open(folder / "said", "wb")
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            cwd=folder,
            env=environment(),
            stdin=end,
            stdout=self.log,
            stderr=self.log,
        )
        os.close(end)

    def child(self):
        """The id of the step's process, once it has one."""
        try:
            return int((self.folder / "out/id").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def has_ended(self):
        return self.process.poll() is not None

    def end(self, how):
        """Ends the runner; whether it has ended."""
        id = self.process.pid
        match how:
            case "Ctrl-C":
                # The terminal's signal to all in the foreground. Who sees that nothing ends presses again.
                for _ in range(3):
                    os.write(self.terminal, b"\x03")
                    if poll(self.has_ended, 1):
                        break
            case "terminal closed":
                os.close(self.terminal)
                self.terminal = None
            case name:
                os.kill(id, getattr(signal, name))
        return poll(self.has_ended, GOES_ON)

    def close(self):
        if self.terminal is not None:
            os.close(self.terminal)
        self.log.close()


def outcome(runner, way, how, folder):
    """What came of a case: words for the table, and the runner's status."""
    case = Case(runner, way, folder)
    try:
        child = poll(lambda: case.child() or case.has_ended() and "ended", LONG)
        if not isinstance(child, int):
            return f"did not start: {(folder / 'said').read_text()[-300:]}", None
        has_ended = case.end(how)
        is_left = not poll(lambda: not is_running(child), STAYS)
        words = ["left running" if is_left else "gone"] + ([] if has_ended else ["the runner goes on"])
        status = case.process.poll()
        # Of a signal that could not be handled, as a shell says it.
        return "; ".join(words), 128 - status if status and status < 0 else status
    finally:
        case.close()
        if not case.has_ended():
            case.process.kill()
        case.process.wait()


def descendants():
    """What was started here, by whomever, and still runs: it becomes ours when its parent ends."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found, new = set(), {os.getpid()}
    while new:
        new = {process for process, parent in parents.items() if parent in new}
        found |= new
    return found


def become_subreaper():
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def all_cases(runner, folder):
    """All outcomes of a runner, side by side: most of the time is spent waiting."""
    places = {}
    for number, (way, how) in enumerate((way, how) for way in WAYS for how in ENDS):
        place = folder / f"{runner.name}-{number}"
        place.mkdir()
        places[way, how.name] = place
    with ThreadPoolExecutor(len(places)) as pool:
        running = {key: pool.submit(outcome, runner, *key, place) for key, place in places.items()}
        return {key: (*future.result(), places[key]) for key, future in running.items()}


def said_of(pipe, folder, *arguments):
    said = subprocess.run([*pipe.program, *arguments], cwd=folder, capture_output=True, text=True, env=environment())
    return said.stdout + said.stderr


def wrong(pipe, end, words, status, folder):
    """What is not as it has to be after a case of `pipe`."""
    if words != "gone":
        yield words
    if status != end.status:
        yield f"its status is {status}, not {end.status}"
    for command in ("runs", "show"):
        said = said_of(pipe, folder, command)
        if end.state not in said:
            yield f"`pipe {command}` does not say {end.state!r}:\n{said}"


def assert_pipe(pipe, folder):
    passed, failed = 0, 0
    outcomes = all_cases(pipe, folder)
    ends = {end.name: end for end in ENDS}
    for (way, how), (words, status, place) in outcomes.items():
        if problems := list(wrong(pipe, ends[how], words, status, place)):
            failed += 1
            print(f"{way}, {how}: " + "\n  ".join(problems) + f"\n{(place / 'said').read_text()}")
        else:
            passed += 1
    if left := descendants():
        failed += 1
        print(f"processes are left: {sorted(left)}")
    else:
        passed += 1
    print(f"what is left when a run is ended: {passed} passed, {failed} failed")
    return failed == 0


def table(runners, folder):
    """A row for each case, a column for each runner."""
    by_runner = {}
    for runner in runners:
        by_runner[runner.name] = all_cases(runner, folder)
        print(f"{runner.name}: {tally(by_runner[runner.name])}", file=sys.stderr)
    yield ["the step starts", "the runner gets", *by_runner]
    for way in WAYS:
        for end in ENDS:
            yield [way, end.name, *(outcomes[way, end.name][0] for outcomes in by_runner.values())]
    yield ["nothing is left in", "", *(tally(outcomes) for outcomes in by_runner.values())]


def tally(outcomes):
    gone = sum(words == "gone" for words, _, _ in outcomes.values())
    return f"{gone} of {len(outcomes)}"


def end_descendants():
    for process in descendants():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pipe")
    arguments = parser.parse_args()
    become_subreaper()
    with tempfile.TemporaryDirectory(prefix="stops-") as folder:
        try:
            return 0 if assert_pipe(Pipe("pipe", [arguments.pipe]), Path(folder)) else 1
        finally:
            end_descendants()


if __name__ == "__main__":
    sys.exit(main())
