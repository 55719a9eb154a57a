"""Spans of a real program in a real Collector: `suite.py PROGRAM`.

The Collector takes spans by OTLP, and passes them on to this script as JSON. Every wait is for an event.
"""

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading

from web import Process, call, expect, free_port, serve, until

SECRET = "a-shared-secret-of-the-suite-0000"
CANARY = "canary-of-a-patient"
X_RAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def trace(number):
    """A trace and its parent, of a caller."""
    return f"{number:032x}", f"{number:016x}"


class Collector:
    """What the Collector has passed on: the spans, by their trace."""

    def __init__(self, directory, log, stack):
        self.spans, self.lock = [], threading.Lock()
        port = free_port()
        config = os.path.join(directory, "collector.yaml")
        with open(config, "w") as file:
            # JSON is YAML.
            json.dump({
                "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
                "exporters": {"otlp_http": {"endpoint": serve(self.take), "encoding": "json", "compression": "none"}},
                "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}}},
            }, file)
        process = Process(["otelcol", "--config", f"file:{config}"], {}, log)
        stack.callback(process.kill)
        process.until_it_listens("the Collector", port)
        self.url = f"http://127.0.0.1:{port}"

    def take(self, _request, body):
        for of_resource in json.loads(body).get("resourceSpans", []):
            for of_scope in of_resource["scopeSpans"]:
                with self.lock:
                    self.spans += of_scope["spans"]
        return 200, b"{}"

    def of(self, trace_id):
        with self.lock:
            return [span for span in self.spans if span["traceId"] == trace_id]


def appointment(number, participants):
    return {"resourceType": "Appointment", "id": f"a{number}", "meta": {"versionId": "1"}, "status": "booked", "comment": CANARY,
            "participant": [{"status": "accepted"}] * participants}


def request(number, participants):
    headers = {"content-type": "application/fhir+json", "x-subscription-auth": SECRET}
    trace_id, parent = trace(number)
    headers["traceparent"] = f"00-{trace_id}-{parent}-01"
    return headers, json.dumps(appointment(number, participants))


def event(headers, body):
    return {"version": "2.0", "rawPath": "/booked-appointments", "rawQueryString": "", "headers": headers, "body": body,
            "requestContext": {"http": {"method": "POST", "path": "/booked-appointments"}}}


def holds(what, collector, number, status, names):
    """The spans of a trace: that of the notification is the caller's child, and each further one that of the one before."""
    trace_id, parent = trace(number)
    until(what, lambda: len(collector.of(trace_id)) >= len(names))
    spans = {span["name"]: span for span in collector.of(trace_id)}
    expect(f"{what}: spans", sorted(spans), sorted(names))
    for name in names:
        expect(f"{what}: parent of {name}", spans[name]["parentSpanId"], parent)
        parent = spans[name]["spanId"]
    first = spans[names[0]]
    attributes = {it["key"]: list(it["value"].values())[0] for it in first["attributes"]}
    expect(f"{what}: status", str(attributes["http.response.status_code"]), str(status))
    expect(f"{what}: kind", first["kind"], 2)
    expect(f"{what}: is an error", first.get("status", {}).get("code", 0) == 2, status >= 500)


def as_a_container(program, collector, environment, log):
    port = free_port()
    process = Process([program, "serve"], environment | {"PORT": str(port)}, log)
    try:
        process.until_it_listens("serve", port)
        url = f"http://127.0.0.1:{port}/booked-appointments"
        for number, participants, status in ((1, 1, 204), (2, 0, 500)):
            headers, body = request(number, participants)
            expect(f"serve answers {number}", call(url, body.encode(), headers)[0], status)
        headers, body = request(3, 1)
        headers["x-subscription-auth"] = "the-secret-of-nobody-at-all-00000"
        expect("serve refuses a stranger", call(url, body.encode(), headers)[0], 401)
        # At its end it sends what it has.
        process.process.send_signal(signal.SIGTERM)
        expect("serve ends", process.process.wait(30), 0)
    finally:
        process.kill()
    holds("serve", collector, 1, 204, ["booked-appointments", "count"])
    holds("serve, a panic", collector, 2, 500, ["booked-appointments"])
    expect("spans of a stranger", collector.of(trace(3)[0]), [])


def as_a_lambda(program, collector, environment, log):
    interface, api = free_port(), free_port()
    arguments = ["aws-lambda-rie", "--log-level", "error", "--runtime-interface-emulator-address", f"127.0.0.1:{interface}",
                 "--runtime-api-address", f"127.0.0.1:{api}", program]
    process = Process(arguments, environment | {"AWS_LAMBDA_FUNCTION_TIMEOUT": "20", "AWS_LAMBDA_FUNCTION_NAME": "wards"}, log)
    url = f"http://127.0.0.1:{interface}/2015-03-31/functions/function/invocations"

    def frozen():
        """Stops the program as Lambda does between two events: what is not sent by then, is not sent."""
        for pid in process.session():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as name:
                if name.read().strip() == os.path.basename(program)[:15]:
                    return pid
        sys.exit("tracing: the emulator has not started the program")

    try:
        process.until_it_listens("the emulator", interface)
        for number, participants, status in ((11, 1, 204), (12, 0, 500)):
            reply = json.loads(call(url, json.dumps(event(*request(number, participants))).encode())[1])
            expect(f"Lambda answers {number}", reply.get("statusCode"), status)
            names = ["booked-appointments", "count"][: 2 if status == 204 else 1]
            # The batch of the exporter waits for ten minutes here, so only a flush sends them.
            until(f"the spans of {number}, before the program is frozen", lambda: len(collector.of(trace(number)[0])) == len(names))
            pid = frozen()
            os.kill(pid, signal.SIGSTOP)
            holds("Lambda" if status == 204 else "Lambda, a panic", collector, number, status, names)
            os.kill(pid, signal.SIGCONT)
        headers, body = request(13, 1)
        headers["x-amzn-trace-id"] = X_RAY
        del headers["traceparent"]
        call(url, json.dumps(event(headers, body)).encode())
        of_x_ray = until("the trace of X-Ray", lambda: collector.of("5759e988bd862e3fe1be46a994272793"))
        expect("the parent of X-Ray", "53995c3f42cd8ad8" in {span["parentSpanId"] for span in of_x_ray})
    finally:
        process.kill()


def main(program):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="fhir-sub-tracing-"))
        paths = [os.path.join(directory, name) for name in ("collector.log", "serve.log", "lambda.log")]
        logs = [stack.enter_context(open(path, "w")) for path in paths]
        collector = Collector(directory, logs[0], stack)
        environment = {
            "APP_BASE_URL": "https://app.example.org", "FHIR_BASE_URL": "https://fhir.example.org", "FHIR_SUBSCRIPTION_SECRET": SECRET,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "wards",
        }
        as_a_container(program, collector, environment, logs[1])
        as_a_lambda(program, collector, environment | {"OTEL_BSP_SCHEDULE_DELAY": "600000"}, logs[2])
        # The user's own log is there alone, and CloudWatch's metrics beside it.
        lines = [line for line in open(paths[2]).read().splitlines() if line.startswith("{")]
        metrics = [json.loads(line) for line in lines if "_aws" in line]
        outcomes = [line["outcome"] for line in metrics if "ColdStart" not in line]
        expect("lines with metrics", outcomes, ["handled", "panicked", "handled"])
        expect("cold starts", sum(line.get("ColdStart", 0) for line in metrics), 1)
        own = [json.loads(line) for line in lines if "_aws" not in line]
        expect("lines of the own log", all("fields" in line for line in own) and len(own) > 3)
        for text in [json.dumps(collector.spans), *(open(path).read() for path in paths)]:
            for secret in (SECRET, CANARY):
                expect("a secret, or something of a resource, is told", secret in text, False)


if __name__ == "__main__":
    main(sys.argv[1])
