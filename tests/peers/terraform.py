"""Holds the Terraform form against the real terraform, as far as it goes without the provider.

    terraform.py FORMATS EXPORTS    ends with `N passed, N failed`

The provider cannot be had offline, so terraform stops where it would load it; until then it has parsed the file, and that is
the first check. For the second, the resource is given to it as a local value, so that it evaluates every string as the
template that it is; what comes out is read as the provider's own code reads it (hashicorp/aws 6.62), and has to be the
exported CodePipeline JSON. Arguments and blocks that the provider does not know are refused here.

Without a `terraform` on the path nothing is checked, and the line says so.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from moto_roundtrip import difference

TEXT, NUMBER, TEXTS, MAP = str, int, "texts", "map"
PATTERNS = {"includes": TEXTS, "excludes": TEXTS}
RULE = {
    "name": TEXT,
    "rule_type_id": [{"category": TEXT, "owner": TEXT, "provider": TEXT, "version": TEXT}],
    "commands": TEXTS,
    "configuration": MAP,
    "input_artifacts": TEXTS,
    "region": TEXT,
    "role_arn": TEXT,
    "timeout_in_minutes": NUMBER,
}
CONDITION = {"result": TEXT, "rule": [RULE]}
ACTION = {
    "category": TEXT,
    "commands": TEXTS,
    "configuration": MAP,
    "input_artifacts": TEXTS,
    "name": TEXT,
    "namespace": TEXT,
    "output_artifacts": TEXTS,
    "output_artifacts_for_compute_action": [{"name": TEXT, "files": TEXTS}],
    "output_variables": TEXTS,
    "owner": TEXT,
    "provider": TEXT,
    "region": TEXT,
    "role_arn": TEXT,
    "run_order": NUMBER,
    "timeout_in_minutes": NUMBER,
    "version": TEXT,
}
PUSH = {"branches": [PATTERNS], "file_paths": [PATTERNS], "tags": [PATTERNS]}
PULL_REQUEST = {"events": TEXTS, "branches": [PATTERNS], "file_paths": [PATTERNS]}
# The arguments of aws_codepipeline; a block is a list.
RESOURCE = {
    "name": TEXT,
    "pipeline_type": TEXT,
    "role_arn": TEXT,
    "execution_mode": TEXT,
    "artifact_store": [
        {"location": TEXT, "type": TEXT, "region": TEXT, "encryption_key": [{"id": TEXT, "type": TEXT}]}
    ],
    "stage": [
        {
            "name": TEXT,
            "action": [ACTION],
            "before_entry": [{"condition": [CONDITION]}],
            "on_success": [{"condition": [CONDITION]}],
            "on_failure": [
                {"condition": [CONDITION], "result": TEXT, "retry_configuration": [{"retry_mode": TEXT}]}
            ],
        }
    ],
    "tags": MAP,
    "trigger": [
        {
            "provider_type": TEXT,
            "git_configuration": [{"source_action_name": TEXT, "push": [PUSH], "pull_request": [PULL_REQUEST]}],
        }
    ],
    "variable": [{"name": TEXT, "default_value": TEXT, "description": TEXT}],
}


def unknown(schema, value, path):
    """What the provider has no argument for, or another type."""
    for key, inner in value.items():
        kind = schema.get(key)
        here = f"{path}.{key}"
        if isinstance(kind, list):
            if not isinstance(inner, list) or not inner:
                yield f"{here} is no list of blocks"
            else:
                for at, block in enumerate(inner):
                    yield from unknown(kind[0], block, f"{here}[{at}]")
        elif kind == TEXTS:
            if not isinstance(inner, list) or not all(isinstance(text, str) for text in inner):
                yield f"{here} is no list of strings"
        elif kind == MAP:
            if not all(isinstance(text, str) for text in inner.values()):
                yield f"{here} is no map of strings"
        elif kind is None or not isinstance(inner, kind):
            yield f"{here} is not what the provider takes"


def as_codepipeline(resource):
    """The resource as the provider sends it."""
    one = lambda blocks: blocks[0]
    stores = resource["artifact_store"]
    if len(stores) > 1:
        stores = {"artifactStores": {store.pop("region"): as_store(store) for store in stores}}
    else:
        assert "region" not in stores[0], "region cannot be set for a single-region CodePipeline"
        stores = {"artifactStore": as_store(one(stores))}
    pipeline = {
        "name": resource["name"],
        "roleArn": resource["role_arn"],
        **stores,
        "stages": [as_stage(stage) for stage in resource["stage"]],
        **renamed(resource, {"execution_mode": "executionMode", "pipeline_type": "pipelineType"}),
    }
    if "variable" in resource:
        names = {"name": "name", "default_value": "defaultValue", "description": "description"}
        pipeline["variables"] = [renamed(variable, names) for variable in resource["variable"]]
    if "trigger" in resource:
        pipeline["triggers"] = [as_trigger(trigger) for trigger in resource["trigger"]]
    tags = [{"key": key, "value": value} for key, value in resource.get("tags", {}).items()]
    return {"pipeline": pipeline, **({"tags": tags} if tags else {})}


def renamed(value, names):
    return {new: value[old] for old, new in names.items() if old in value}


def as_store(store):
    key = {"encryptionKey": store["encryption_key"][0]} if "encryption_key" in store else {}
    return {"type": store["type"], "location": store["location"], **key}


PLAIN = {
    "name": "name",
    "run_order": "runOrder",
    "configuration": "configuration",
    "commands": "commands",
    "output_variables": "outputVariables",
    "role_arn": "roleArn",
    "region": "region",
    "namespace": "namespace",
    "timeout_in_minutes": "timeoutInMinutes",
}


def as_action(action):
    out = renamed(action, PLAIN)
    out["actionTypeId"] = {key: action[key] for key in ("category", "owner", "provider", "version")}
    if "input_artifacts" in action:
        out["inputArtifacts"] = [{"name": name} for name in action["input_artifacts"]]
    # The provider takes the one for this category, and the other for all others.
    if action["category"] == "Compute":
        outputs = action.get("output_artifacts_for_compute_action", [])
    else:
        outputs = [{"name": name} for name in action.get("output_artifacts", [])]
    return {**out, **({"outputArtifacts": outputs} if outputs else {})}


def as_stage(stage):
    out = {"name": stage["name"], "actions": [as_action(action) for action in stage["action"]]}
    for old, new in {"before_entry": "beforeEntry", "on_success": "onSuccess"}.items():
        if old in stage:
            out[new] = {"conditions": [as_condition(it) for it in stage[old][0]["condition"]]}
    if "on_failure" in stage:
        failure = stage["on_failure"][0]
        out["onFailure"] = renamed(failure, {"result": "result"})
        if "retry_configuration" in failure:
            out["onFailure"]["retryConfiguration"] = {"retryMode": failure["retry_configuration"][0]["retry_mode"]}
        if "condition" in failure:
            out["onFailure"]["conditions"] = [as_condition(it) for it in failure["condition"]]
    return out


def as_condition(condition):
    rules = [as_rule(rule) for rule in condition.get("rule", [])]
    return {**renamed(condition, {"result": "result"}), **({"rules": rules} if rules else {})}


def as_rule(rule):
    out = {**renamed(rule, PLAIN), "ruleTypeId": rule["rule_type_id"][0]}
    if "input_artifacts" in rule:
        out["inputArtifacts"] = [{"name": name} for name in rule["input_artifacts"]]
    return out


def as_trigger(trigger):
    git = trigger["git_configuration"][0]
    names = {"file_paths": "filePaths", "branches": "branches", "tags": "tags"}

    def as_filter(one):
        patterns = {new: one[old][0] for old, new in names.items() if old in one}
        return {**renamed(one, {"events": "events"}), **patterns}

    out = {"sourceActionName": git["source_action_name"]}
    for old, new in {"push": "push", "pull_request": "pullRequest"}.items():
        if old in git:
            out[new] = [as_filter(one) for one in git[old]]
    return {"providerType": trigger["provider_type"], "gitConfiguration": out}


class Terraform:
    def __init__(self, program):
        self.program = program
        self.environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}

    def run(self, folder, *arguments, said=None):
        command = [self.program, *arguments]
        return subprocess.run(
            command, cwd=folder, env=self.environment, input=said, capture_output=True, text=True, check=False
        )

    def refuses(self, text):
        """What is wrong with the file, if it is not the provider's absence alone."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "main.tf.json").write_text(text, encoding="utf-8")
            done = self.run(folder, "validate", "-json")
        # Warnings about the command line's own configuration may stand before the answer.
        answer = json.loads(done.stdout[done.stdout.index("{") :])
        errors = [it for it in answer["diagnostics"] if it["severity"] == "error"]
        wrong = [it for it in errors if it["summary"] != "Missing required provider"]
        return "; ".join(f"{it['summary']}: {it.get('detail')}" for it in wrong)

    def evaluated(self, values):
        """The values with all strings evaluated."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "main.tf.json").write_text(json.dumps({"locals": {"all": values}}), encoding="utf-8")
            done = self.run(folder, "console", said="base64encode(jsonencode(local.all))\n")
        try:
            return json.loads(base64.b64decode(json.loads(done.stdout.strip().splitlines()[-1])))
        except (IndexError, ValueError) as error:
            raise RuntimeError(f"terraform console: {done.stdout}{done.stderr}") from error


def main(formats, exports):
    program = shutil.which("terraform")
    if not program:
        print("terraform: there is none on the path, so nothing is checked: 0 passed, 0 failed")
        return
    terraform = Terraform(program)
    passed = failed = 0
    resources = {}
    for path in sorted(Path(formats).glob("*.tf.json")):
        text = path.read_text(encoding="utf-8")
        ((_, resource),) = json.loads(text)["resource"]["aws_codepipeline"].items()
        resources[path.name.removesuffix(".tf.json")] = resource
        found = [it for it in [terraform.refuses(text)] if it] + list(unknown(RESOURCE, resource, "resource"))
        for problem in found:
            print(f"FAIL {path.name}: {problem}")
        failed, passed = failed + bool(found), passed + (not found)
    # Names may hold points, and Terraform would read `${` in them: numbers do not.
    values = terraform.evaluated(list(resources.values()))
    for name, resource in zip(resources, values):
        document = json.loads((Path(exports) / f"{name}.json").read_text(encoding="utf-8"))
        made = as_codepipeline(resource)
        for one in (made, document):
            one.get("tags", []).sort(key=lambda tag: tag["key"])
        found = difference(made, document)
        if found:
            print(f"FAIL {name}.tf.json is another pipeline: {found}")
        failed, passed = failed + bool(found), passed + (not found)
    # The checks can fail.
    failed += not terraform.refuses('{"resource": {"aws_codepipeline": {"a b": {"name": "${"}}}}')
    failed += not list(unknown(RESOURCE, {"colour": "red"}, "resource"))
    print(f"terraform: {passed} passed, {failed} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
