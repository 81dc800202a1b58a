"""Holds CloudFormation templates against cfn-lint, and against what the same pipeline is for CodePipeline.

    templates.py FORMATS EXPORTS    ends with `N passed, N failed`

A template passes if cfn-lint has no error and only warnings that are explained here, if its YAML and its JSON are the same
document, and if its properties, read back into CodePipeline's names, are the exported CodePipeline JSON.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from moto_roundtrip import difference

# Rules whose warnings are not the exporter's, and why: there is none so far.
EXPLAINED = {}


class Short(yaml.SafeLoader):
    """YAML with the short forms of intrinsic functions."""


def short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


Short.add_multi_constructor("!", short_form)


def with_surroundings(text):
    """The template with what its pipeline refers to in a template around it: stand-ins."""
    template = json.loads(text)
    names = {"Fn::GetAtt": set(), "Fn::If": set(), "Fn::FindInMap": set()}
    collect(template, names)
    for name in sorted(names["Fn::GetAtt"]):
        token = "arn:aws:lambda:eu-west-1:111122223333:function:stand-in"
        stand_in = {"Type": "Custom::StandIn", "Properties": {"ServiceToken": token}}
        template["Resources"].setdefault(name, stand_in)
    for name in sorted(names["Fn::If"]):
        condition = {"Fn::Equals": [{"Ref": "AWS::Region"}, f"for-{name}"]}
        template.setdefault("Conditions", {})[name] = condition
    for name in sorted(names["Fn::FindInMap"]):
        areas = {"us-east-1": {"Name": "us"}, "eu-west-1": {"Name": "eu"}}
        template.setdefault("Mappings", {})[name] = areas
    return template


def collect(value, names):
    if isinstance(value, list):
        for entry in value:
            collect(entry, names)
    elif isinstance(value, dict):
        for key, argument in value.items():
            if key in names and isinstance(argument, list) and isinstance(argument[0], str):
                names[key].add(argument[0])
            if key == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                for name in text.split("${")[1:]:
                    name = name.split("}")[0]
                    if "." in name and not name.startswith(("!", "AWS::")):
                        names["Fn::GetAtt"].add(name.split(".")[0])
            collect(argument, names)


def linted(templates):
    """What cfn-lint says of each template that it says anything about; in one go, since it takes long to start."""
    said = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in templates.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        program = Path(sys.executable).with_name("cfn-lint")
        command = [program, "--regions", "us-east-1", "--format", "json", "--", *sorted(templates)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        for match in json.loads(done.stdout or "[]"):
            name, rule = match["Filename"], match["Rule"]["Id"]
            if rule not in EXPLAINED:
                line = match["Location"]["Start"]["LineNumber"]
                said.setdefault(name, []).append(f"cfn-lint: {rule} {match['Message']} (line {line})")
    if done.returncode >= 32:
        raise RuntimeError(done.stderr)
    return said


def as_codepipeline(template):
    """The one resource as CreatePipeline takes it, by the rules of reference pages alone."""
    (resource,) = template["Resources"].values()
    properties = dict(resource["Properties"])
    tags = properties.pop("Tags", [])
    if "ArtifactStores" in properties:
        stores = properties["ArtifactStores"]
        properties["ArtifactStores"] = {store["Region"]: store["ArtifactStore"] for store in stores}
    pipeline = camel(properties, keep=("Configuration", "ArtifactStores"))
    if "artifactStores" in pipeline:
        pipeline["artifactStores"] = {key: camel(value) for key, value in pipeline["artifactStores"].items()}
    return {"pipeline": pipeline, **({"tags": camel(tags)} if tags else {})}


def camel(value, keep=("Configuration",)):
    if isinstance(value, list):
        return [camel(entry, keep) for entry in value]
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: inner if key in keep else camel(inner, keep) for key, inner in value.items()}
    return value


def problems(path, exports):
    """What is wrong with the template at `path`, which is the one in JSON, apart from what cfn-lint says."""
    name = path.name.removesuffix(".template.json")
    template = json.loads(path.read_text(encoding="utf-8"))
    in_yaml = path.with_name(f"{name}.template.yaml").read_text(encoding="utf-8")
    if found := difference(template, yaml.load(in_yaml, Short), "template"):
        yield f"YAML and JSON differ: {found}"
    export = exports / f"{name}.json"
    if export.exists():
        if found := difference(as_codepipeline(template), json.loads(export.read_text(encoding="utf-8"))):
            yield f"it is another pipeline: {found}"


def to_lint(path):
    """The template as it is, in YAML; or with stand-ins for what it names of a template around it."""
    text = path.read_text(encoding="utf-8")
    whole = with_surroundings(text)
    if whole == json.loads(text):
        in_yaml = path.with_name(path.name.replace(".template.json", ".template.yaml"))
        return in_yaml.name, in_yaml.read_text(encoding="utf-8")
    return path.name, json.dumps(whole, indent=2)


def main(formats, exports):
    passed = failed = compared = 0
    paths = sorted(Path(formats).glob("*.template.json"))
    lint_as = {path: to_lint(path) for path in paths}
    broken = '{"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": []}}}}'
    said = linted({**dict(lint_as.values()), "broken.json": broken})
    for path in paths:
        found = list(problems(path, Path(exports))) + said.get(lint_as[path][0], [])
        for problem in found:
            print(f"FAIL {path.name}: {problem}")
        failed, passed = failed + bool(found), passed + (not found)
        compared += (Path(exports) / f"{path.name.removesuffix('.template.json')}.json").exists()
    # The check can fail.
    failed += "broken.json" not in said
    print(f"templates: {compared} of them compared with their CodePipeline JSON")
    print(f"cfn-lint: {passed} passed, {failed} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
