"""What stands in for AWS: moto's queues, a proxy before them that can refuse, and what an event source mapping does."""

import json
import random
import threading
import time

from web import call, serve

ACCOUNT = "123456789012"
REGION = "eu-west-2"


class Sqs:
    """The queues of moto, which answers one request at a time: its own lists are no more than that."""

    def __init__(self, url):
        self.url, self.lock = url, threading.Lock()

    def post(self, body, headers):
        with self.lock:
            return call(self.url, body, headers)

    def __call__(self, action, **parameters):
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/{REGION}/sqs/aws4_request, SignedHeaders=host, Signature=s",
        }
        status, body, _ = self.post(json.dumps(parameters).encode(), headers)
        if status != 200:
            raise RuntimeError(f"{action}: {status} {body[:300]}")
        return json.loads(body or b"{}")

    def create(self, name, tries=30, **attributes):
        """A queue, and where a message goes that was received `tries` times."""
        fifo = ".fifo" if name.endswith(".fifo") else ""
        kind = {"FifoQueue": "true"} if fifo else {}
        dead = f"{name.removesuffix('.fifo')}-dead{fifo}"
        self("CreateQueue", QueueName=dead, Attributes=kind)
        redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{dead}", "maxReceiveCount": tries}
        attributes = {"VisibilityTimeout": "3", "RedrivePolicy": json.dumps(redrive)} | kind | attributes
        self("CreateQueue", QueueName=name, Attributes=attributes)
        return f"{self.url}/{ACCOUNT}/{name}", f"{self.url}/{ACCOUNT}/{dead}"

    def count(self, queue):
        attributes = self("GetQueueAttributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        return sum(int(attributes[name]) for name in names)

    def take(self, queue):
        """The bodies of the messages that are on a queue; they are gone from it then."""
        bodies = []
        while True:
            messages = self("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(message["Body"])
                self("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


class Proxy:
    """Stands before moto for the program: it refuses while it is told to, and notes when each message was taken."""

    def __init__(self, sqs):
        self.taken, self.refusing, self.refused = {}, False, 0

        def answer(request, body):
            if self.refusing:
                self.refused += 1
                return 503, b'{"__type":"ServiceUnavailable"}'
            kept = {name: request.headers[name] for name in ("content-type", "x-amz-target", "authorization", "x-amz-date")}
            status, answer, _ = sqs.post(body, kept)
            if status == 200:
                message = json.loads(json.loads(body)["MessageBody"])
                self.taken[message.get("reference")] = time.monotonic()
            return status, answer

        self.url = serve(answer)


class Mapping(threading.Thread):
    """An event source mapping: it hands batches to the function, and deletes what the function has handled.

    Some batches are handed over twice before anything is deleted, as SQS may deliver them. `AWS` gives up an invocation that
    fails; all messages of its batch come again after their visibility timeout.
    """

    def __init__(self, sqs, queue, invoke, twice=0.0, seed=0):
        super().__init__(daemon=True)
        self.sqs, self.queue, self.invoke, self.twice = sqs, queue, invoke, twice
        self.dice = random.Random(seed)
        self.stop, self.batches, self.failed, self.broken, self.error = False, 0, 0, 0, None

    def run(self):
        try:
            while not self.stop:
                self.poll()
        except Exception as error:  # The suite looks at it.
            self.error = error

    def end(self):
        self.stop = True
        self.join()
        if self.error:
            raise self.error

    def poll(self):
        asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
        received = self.sqs("ReceiveMessage", **asked, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])
        messages = received.get("Messages", [])
        if not messages:
            time.sleep(0.3)
            return
        event = json.dumps({"Records": [record(self.queue, message) for message in messages]}).encode()
        self.batches += 1
        failed = self.answer(event)
        if self.dice.random() < self.twice:
            self.answer(event)
        if failed is None:
            # Nothing is known of any: all of them come again.
            self.broken += 1
            return
        self.failed += len(failed)
        done = [message for message in messages if message["MessageId"] not in failed]
        entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(done)]
        if entries:
            self.sqs("DeleteMessageBatch", QueueUrl=self.queue, Entries=entries)

    def answer(self, event):
        """The ids that the function reports; `None` if the invocation failed."""
        reply = self.invoke(event)
        if reply is None or set(reply) != {"batchItemFailures"}:
            return None
        return {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}


def record(queue, message):
    """A message of SQS as Lambda hands it over: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""
    attributes = {
        name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.rsplit('/', 1)[1]}",
        "awsRegion": REGION,
    }
