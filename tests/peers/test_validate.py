"""The validator itself: a good document passes, and each kind of constraint is enforced."""

import copy
import unittest

from validate import Model, no_duplicates

MODEL = Model()


def action(name, category, provider, **more):
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, **more}


GOOD = {
    "pipeline": {
        "name": "demo",
        "roleArn": "arn:aws:iam::111122223333:role/demo",
        "artifactStore": {"type": "S3", "location": "demo-artifacts"},
        "stages": [
            {
                "name": "Source",
                "actions": [
                    action(
                        "app",
                        "Source",
                        "S3",
                        runOrder=1,
                        configuration={"S3Bucket": "demo-source", "S3ObjectKey": "app.zip"},
                        outputArtifacts=[{"name": "app"}],
                    )
                ],
            },
            {
                "name": "Build",
                "actions": [
                    action(
                        "compile",
                        "Compute",
                        "Commands",
                        runOrder=1,
                        commands=["true"],
                        inputArtifacts=[{"name": "app"}],
                        environmentVariables=[{"name": "A", "value": "b", "type": "PLAINTEXT"}],
                    )
                ],
            },
        ],
        "pipelineType": "V2",
        "triggers": [
            {
                "providerType": "CodeStarSourceConnection",
                "gitConfiguration": {"sourceActionName": "app", "push": [{"tags": {"includes": ["v*"]}}]},
            }
        ],
    },
    "tags": [{"key": "team", "value": "demo"}],
}


def at(document, path, value):
    """`document` with what stands at `path` replaced, or removed if `value` is `REMOVED`."""
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if value is REMOVED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


REMOVED = object()
SOURCE = ("pipeline", "stages", 0, "actions", 0)
BUILD = ("pipeline", "stages", 1, "actions", 0)

# What is done to the good document, and what must be said about it.
BAD = [
    ("a required member is missing", ("pipeline", "roleArn"), REMOVED, "lacks `roleArn`"),
    ("a nested required member is missing", (*SOURCE, "actionTypeId", "owner"), REMOVED, "lacks `owner`"),
    ("an unknown member", ("pipeline", "roleARN"), "x", "unknown member `roleARN`"),
    ("an unknown member deep inside", (*SOURCE, "outputArtifacts", 0, "path"), "x", "unknown member `path`"),
    ("a string too long", (*SOURCE, "name"), "x" * 101, "more than 100"),
    ("a string too short", ("pipeline", "artifactStore", "location"), "ab", "fewer than 3"),
    ("an empty configuration value", (*SOURCE, "configuration", "S3Bucket"), "", "fewer than 1"),
    ("a configuration value too long", (*SOURCE, "configuration", "S3Bucket"), "x" * 1001, "more than 1000"),
    ("a configuration key too long", (*SOURCE, "configuration", "K" * 51), "x", "more than 50"),
    ("a pattern that does not match", ("pipeline", "name"), "my pipeline", "does not match"),
    ("a pattern that matches only the start", ("pipeline", "name"), "demo!", "does not match"),
    ("a pattern that matches only the end", ("pipeline", "name"), "!demo", "does not match"),
    ("a pattern with a newline after it", ("pipeline", "name"), "demo\n", "does not match"),
    ("a value outside an enumeration", (*SOURCE, "actionTypeId", "category"), "Sauce", "none of"),
    ("a number too large", (*SOURCE, "runOrder"), 1000, "more than 999"),
    ("a number too small", (*SOURCE, "runOrder"), 0, "fewer than 1"),
    ("a number as a string", (*SOURCE, "runOrder"), "1", "not an integer"),
    ("a boolean as a number", (*SOURCE, "runOrder"), True, "not an integer"),
    ("a string as a boolean", (*SOURCE, "configuration", "Poll"), True, "not a string"),
    ("null for a string", ("pipeline", "name"), None, "not a string"),
    ("a list that is empty", (*BUILD, "commands"), [], "fewer than 1"),
    ("a list too long", (*BUILD, "commands"), ["true"] * 51, "more than 50"),
    ("an object for a list", ("pipeline", "stages"), {}, "not a list"),
    ("a list for an object", ("pipeline", "artifactStore"), [], "not an object"),
    ("a list for a map", (*SOURCE, "configuration"), [], "not a map"),
    ("a map key of the wrong length", ("pipeline", "artifactStores"), {"eu": {"type": "S3", "location": "abc"}}, "fewer than 4"),
    ("a store that is no S3", ("pipeline", "artifactStore", "type"), "GCS", "none of"),
    ("an environment variable's name", (*BUILD, "environmentVariables", 0, "name"), "A-B", "does not match"),
    ("too many patterns", ("pipeline", "triggers", 0, "gitConfiguration", "push", 0, "tags", "includes"), ["x"] * 9, "more than 8"),
    ("a role that is none", ("pipeline", "roleArn"), "arn:aws:iam::1111:role/demo", "does not match"),
    ("a tag value too long", ("tags", 0, "value"), "x" * 257, "more than 256"),
]  # fmt: skip


class Validator(unittest.TestCase):
    def test_a_good_document_passes(self):
        self.assertEqual(MODEL.violations("CreatePipeline", GOOD), [])

    def test_each_kind_of_constraint_is_enforced(self):
        for what, path, value, expected in BAD:
            with self.subTest(what):
                violations = MODEL.violations("CreatePipeline", at(GOOD, path, value))
                self.assertEqual(len(violations), 1, violations)
                self.assertIn(expected, violations[0][1])

    def test_a_violation_says_where_it_is(self):
        document = at(GOOD, (*SOURCE, "runOrder"), 1000)
        self.assertEqual(MODEL.violations("CreatePipeline", document)[0][0], "$.pipeline.stages[0].actions[0].runOrder")

    def test_all_violations_are_reported(self):
        document = at(at(GOOD, ("pipeline", "name"), "a b"), ("pipeline", "roleArn"), REMOVED)
        self.assertEqual(len(MODEL.violations("CreatePipeline", document)), 2)

    def test_a_key_said_twice_is_refused(self):
        with self.assertRaises(ValueError):
            no_duplicates([("a", 1), ("a", 2)])

    def test_every_shape_of_the_input_can_be_checked(self):
        """No part of the model is passed over because the documents at hand do not use it."""
        seen, waiting = set(), [MODEL.operations["CreatePipeline"]["input"]["shape"]]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            shape = MODEL.shapes[name]
            sample = {"structure": {}, "list": [], "map": {}, "string": "", "integer": 0, "boolean": True}[shape["type"]]
            list(MODEL._check(name, sample, "$"))
            inner = [*shape.get("members", {}).values(), *(shape[key] for key in ("member", "key", "value") if key in shape)]
            waiting.extend(member["shape"] for member in inner)
        self.assertGreater(len(seen), 60)


if __name__ == "__main__":
    unittest.main()
