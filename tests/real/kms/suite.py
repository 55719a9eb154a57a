"""Signing in with a key in KMS: `suite.py PROGRAM`. moto is the KMS; the FHIR server and its token endpoint are of this script."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from web import Process, call, expect, free_port, listens, serve, until

CLIENT = "the-client-of-the-suite"
KID = "2026-11"
AWS_SECRET = "canary-aws-secret"
SECRET = "canary-secret-0123456789abcdef0123"
TOKEN = "canary-access-token"
REGION = "eu-west-2"


class Kms:
    """moto's KMS, called as the command line of AWS does."""

    def __init__(self, stack, log):
        port = free_port()
        moto = Process([os.path.join(os.path.dirname(sys.executable), "moto_server"), "-p", str(port)], {}, log)
        stack.callback(moto.kill)
        until("moto", lambda: listens(port))
        self.url = f"http://127.0.0.1:{port}"

    def __call__(self, action, **parameters):
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/{REGION}/kms/aws4_request, SignedHeaders=host, Signature=s",
        }
        status, body, _ = call(self.url, json.dumps(parameters).encode(), headers)
        if status != 200:
            sys.exit(f"kms: {action}: {status} {body[:300]}")
        return json.loads(body or b"{}")

    def create(self, specification, alias):
        """A key; its public half."""
        key = self("CreateKey", KeySpec=specification, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        self("CreateAlias", AliasName=alias, TargetKeyId=key)
        return key, load_der_public_key(base64.b64decode(self("GetPublicKey", KeyId=key)["PublicKey"]))


class Server:
    """A FHIR server with one token endpoint. It accepts a request that shows its token."""

    def __init__(self):
        self.lock, self.public_key, self.algorithm = threading.Lock(), None, None
        self.seen, self.given, self.refused, self.fails, self.subscriptions = set(), 0, [], 0, {}
        self.url = serve(self.answer)

    def answer(self, request, body):
        with self.lock:
            path = request.path.split("?")[0]
            if path == "/fhir/.well-known/smart-configuration":
                return 200, json.dumps({"token_endpoint": f"{self.url}/token"}).encode()
            if path == "/token":
                return self.token(dict(urllib.parse.parse_qsl(body.decode())))
            if request.headers["authorization"] != f"Bearer {TOKEN}-{self.given}":
                return 401, b'{"resourceType":"OperationOutcome"}'
            return self.fhir(request.command, path.removeprefix("/fhir/"), body)

    def token(self, form):
        if self.fails:
            # Its assertion is used up all the same.
            self.fails -= 1
            self.mistake(form["client_assertion"])
            return 503, b"{}"
        mistake = self.mistake(form["client_assertion"])
        if mistake or form["grant_type"] != "client_credentials":
            self.refused.append(mistake)
            return 400, b'{"error":"invalid_client"}'
        self.given += 1
        return 200, json.dumps({"access_token": f"{TOKEN}-{self.given}", "token_type": "bearer", "expires_in": 300}).encode()

    def mistake(self, assertion):
        """What is wrong with an assertion, by SMART App Launch; `None` if nothing is."""
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(decoded(part)) for part in signed.split("."))
        wanted = {"alg": self.algorithm, "kid": KID, "typ": "JWT"}
        if header != wanted:
            return f"header {header}"
        if (claims["iss"], claims["sub"], claims["aud"]) != (CLIENT, CLIENT, f"{self.url}/token"):
            return f"claims {claims}"
        if not 0 < claims["exp"] - time.time() <= 300:
            return "exp"
        if claims["jti"] in self.seen:
            return "a repeated jti"
        self.seen.add(claims["jti"])
        try:
            verify(self.public_key, signed.encode(), decoded(signature))
        except (InvalidSignature, ValueError):
            return "signature"
        return None

    def fhir(self, method, path, body):
        if path == "metadata":
            return 200, b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}'
        if method == "POST" and path == "Subscription":
            number = str(len(self.subscriptions) + 1)
            self.subscriptions[number] = json.loads(body) | {"id": number, "status": "active"}
            return 201, json.dumps(self.subscriptions[number]).encode()
        if path == "Subscription":
            entries = [{"resource": resource} for resource in self.subscriptions.values()]
            return 200, json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()
        found = self.subscriptions.get(path.removeprefix("Subscription/"))
        return (200, json.dumps(found).encode()) if found else (404, b'{"resourceType":"OperationOutcome"}')


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verify(key, message, signature):
    if isinstance(key, ec.EllipticCurvePublicKey):
        # RFC 7518 §3.4: two numbers of 48 bytes.
        if len(signature) != 96:
            raise ValueError("length")
        r, s = (int.from_bytes(half, "big") for half in (signature[:48], signature[48:]))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA384()))
    else:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA384())


def register(program, kms, server, algorithm, **settings):
    """The exit code and the output of `register`."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_KMS": kms.url,
        "APP_BASE_URL": "https://hooks.example.org",
        "FHIR_BASE_URL": f"{server.url}/fhir",
        "FHIR_SUBSCRIPTION_SECRET": SECRET,
        "FHIR_AUTH_CLIENT_ID": CLIENT,
        "SIGNING_KEY": f"alias/{algorithm}",
        "SIGNING_KID": KID,
        "SIGNING_ALGORITHM": algorithm,
        "RUST_LOG": "trace",
    } | settings
    done = subprocess.run([program, "register"], env=environment, capture_output=True, text=True, timeout=120)
    written = done.stdout + done.stderr
    for canary in (AWS_SECRET, SECRET, TOKEN):
        expect(f"{canary!r} is in what the program writes", canary in written, False)
    return done.returncode, written


def main(program):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        log = stack.enter_context(open(os.path.join(directory, "moto"), "w"))
        kms, server = Kms(stack, log), Server()
        keys = {}
        for algorithm, specification in (("ES384", "ECC_NIST_P384"), ("RS384", "RSA_3072")):
            keys[algorithm], server.public_key = kms.create(specification, f"alias/{algorithm}")
            server.algorithm, server.subscriptions, before = algorithm, {}, server.given
            expect(f"register with {algorithm}", register(program, kms, server, algorithm)[0], 0)
            expect("Subscriptions at the server", len(server.subscriptions), 1)
            expect("sign-ins", server.given - before, 1)
        server.fails, before = 2, len(server.seen)
        expect("register while the token endpoint fails twice", register(program, kms, server, "RS384")[0], 0)
        expect("assertions, each with a jti of its own", (len(server.seen) - before, server.refused), (3, []))

        other = kms.create("RSA_3072", "alias/other")[0]
        code, _ = register(program, kms, server, "RS384", SIGNING_KEY=other)
        expect("a key that is not registered at the server", (code != 0, server.refused.pop()), (True, "signature"))
        code, written = register(program, kms, server, "ES256")
        expect("another algorithm is a start-up error", (code != 0, "write ES384 or RS384" in written), (True, True))
    print("kms: all passed")


main(sys.argv[1])
