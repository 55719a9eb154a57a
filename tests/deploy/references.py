"""Settings that stand in Parameter Store and Secrets Manager, read from an emulator of AWS by a program without an extension.

    references.py PROGRAM

PROGRAM is built with the feature `secrets` of fhir-sub. Two replicas start with three references each, and let in whoever has a secret
while it is rotated. Then each way to fail: the program must end with the exit code 2 within seconds, name the setting and the cure, and
print no secret.
"""

import http.server
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import emulator
import boto3
from moto.server import ThreadedMotoServer

PATIENCE = 60
# `resolve` gives up an answer of AWS after five seconds.
GIVEN_UP = 25
NOBODY = "nobody-has-this-secret-0000000000000000"


def main(program):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        aws = Aws(f"http://{host}:{port}")
        rotate(program, aws)
        fail(program, aws)
    finally:
        server.stop()


class Aws:
    """The emulator, and what was put there: no output may show it."""

    def __init__(self, url):
        self.url, self.canaries = url, ["canary-aws-secret-key", "canary-of-an-answer"]
        of = {"endpoint_url": url, "region_name": emulator.REGION}
        self.parameters, self.secrets = boto3.client("ssm", **of), boto3.client("secretsmanager", **of)

    def canary(self):
        self.canaries.append("canary-" + secrets.token_hex(24))
        return self.canaries[-1]

    def environment(self, **settings):
        key = "canary-aws-secret-key"
        return {"PATH": os.environ["PATH"], "AWS_REGION": emulator.REGION, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": key,
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": self.url, "APP_BASE_URL": "https://hooks.example.org",
                "FHIR_SERVER": "hapi", "FHIR_BASE_URL": "https://fhir.example.org/r4",
                "FHIR_SUBSCRIPTION_SECRET": "a-shared-secret-of-the-suite-000000", **settings}

    def holds_nothing(self, output, of):
        found = [canary for canary in self.canaries if canary in output]
        assert not found, f"{of} shows a secret:\n{output}"
        assert "\x1b" not in output, f"{of} has colour codes"


def rotate(program, aws):
    aws.parameters.put_parameter(Name="/ward/fhir-base-url", Value="https://canary.example.org/r4", Type="SecureString")
    aws.canaries.append("canary.example.org")
    versions = [json.dumps({"shared": aws.canary(), "other": 1}) for _ in range(3)]
    shared = [json.loads(version)["shared"] for version in versions]
    admin = aws.canary()
    arn = aws.secrets.create_secret(Name="ward/admin", SecretString=admin)["ARN"]
    aws.secrets.create_secret(Name="ward/fhir", SecretString=versions[0])
    settings = aws.environment(
        FHIR_BASE_URL="ssm:/ward/fhir-base-url",
        FHIR_SUBSCRIPTION_SECRET="secretsmanager:ward/fhir#shared",
        FHIR_SUBSCRIPTION_ADMIN_SECRET=f"secretsmanager:{arn}",
        FHIR_SUBSCRIPTION_METRICS="prometheus",
        FHIR_SUBSCRIPTION_IDEMPOTENCY="memory",
    )
    with tempfile.TemporaryDirectory() as scratch:
        replicas = [Replica(program, settings, Path(scratch) / f"log-{number}") for number in range(2)]
        try:
            for replica in replicas:
                replica.until_it_serves()
                # Nobody is refused yet: that would use up the one reading of a minute.
                assert replica.admin(admin) == 200
            # Without a restart and without a registration: the notification that would be refused makes each replica read anew.
            for replica in replicas:
                assert replica.notification(shared[0]) != 401
            aws.secrets.put_secret_value(SecretId="ward/fhir", SecretString=versions[1])
            for replica in replicas:
                let_in = [replica.notification(secret) != 401 for secret in (shared[1], shared[0], shared[2], NOBODY)]
                assert let_in == [True, True, False, False], let_in
                assert [replica.admin(secret) for secret in (admin, shared[1], NOBODY)] == [200, 401, 401]
            print("references: two replicas let in the new secret at once, and the one before")
        finally:
            for replica in replicas:
                replica.end()
        for replica in replicas:
            aws.holds_nothing(replica.log.read_text(), "the log of a replica")


class Replica:
    def __init__(self, program, settings, log):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", log
        with log.open("w") as output:
            self.process = subprocess.Popen([program, "serve"], env={**settings, "PORT": str(port)}, stdout=output, stderr=output)

    def until_it_serves(self):
        end = time.monotonic() + PATIENCE
        while self.ask("/health") != 200:
            assert self.process.poll() is None, f"the program has ended:\n{self.log.read_text()}"
            assert time.monotonic() < end, "the program does not serve"
            time.sleep(0.05)

    def ask(self, path, secret=None, body=None):
        headers = {"content-type": "application/fhir+json", **({"x-subscription-auth": secret} if secret else {})}
        try:
            request = urllib.request.Request(self.url + path, data=body, headers=headers, method="PUT" if body else "GET")
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None

    def admin(self, secret):
        return self.ask("/metrics", secret)

    def notification(self, secret):
        appointment = {"resourceType": "Appointment", "id": "1", "status": "arrived", "participant": [{"status": "accepted"}]}
        return self.ask("/arrived-appointments/Appointment/1", secret, json.dumps(appointment).encode())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def fail(program, aws):
    put = lambda name, **value: aws.secrets.create_secret(Name=name, **value)
    put("text", SecretString=aws.canary())
    put("binary", SecretBinary=aws.canary().encode())
    put("object", SecretString=json.dumps({"nested": {"shared": aws.canary()}, "empty": "", "number": 1}))
    put("spaced", SecretString=f"canary of {aws.canary()}")
    cases = [(f"secretsmanager:{place}", "", what) for place, what in [
        ("absent", "the secret does not exist"),
        ("text#key", "is not a JSON object"),
        ("object#absent", "the secret has no key with the name after `#`"),
        ("object#nested", "has no string under the key after `#`"),
        ("object#number", "has no string under the key after `#`"),
        ("object#empty", "the value is empty"),
        ("binary", "the secret is binary"),
        ("spaced", "FHIR_SUBSCRIPTION_SECRET has white space in it"),
        ("", "names no secret"),
        ("arn:aws:secretsmanager:evil.example/:123456789012:secret:a", "the region is not one of AWS"),
    ]]
    cases += [("ssm:/absent", "", "Parameter Store has no such parameter"), ("ssm:", "", "names no parameter")]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with Answering() as odd:
        cases += [("ssm:/a", environment, what) for environment, what in [
            ({"AWS_ENDPOINT_URL": nobody}, "AWS is not reached"),
            ({"AWS_ENDPOINT_URL": odd.url("slow")}, "did not answer in time"),
            ({"AWS_ENDPOINT_URL": odd.url("500")}, "AWS answered with status 500"),
            ({"AWS_ENDPOINT_URL": odd.url("nonsense")}, "not of the form that AWS documents"),
            ({"AWS_ENDPOINT_URL": odd.url("cut")}, "AWS is not reached"),
            ({"AWS_ENDPOINT_URL": "http://10.0.0.1"}, "AWS_ENDPOINT_URL is not an https URL"),
            ({"AWS_REGION": None}, "no region is set"),
            ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "there are no AWS credentials"),
        ]]
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            os.mkfifo(scratch / "pipe")
            (scratch / "empty").touch()
            cases += [(f"file:{scratch}{path}", "", what) for path, what in [
                ("", "is a directory, a pipe or a device"), ("/pipe", "is a directory, a pipe or a device"),
                ("/absent", "the file cannot be read"), ("/empty", "the value is empty"),
            ]]
            for value, more, what in cases:
                hold_failure(program, aws, value, more or {}, what)
    print(f"references: {len(cases)} references that cannot be read end the program, with the setting and the cure")


def hold_failure(program, aws, value, more, what):
    for command in ("check", "serve", "register"):
        settings = aws.environment(FHIR_SUBSCRIPTION_SECRET=value, PORT="0", **more)
        settings = {name: value for name, value in settings.items() if value is not None}
        begun = time.monotonic()
        ended = subprocess.run([program, command], env=settings, capture_output=True, text=True, timeout=PATIENCE)
        took, output = time.monotonic() - begun, ended.stdout + ended.stderr
        assert ended.returncode == 2, f"{command} with {value} {more}: {ended.returncode}\n{output}"
        assert what in output and "FHIR_SUBSCRIPTION_SECRET" in output, f"{command} with {value} {more}:\n{output}"
        assert took < GIVEN_UP, f"{command} with {value} {more} took {took:.1f} s"
        aws.holds_nothing(output, f"{command} with {value}")


class Answering(http.server.ThreadingHTTPServer):
    """Answers as no AWS does, by the path."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Odd)
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


class Odd(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        what = self.path.strip("/")
        if what == "slow":
            self.server.ended.wait(30)
            return
        if what == "cut":
            self.send_response(200)
            self.send_header("content-length", "100")
            self.end_headers()
            self.wfile.write(b"{")
            return
        body = b'{"Parameter": 1}' if what == "nonsense" else b"canary-of-an-answer"
        self.send_response(500 if what == "500" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


main(sys.argv[1])
