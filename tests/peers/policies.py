"""Holds the exported policies against parliament, and against moto's IAM, which has a validator of its own.

    policies.py FORMATS             ends with `N passed, N failed`

A file passes if parliament finds nothing in the policy but what is explained here, and if moto makes a role of the trust policy
and puts the policy into it.
"""

import json
import os
import sys
from pathlib import Path

import boto3
from moto import mock_aws
from parliament import analyze_policy_string

# Each of parliament's findings that is not ours: its kind, a text in its detail, and why.
EXPLAINED = [
    (
        "RESOURCE_MISMATCH",
        "ssm:SendCommand",
        "it wants documents and instances in one statement; IAM looks at each resource alone, and only instances have tags",
    ),
    (
        "RESOURCE_MISMATCH",
        "states:DescribeExecution",
        "its list has express executions alone; standard ones have ARNs with `execution`",
    ),
    (
        "UNKNOWN_CONDITION_FOR_ACTION",
        "kms:ResourceAliases",
        "its list gives the key to no action; AWS documents it for every action on a key",
    ),
]
# AWS says no more of Elastic Beanstalk than that it needs whole services; the exporter warns of it.
WHOLE_SERVICES = "elasticbeanstalk:*"


def findings(policy, is_account_known=True):
    for finding in analyze_policy_string(json.dumps(policy)).findings:
        detail = str(finding.detail)
        is_explained = any(kind == finding.issue and text in detail for kind, text, _ in EXPLAINED)
        is_whole = finding.issue == "RESOURCE_STAR" and WHOLE_SERVICES in json.dumps(policy)
        # Where the role is known only when deploying, neither partition nor account is known, and where a connection or a
        # key is, not even its name; the exporter warns of both.
        is_open = finding.issue in ("RESOURCE_STAR", "RESOURCE_EFFECTIVELY_STAR") and not is_account_known
        if not is_explained and not is_whole and not is_open:
            yield f"parliament: {finding.issue} {detail[:300]}"


@mock_aws
def refused_by_moto(document):
    iam = boto3.client("iam", region_name="us-east-1")
    try:
        iam.create_role(RoleName="peers", AssumeRolePolicyDocument=json.dumps(document["trust_policy"]))
        iam.put_role_policy(RoleName="peers", PolicyName="peers", PolicyDocument=json.dumps(document["policy"]))
    except iam.exceptions.ClientError as error:
        return str(error)
    return None


def problems(document):
    if found := refused_by_moto(document):
        yield f"moto: {found}"
    (trust,) = document["trust_policy"]["Statement"]
    yield from findings(document["policy"], "Condition" in trust)


def main(formats):
    os.environ.update(AWS_ACCESS_KEY_ID="peers", AWS_SECRET_ACCESS_KEY="peers", AWS_DEFAULT_REGION="us-east-1")
    passed = failed = 0
    for path in sorted(Path(formats).glob("*.policy.json")):
        found = list(problems(json.loads(path.read_text(encoding="utf-8"))))
        for problem in found:
            print(f"FAIL {path.name}: {problem}")
        failed, passed = failed + bool(found), passed + (not found)
    # The checks can fail.
    nonsense = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Fly", "Resource": "*"}]}
    trust = {"Version": "2012-10-17", "Statement": []}
    failed += not list(findings(nonsense))
    failed += not refused_by_moto({"trust_policy": trust, "policy": {**nonsense, "Version": "2012"}})
    print(f"policies: {passed} passed, {failed} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
