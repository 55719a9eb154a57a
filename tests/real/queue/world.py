"""The world of the cases: moto, the program as `serve`, the program as a Lambda, and a FHIR server that has what they name."""

import json
import os
import shutil
import subprocess
import sys

from aws import ACCOUNT, REGION, Proxy, Sqs
from web import Process, call, expect, free_port, serve

SECRET = "canary-secret-0123456789abcdef0123"
AWS_SECRET = "canary-aws-secret"
CANARY = "canary-of-a-patient"


def task(number, **more):
    return {
        "resourceType": "Task",
        "id": f"t{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"},
        "status": "requested",
        "identifier": [{"system": "urn:change", "value": f"c{number}"}],
        "description": CANARY,
    } | more


def observation(patient, version):
    return {
        "resourceType": "Observation",
        "id": f"o{patient}",
        "meta": {"versionId": str(version), "lastUpdated": f"2026-01-01T00:00:{version:02}Z"},
        "status": "final",
        "code": {"text": CANARY},
        "identifier": [{"system": "urn:change", "value": f"o{patient}-{version}"}],
    }


def can_be_managed():
    """Whether the emulator can have a Managed Instance: as such it starts /var/task/bootstrap alone, as a user of its own."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Function:
    """The program as a Lambda, under the Runtime Interface Emulator; as a Managed Instance, if it has several events at once."""

    def __init__(self, program, environment, log, at_once=None):
        self.program, self.log = program, log
        self.environment = environment | {"AWS_LAMBDA_FUNCTION_TIMEOUT": "20"}
        if at_once and not can_be_managed():
            print("queue: not as a Managed Instance, which takes root and mounts of its own", flush=True)
        elif at_once:
            self.environment["AWS_LAMBDA_MAX_CONCURRENCY"] = str(at_once)
        self.start()

    def start(self):
        interface, api = free_port(), free_port()
        arguments = [
            "aws-lambda-rie", "--log-level", "error",
            "--runtime-interface-emulator-address", f"127.0.0.1:{interface}",
            "--runtime-api-address", f"127.0.0.1:{api}", self.program,
        ]
        if "AWS_LAMBDA_MAX_CONCURRENCY" in self.environment:
            # Nobody else sees it there.
            own = 'mount -t tmpfs tmpfs /var && mkdir /var/task && ln -s "$0" /var/task/bootstrap && exec "$@"'
            arguments = ["unshare", "--mount", "sh", "-c", own, self.program, *arguments]
        self.process = Process(arguments, self.environment, self.log)
        self.process.until_it_listens("the emulator", interface)
        self.url = f"http://127.0.0.1:{interface}/2015-03-31/functions/function/invocations"

    def kill(self):
        self.process.kill()

    def invoke(self, event):
        """The reply to an event; `None` if there is none, `{"errorType": …}` if the invocation failed."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        try:
            _, reply, headers = call(self.url, body)
            return json.loads(reply)
        except (OSError, ValueError):
            # It was killed, or is not there yet.
            return None


class World:
    def __init__(self, program, directory, stack):
        # The user of a Managed Instance may not look into the home that the program was built in.
        self.program = shutil.copy(program, directory)
        self.directory, self.stack = directory, stack
        self.log = stack.enter_context(open(os.path.join(directory, "log"), "w"))
        port = free_port()
        with open(os.path.join(directory, "moto"), "w") as log:
            moto = Process([os.path.join(os.path.dirname(sys.executable), "moto_server"), "-p", str(port)], {}, log)
        stack.callback(moto.kill)
        moto.until_it_listens("moto", port)
        self.sqs = Sqs(f"http://127.0.0.1:{port}")
        self.proxy = Proxy(self.sqs)
        self.resources, self.reads = {}, 0
        self.environment = {
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
            "AWS_REGION": REGION,
            "APP_BASE_URL": "http://127.0.0.1/hooks",
            "FHIR_BASE_URL": f"{serve(self.fhir)}/fhir",
            "FHIR_SERVER": "hapi",
            "FHIR_SUBSCRIPTION_SECRET": SECRET,
            "FHIR_SUBSCRIPTION_IDEMPOTENCY": f"sqlite:{directory}/store",
            "FHIR_SUBSCRIPTION_STORE_KEY": "0123456789abcdef0123456789abcdef",
            "FRAIL_DIRECTORY": directory,
            "RUST_LOG": "trace",
        }

    def fhir(self, request, _body):
        """What the FHIR server answers."""
        self.reads += 1
        path = request.path.split("?")[0].removeprefix("/fhir/").split("/_history")[0]
        if path == "metadata":
            return 200, b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}'
        if "/" not in path:
            # No search finds anything.
            return 200, b'{"resourceType":"Bundle","type":"searchset"}'
        found = self.resources.get(path)
        return (200, json.dumps(found).encode()) if found else (404, b'{"resourceType":"OperationOutcome"}')

    def front(self, queue, **settings):
        """The program that lets notifications in and puts them on a queue; its URL."""
        port = free_port()
        settings = {
            "PORT": str(port),
            "FHIR_SUBSCRIPTION_QUEUE": f"{self.proxy.url}/{ACCOUNT}/{queue.rsplit('/', 1)[1]}",
            "FHIR_SUBSCRIPTION_IDEMPOTENCY": "memory",
        } | settings
        process = Process([self.program], self.environment | settings, self.log)
        self.stack.callback(process.kill)
        process.until_it_listens("the program", port)
        return f"http://127.0.0.1:{port}/hooks"

    def function(self, at_once=None, seed=None):
        """The program as a Lambda; its handlers dawdle and fail as the seed says."""
        environment = self.environment | ({"FRAIL_SEED": seed} if seed else {})
        function = Function(self.program, environment, self.log, at_once)
        self.stack.callback(function.kill)
        return function

    def notify(self, front, resource, endpoint="tasks"):
        """Notifies as HAPI does; the status, and whether the server may send it again."""
        url = f"{front}/{endpoint}/{resource['resourceType']}/{resource['id']}"
        headers = {"X-Subscription-Auth": SECRET, "Content-Type": "application/fhir+json"}
        status, _, answered = call(url, json.dumps(resource, ensure_ascii=False).encode(), headers, "PUT", 30)
        return status, "retry-after" in answered

    def deliver(self, front, resource, endpoint="tasks"):
        """The same until it is taken: SQS may have been slow, and then has the message twice."""
        while True:
            answer = self.notify(front, resource, endpoint)
            if answer != (503, True):
                return answer

    def effects(self):
        """What the handlers have done, as `endpoint reference version change`; each event once, by its key."""
        return self.lines("effects")

    def lines(self, name):
        directory = os.path.join(self.directory, name)
        return [open(os.path.join(directory, name)).read() for name in os.listdir(directory)] if os.path.isdir(directory) else []

    def has_no_secrets_in_its_log(self, lines):
        self.log.flush()
        text = open(self.log.name, errors="replace").read()
        expect("the log has the lines of what was done", text.count('"outcome"') >= lines)
        for canary in (SECRET, AWS_SECRET, CANARY):
            if canary in text:
                place = text.index(canary)
                sys.exit(f"queue: {canary!r} is in the log: {text[max(0, place - 400):place + 100]}")
        expect("canaries in the log at level trace", 0, 0)
