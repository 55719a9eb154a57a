"""Drives a release binary under cargo-lambda's Runtime API emulator, over HTTP: `emulator.py BINARY SANDBOX`.

BINARY is the Lambda. SANDBOX is a debug build of the same program, whose sandbox is the FHIR server: a release build has none.
Every wait is for an event: a line, a port, an answer. cargo-lambda must be on the PATH.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SECRET = "canary-secret-0123456789abcdef0123"
CANARY = "canary-of-a-patient"
LIMIT = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(method, url, body=None, secret=SECRET, headers=None):
    """The status and the body of the answer."""
    headers = dict(headers or {})
    if secret is not None:
        headers["X-Subscription-Auth"] = secret
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/fhir+json")
    call = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(call, timeout=LIMIT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until(what, condition):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            result = condition()
            if result:
                return result
        time.sleep(0.05)
    sys.exit(f"lambda: {what() if callable(what) else what}: it did not come within {LIMIT} s")


class Program:
    """A process whose output goes to a file."""

    def __init__(self, arguments, environment):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            arguments, env=clean | environment, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )

    def text(self):
        with open(self.log.name) as log:
            return log.read()

    def line(self, pattern):
        def found():
            text = self.text()
            match = re.search(pattern, text)
            if not match and self.process.poll() is not None:
                sys.exit(f"lambda: the program ended without a line {pattern!r}:\n{text}")
            return match

        return until(lambda: f"a line {pattern!r} of\n{self.text()}", found)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(LIMIT)


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"lambda: {what}: {seen!r} instead of {wanted!r}")
    print(f"lambda: {what}: {seen}")


def main(binary, sandbox):
    port = free_port()
    watch = ["cargo-lambda", "lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", str(port)]
    base = f"http://127.0.0.1:{port}/lambda-url/arrived-appointments"
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(Program([sandbox], {"PORT": "0"}))
        fhir = server.line(r"on (http://127\.0\.0\.1:\d+/fhir)\.").group(1)
        emulator = programs.enter_context(Program(watch, {}))
        until("the emulator", lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None)
        function = programs.enter_context(
            Program(
                [binary],
                {
                    "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/arrived-appointments",
                    "AWS_LAMBDA_FUNCTION_NAME": "arrived-appointments",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                    "AWS_LAMBDA_FUNCTION_VERSION": "1",
                    "APP_BASE_URL": base,
                    "FHIR_BASE_URL": fhir,
                    "FHIR_SERVER": "hapi",
                    "FHIR_SUBSCRIPTION_SECRET": SECRET,
                    "RUST_LOG": "trace",
                },
            )
        )
        # The emulator does not know the function before it has asked for its first event.
        until("health", lambda: request("GET", f"{base}/health", secret=None)[0] == 200)
        expect("a stranger", request("POST", f"{base}/register", b"", secret=None)[0], 401)
        expect("a similar secret", request("POST", f"{base}/register", b"", secret=SECRET[:-1])[0], 401)

        status, report = request("POST", f"{base}/register", b"")
        rows = json.loads(report)["subscriptions"]
        expect("register", (status, [(row["result"], row["status"]) for row in rows]), (200, [("created", "active")]))
        status, report = request("POST", f"{base}/register", b"")
        expect("register again", (status, json.loads(report)["subscriptions"][0]["result"]), (200, "unchanged"))

        # The FHIR server's own program has the same handler and its own Subscription: two notifications, and one
        # encounter, since it is created only if there is none.
        appointment = {
            "resourceType": "Appointment",
            "status": "arrived",
            "description": CANARY,
            "participant": [{"actor": {"reference": "Patient/7"}, "status": "accepted"}],
        }
        status, created = request("POST", f"{fhir}/Appointment", appointment, secret=None)
        expect("an arrival", status, 201)
        function.line(r'"outcome":"handled"')
        encounters = json.loads(request("GET", f"{fhir}/Encounter", secret=None)[1])
        expect("the encounters", len(encounters["entry"]), 1)

        appointment = json.loads(created)
        url = f"{base}/arrived-appointments/Appointment/{appointment['id']}"
        expect("a notification by hand", request("PUT", url, appointment), (204, ""))
        expect("broken JSON", request("PUT", url, b"{")[0], 400)
        expect("another resource", request("PUT", url, {"resourceType": "Patient", "id": "1"})[0], 422)
        expect("an unknown endpoint", request("POST", f"{base}/nowhere", b"{}")[0], 404)
        expect("not JSON", request("PUT", url, b"<a/>", headers={"Content-Type": "application/fhir+xml"})[0], 415)
        expect("health after all that", request("GET", f"{base}/health", secret=None)[0], 200)

        log = function.text()
        lines = log.count('"endpoint":"arrived-appointments"')
        expect("a line a notification, at least", lines >= 4, True)
        for canary in (SECRET, CANARY):
            expect(f"the log is without {canary!r}", canary in log, False)
        if function.process.poll() is not None:
            sys.exit("lambda: the function ended")
        del emulator


if __name__ == "__main__":
    main(*sys.argv[1:])
