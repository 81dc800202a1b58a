"""Creates each document with the AWS command line against a moto server on this machine, and reads it back.

    moto_roundtrip.py FILE_OR_FOLDER…     ends with `N passed, N failed`

A document passes if `aws codepipeline create-pipeline --cli-input-json` takes it as it is, and `get-pipeline` then gives
the same, apart from the version, the metadata and the empty members that moto fills in.
"""

import contextlib
import copy
import io
import json
import logging
import os
import re
import sys
import tempfile
from pathlib import Path

import boto3
from awscli.clidriver import create_clidriver
from moto.server import ThreadedMotoServer

from validate import documents, read

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
# A region of each partition.
REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class Cloud:
    """A moto server, and the accounts and roles that the documents name."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.url = "http://{}:{}".format(*self.server.get_host_and_port())
        self.accounts = {}
        self.roles = set()

    def account(self, partition, account):
        """The environment in which clients act in this account: moto tells accounts apart by assumed roles."""
        if (partition, account) not in self.accounts:
            region = REGIONS[partition]
            sts = boto3.client("sts", endpoint_url=self.url, region_name=region, **FIRST_KEYS)
            role = f"arn:{partition}:iam::{account}:role/peers"
            keys = sts.assume_role(RoleArn=role, RoleSessionName="peers")["Credentials"]
            self.accounts[partition, account] = {
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys["SessionToken"],
                "AWS_DEFAULT_REGION": region,
            }
        return self.accounts[partition, account]

    def prepare(self, role_arn):
        """Makes the role that the pipeline names; the environment to create the pipeline in."""
        partition, account, path, name = re.fullmatch(
            r"arn:([^:]+):iam::(\d{12}):role(/|/.*/)([^/]+)", role_arn
        ).groups()
        env = self.account(partition, account)
        if role_arn not in self.roles:
            iam = boto3.client(
                "iam",
                endpoint_url=self.url,
                region_name=env["AWS_DEFAULT_REGION"],
                aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=env["AWS_SESSION_TOKEN"],
            )
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(TRUST))
            self.roles.add(role_arn)
        return env

    def aws(self, env, *arguments):
        """Runs the AWS command line (in this process: starting one takes longer than all it does); its answer as JSON.

        Raises `Refused`.
        """
        os.environ.update(CLEAN_ENVIRONMENT, **env, AWS_ENDPOINT_URL=self.url)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = create_clidriver().main(["--output", "json", "codepipeline", *arguments])
        if status:
            raise Refused(err.getvalue().strip() or f"exit status {status}")
        return json.loads(out.getvalue() or "{}")


class Refused(Exception):
    pass


FIRST_KEYS = {"aws_access_key_id": "peers", "aws_secret_access_key": "peers"}
CLEAN_ENVIRONMENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
}


def round_trip(cloud, path):
    """What went wrong with the document at `path`, or nothing."""
    document = read(path)
    pipeline = document["pipeline"]
    name = pipeline["name"]
    env = cloud.prepare(pipeline["roleArn"])
    try:
        created = cloud.aws(env, "create-pipeline", "--cli-input-json", f"file://{Path(path).resolve()}")
    except Refused as refused:
        return f"create-pipeline: {refused}"
    # Deleted even if it cannot be read: another document may use the name.
    try:
        back = cloud.aws(env, "get-pipeline", "--name", name)["pipeline"]
    finally:
        cloud.aws(env, "delete-pipeline", "--name", name)
    if by_key(created.get("tags", [])) != by_key(document.get("tags", [])):
        return f"create-pipeline gave other tags back: {created.get('tags')}"
    return difference(as_moto_keeps_it(pipeline), back)


def by_key(tags):
    return sorted(tags, key=lambda tag: tag["key"])


def as_moto_keeps_it(pipeline):
    """The document with what moto adds: the first version, and empties in actions."""
    pipeline = copy.deepcopy(pipeline)
    pipeline["version"] = 1
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            for key, empty in [("runOrder", 1), ("configuration", {}), ("inputArtifacts", []), ("outputArtifacts", [])]:
                action.setdefault(key, empty)
    return pipeline


def difference(sent, back, path="pipeline"):
    """The first place at which two JSON values differ."""
    if type(sent) is not type(back):
        return f"{path}: sent {json.dumps(sent)}, got {json.dumps(back)}"
    if isinstance(sent, dict):
        for key in [*sent, *(key for key in back if key not in sent)]:
            if key not in back or key not in sent:
                return f"{path}.{key}: {'not given back' if key in sent else 'was never sent'}"
            if found := difference(sent[key], back[key], f"{path}.{key}"):
                return found
    elif isinstance(sent, list):
        if len(sent) != len(back):
            return f"{path}: sent {len(sent)} entries, got {len(back)}"
        for index, pair in enumerate(zip(sent, back)):
            if found := difference(*pair, f"{path}[{index}]"):
                return found
    elif sent != back:
        return f"{path}: sent {json.dumps(sent)}, got {json.dumps(back)}"
    return None


def refuses_nonsense(cloud, path):
    """The comparison can fail: a changed document differs, and one with an unknown member is refused."""
    document = read(path)
    kept = as_moto_keeps_it(document["pipeline"])
    changed = copy.deepcopy(kept)
    changed["stages"][-1]["actions"][-1]["name"] += "x"
    if not difference(kept, changed):
        return "a changed document counts as equal"
    document["pipeline"]["stages"][0]["colour"] = "red"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        answer = round_trip(cloud, file.name)
    return None if answer and "colour" in answer else f"an unknown member was not refused: {answer}"


def main(arguments):
    paths = list(documents(arguments))
    cloud = Cloud()
    passed = failed = 0
    checks = [(path, lambda path=path: round_trip(cloud, path)) for path in paths]
    checks += [("a spoilt document", lambda: refuses_nonsense(cloud, path)) for path in paths[:1]]
    for what, check in checks:
        try:
            problem = check()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            print(f"FAIL {what}: {problem}")
            failed += 1
        else:
            passed += 1
    cloud.server.stop()
    print(f"moto: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
