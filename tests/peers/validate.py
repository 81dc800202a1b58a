"""Validates CreatePipeline documents against botocore's service model, all of it.

botocore's own validator checks member names, types, required members and minima. AWS also holds a request to the maxima,
patterns and enumerations that the same model declares; this module checks those as well, and refuses members that the
model does not know.

    validate.py FILE_OR_FOLDER…     prints a line for each violation; ends with `N passed, N failed`
"""

import json
import re
import sys
from pathlib import Path

from botocore.loaders import Loader


class Model:
    """One service's shapes, as botocore ships them."""

    def __init__(self, service="codepipeline"):
        model = Loader().load_service_model(service, "service-2")
        self.shapes = model["shapes"]
        self.operations = model["operations"]

    def violations(self, operation, document):
        """What AWS would refuse in `document` as the input of `operation`: pairs of a path and a reason."""
        return list(self._check(self.operations[operation]["input"]["shape"], document, "$"))

    def _check(self, name, value, path):
        shape = self.shapes[name]
        kind = shape["type"]
        check = getattr(self, f"_check_{kind}", None)
        if check is None:
            raise NotImplementedError(f"the model has a {kind} at {path}, which nothing checks")
        unknown = set(shape) - KNOWN_TRAITS
        if unknown:
            raise NotImplementedError(f"{name} has traits that nothing checks: {sorted(unknown)}")
        yield from check(shape, value, path)

    def _check_structure(self, shape, value, path):
        if not isinstance(value, dict):
            yield path, f"is {type_name(value)}, not an object"
            return
        members = shape["members"]
        for required in shape.get("required", []):
            if required not in value:
                yield path, f"lacks `{required}`"
        for key, inner in value.items():
            if key not in members:
                yield path, f"has the unknown member `{key}`"
            else:
                yield from self._check(members[key]["shape"], inner, f"{path}.{key}")

    def _check_list(self, shape, value, path):
        if not isinstance(value, list):
            yield path, f"is {type_name(value)}, not a list"
            return
        yield from bounds(shape, len(value), path, "entries")
        for index, inner in enumerate(value):
            yield from self._check(shape["member"]["shape"], inner, f"{path}[{index}]")

    def _check_map(self, shape, value, path):
        if not isinstance(value, dict):
            yield path, f"is {type_name(value)}, not a map"
            return
        yield from bounds(shape, len(value), path, "entries")
        for key, inner in value.items():
            yield from self._check(shape["key"]["shape"], key, f"{path}.{key}~key")
            yield from self._check(shape["value"]["shape"], inner, f"{path}.{key}")

    def _check_string(self, shape, value, path):
        if not isinstance(value, str):
            yield path, f"is {type_name(value)}, not a string"
            return
        yield from bounds(shape, len(value), path, "characters")
        # A pattern has to match the whole value, as in the service (Java's `matches`).
        if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
            yield path, f"{value!r} does not match {shape['pattern']}"
        if "enum" in shape and value not in shape["enum"]:
            yield path, f"{value!r} is none of {', '.join(shape['enum'])}"

    def _check_integer(self, shape, value, path):
        if not isinstance(value, int) or isinstance(value, bool):
            yield path, f"is {type_name(value)}, not an integer"
            return
        yield from bounds(shape, value, path, "as its value")

    def _check_boolean(self, shape, value, path):
        if not isinstance(value, bool):
            yield path, f"is {type_name(value)}, not a boolean"


# A shape that has another trait would be checked in part only, without anybody noticing.
KNOWN_TRAITS = {
    "type", "documentation", "box", "sensitive",
    "required", "members", "member", "key", "value",
    "min", "max", "pattern", "enum",
}  # fmt: skip


def bounds(shape, size, path, of_what):
    if "min" in shape and size < shape["min"]:
        yield path, f"has {size} {of_what}, fewer than {shape['min']}"
    if "max" in shape and size > shape["max"]:
        yield path, f"has {size} {of_what}, more than {shape['max']}"


def type_name(value):
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}.get(
        type(value), "null"
    )


def documents(paths):
    """All JSON files among `paths` and in the folders among them, in a fixed order."""
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def read(path):
    """A document as `create-pipeline --cli-input-json` takes it."""
    return json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=no_duplicates)


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"keys that stand twice in one object: {', '.join(sorted(twice))}")
    return dict(pairs)


def main(paths):
    model = Model()
    passed = failed = 0
    for path in documents(paths):
        try:
            violations = model.violations("CreatePipeline", read(path))
        except ValueError as error:
            violations = [("$", str(error))]
        for where, reason in violations:
            print(f"FAIL {path}: {where}: {reason}")
        if violations:
            failed += 1
        else:
            passed += 1
    print(f"validate: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
