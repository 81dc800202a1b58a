"""Exports everything that `exports.py` does to the other formats, with the built program, into one folder.

    formats.py PIPE FOLDER          prints a line for each failure; ends with `N passed, N failed`

A file may have errors, as many cases are meant to, or hold what a format cannot say; then the program has to say which of
the two, and that the pipeline in question is not written.
"""

import re
import subprocess
import sys
from pathlib import Path

from exports import sources

FORMATS = {
    "cloudformation": "template.yaml",
    "cloudformation-json": "template.json",
    "terraform": "tf.json",
    "iam-policy": "policy.json",
}
# What a format cannot say.
LIMITS = re.compile(r"error\[(deploy-time-value|not-in-cloudformation|not-in-terraform)\]")


def export(pipe, source, pipeline, to, out):
    command = [pipe, "export", source, "--pipeline", pipeline, "--to", to, "-o", out]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(pipe, folder):
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for name, source, must in sources(folder.with_name("blocks")):
        pipelines = re.findall(r"^pipeline ([A-Za-z_][\w-]*)", source.read_text(encoding="utf-8"), re.MULTILINE)
        for pipeline in pipelines:
            broken = None
            for to, ending in FORMATS.items():
                out = folder / f"{name}.{pipeline}.{ending}"
                done = export(pipe, source, pipeline, to, out)
                if done.returncode == 0:
                    continue
                limited = LIMITS.search(done.stderr)
                broken = broken or (not limited and to)
                if done.returncode != 1 or out.exists() or (must and not limited):
                    failures.append(f"{source} to {to}: ended with {done.returncode}:\n{done.stderr}")
            if broken and any((folder / f"{name}.{pipeline}.{ending}").exists() for ending in FORMATS.values()):
                failures.append(f"{source}: `{pipeline}` has errors for {broken}, and not for all formats")

    for failure in failures:
        print("FAIL", failure)
    print(f"formats: {len(list(folder.iterdir()))} passed, {len(failures)} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
