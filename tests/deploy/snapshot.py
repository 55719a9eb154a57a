"""The template that the CDK makes, without what changes with each edit of the program.

    snapshot.py context QUEUE              the context of cdk.json for a synthesis in which nothing is built
    snapshot.py write TEMPLATE SNAPSHOT
    snapshot.py compare TEMPLATE SNAPSHOT
"""

import difflib
import json
import re
import sys
from pathlib import Path


def context(queue):
    given = json.loads(Path("cdk.json").read_text())["context"]
    given |= {"aws:cdk:bundling-stacks": [], "aws:cdk:disable-asset-metadata": True, "aws:cdk:disable-version-reporting": True}
    print(json.dumps(given | {"fhirBaseUrl": "https://fhir.example.org/r4", "queue": queue}))


def normal(template):
    """The hash of the program's files, and the names that the CDK derives from it, are replaced."""
    text = json.dumps(json.loads(Path(template).read_text()), indent=1)
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    return re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1HASH", text) + "\n"


def write(template, snapshot):
    Path(snapshot).write_text(normal(template))


def compare(template, snapshot):
    before, now = Path(snapshot).read_text().splitlines(), normal(template).splitlines()
    difference = list(difflib.unified_diff(before, now, "the snapshot", "the CDK", lineterm=""))
    print("\n".join(difference[:200]))
    return 1 if difference else 0


sys.exit({"context": context, "write": write, "compare": compare}[sys.argv[1]](*sys.argv[2:]))
