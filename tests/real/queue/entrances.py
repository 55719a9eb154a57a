"""Events of SQS, SNS, EventBridge and Scheduler, and others."""

import json

from aws import ACCOUNT, REGION, Mapping
from web import expect, until
from world import CANARY, task


def what_nobody_can_handle_ends_in_the_dead_letter_queue(world):
    main, dead = world.sqs.create("visits", tries=3)
    before = len(world.effects())
    wrong = ['{"not":"a notification"}', "", "no JSON", json.dumps(task(1)), json.dumps({"Type": "Notification"})]
    wrong = [body or " " for body in wrong]
    attribute = {"endpoint": {"DataType": "String", "StringValue": "tasks"}}
    envelope = {
        "Type": "Notification", "MessageId": "n", "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:visits",
        "Message": json.dumps(task(10_002)), "MessageAttributes": {"endpoint": {"Type": "String", "Value": "tasks"}},
    }
    for body in wrong:
        world.sqs("SendMessage", QueueUrl=main, MessageBody=body)
    world.sqs("SendMessage", QueueUrl=main, MessageBody=json.dumps(task(10_001)), MessageAttributes=attribute)
    world.sqs("SendMessage", QueueUrl=main, MessageBody=json.dumps(envelope))
    function = world.function()
    mapping = Mapping(world.sqs, main, function.invoke)
    mapping.start()
    until("the dead letters", lambda: world.sqs.count(dead) == len(wrong))
    until("the others", lambda: len(world.effects()) == before + 2)
    mapping.end()
    function.kill()
    expect("messages that were handled beside the dead letters", len(world.effects()) - before, 2)


def each_event_is_what_its_shape_says(world):
    before = len(world.effects())
    function = world.function()
    bus = {
        "version": "0", "id": "1", "detail-type": "tasks", "source": "mine", "account": ACCOUNT, "region": REGION,
        "time": "2026-01-01T00:00:00Z", "resources": [],
    }
    expect("an event of EventBridge", function.invoke(bus | {"detail": task(10_003)}), None)
    expect("its effect", len(world.effects()), before + 1)
    scheduled = bus | {"detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}
    for asked in ({"fhir-sub": "sweep"}, scheduled):
        rows = function.invoke(asked)["subscriptions"]
        expect("what a sweep says of each subscription", {row["result"] for row in rows}, {"swept"})
    for stranger, name in [
        ({"Records": [{"eventSource": "aws:s3"}]}, "aws:s3"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": CANARY}}]}, "subscribe a queue"),
        ({"Records": [{"eventSource": CANARY + " {"}]}, "something else"),
        ({"fhir-sub": CANARY}, "its `fhir-sub` asks for an unknown task"),
        ({}, "none of the members"),
    ]:
        reply = function.invoke(stranger)
        expect(f"an event that is refused by the name {name!r}", (reply["errorType"], name in reply["errorMessage"]), ("UnknownEvent", True))
    http = {"requestContext": {"http": {"method": "POST"}}, "rawPath": "/tasks"}
    for body in ({"Records": [{"eventSource": "aws:sqs"}]}, {"fhir-sub": "sweep"}, bus | {"detail": task(10_004)}):
        expect("a stranger over HTTP", function.invoke(http | {"body": json.dumps(body)})["statusCode"], 401)
    function.kill()
    expect("effects of strangers", len(world.effects()), before + 1)
