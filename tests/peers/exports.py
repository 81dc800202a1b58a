"""Collects all that the tests export, with the built program, into one folder.

    exports.py PIPE FOLDER          prints a line for each failure; ends with `N passed, N failed`

| from | what |
| --- | --- |
| `examples/*/main.pipe` | every pipeline: it has to export |
| `tests/snapshots/*.snap` | every recorded CreatePipeline document |
| `tests/cases/**/*.pipe`, and `pipe` blocks of README.md, docs/ and stdlib/ | every pipeline of those that the program finds no errors in |
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def export(pipe, source, folder, name):
    """Exports each pipeline of a file; the exit status and what was said when one could not be."""
    text = source.read_text(encoding="utf-8")
    pipelines = re.findall(r"^pipeline ([A-Za-z_][\w-]*)", text, re.MULTILINE)
    for pipeline in pipelines:
        out = folder / f"{name}.{pipeline}.json"
        command = [pipe, "export", source, "--pipeline", pipeline, "-o", out]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.returncode, done.stderr + done.stdout
    return 0, ""


def slug(path):
    return "__".join(path.relative_to(ROOT).with_suffix("").parts)


def blocks(document):
    """The code blocks of a document that are whole files."""
    found = re.findall(r"^```pipe([^\n]*)\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for about, text in found if "fails" not in about and re.search(r"^pipeline ", text, re.MULTILINE)]


def sources(scratch):
    """Every file with pipelines in it: the name of its exports, its path, and whether it has to export."""
    for source in sorted(ROOT.glob("examples/*/main.pipe")):
        yield slug(source), source, True
    for source in sorted(ROOT.glob("tests/cases/**/*.pipe")):
        yield slug(source), source, False
    scratch.mkdir(parents=True, exist_ok=True)
    for document in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("stdlib/**/*.md"))]:
        for number, text in enumerate(blocks(document) if document.exists() else []):
            source = scratch / f"{slug(document)}-{number}.pipe"
            source.write_text(text, encoding="utf-8")
            yield source.stem, source, False


def main(pipe, folder):
    folder = Path(folder).resolve()
    failures = []
    for snapshot in sorted(ROOT.glob("tests/snapshots/*.snap")):
        _, _, content = snapshot.read_text(encoding="utf-8").split("---\n", 2)
        if content.startswith("{") and '"roleArn"' in content and '"stages"' in content:
            document = json.loads(content)
            if "pipeline" in document:
                (folder / f"{slug(snapshot)}.json").write_text(content, encoding="utf-8")

    for name, source, must in sources(folder.with_name("blocks")):
        status, said = export(pipe, source, folder, name)
        # 1: it has errors, as many cases are meant to. Anything else but success is a failure of the program.
        if status not in (0, 1) or (must and status):
            failures.append(f"{source}: export ended with {status}:\n{said}")

    for failure in failures:
        print("FAIL", failure)
    count = len(list(folder.glob("*.json")))
    print(f"exports: {count} passed, {len(failures)} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
