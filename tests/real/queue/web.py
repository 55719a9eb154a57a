"""Requests, small servers, and processes."""

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request


def call(url, body=None, headers=None, method="POST", timeout=90):
    """The status, the body and the headers of the answer to a request."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def serve(answer):
    """Serves what `answer` says, a status and a body, on a free port; gives back the URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self):
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            status, answered = answer(self, body)
            # Whoever was killed meanwhile does not read it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("content-length", str(len(answered)))
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(answered)

        do_GET = do_POST = do_PUT = handle_one

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *about):
            # As above, before a request was whole.
            if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
                super().handle_error(*about)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(what, condition, limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    sys.exit(f"suite: {what}: it did not come within {limit} s")


def expect(what, seen, wanted=True):
    if seen != wanted:
        sys.exit(f"suite: {what}: {seen!r} instead of {wanted!r}")
    print(f"suite: {what}: {seen}", flush=True)


class Process:
    """A process and all that it starts, with their output in a file."""

    def __init__(self, arguments, environment, log):
        self.log = log.name
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            arguments, env=clean | environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def until_it_listens(self, what, port):
        try:
            until(what, lambda: listens(port) or self.process.poll() is not None)
            if self.process.poll() is not None:
                sys.exit(f"suite: {what}: it has ended with {self.process.returncode}")
        except SystemExit:
            with open(self.log, errors="replace") as log:
                print(f"suite: the last that is in its log:\n{log.read()[-2000:]}", flush=True)
            raise

    def kill(self):
        # The emulator puts the program into a group of its own, but not into another session.
        for process in self.session():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()

    def session(self):
        for name in os.listdir("/proc"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                if os.getsid(int(name)) == self.process.pid:
                    yield int(name)
