"""What travels in a message, in which order, and up to which size."""

import json
import random

from aws import Mapping
from web import expect, until
from world import CANARY, observation, task

LIMIT = 1024 * 1024


def the_order_of_a_resource_is_kept(world):
    """`order = "latest"`, on a FIFO queue: versions of one resource are handled one after the other."""
    main, dead = world.sqs.create("observations.fifo")
    front = world.front(main)
    resources, versions = 6, 8
    sent = [(patient, version) for version in range(1, versions + 1) for patient in range(resources)]
    for patient, version in sent:
        # Of the versions of one resource, the later comes later.
        answer = world.deliver(front, observation(patient, version), "observations")
        if answer != (204, False):
            expect("a version", answer, (204, False))
    function = world.function(seed="11")
    mapping = Mapping(world.sqs, main, function.invoke, twice=0.1)
    mapping.start()
    until("the FIFO queue is empty", lambda: world.sqs.count(main) == 0, 180)
    mapping.end()
    function.kill()
    runs = [line.split()[1:] for line in open(f"{world.directory}/runs") if " observations " in line]
    for patient in range(resources):
        seen = [int(version) for _, reference, version, _ in runs if reference == f"Observation/o{patient}"]
        expect(f"the versions of resource {patient} ran in order", seen, sorted(seen))
    effects = {effect.split()[3] for effect in world.effects()}
    latest = {f"o{patient}-{versions}" for patient in range(resources)}
    expect("the latest versions that were handled", len(latest & effects), resources)
    expect("dead letters of the FIFO queue", world.sqs.count(dead), 0)


def nothing_of_a_resource_is_in_a_reference(world):
    main, _ = world.sqs.create("references")
    front = world.front(main, FHIR_SUBSCRIPTION_QUEUE_CONTENT="reference")
    sent = [task(number) for number in range(20_000, 20_010)]
    expect("notifications", {world.deliver(front, resource) for resource in sent}, {(204, False)})
    bodies = world.sqs.take(main)
    expect("messages of references", len({json.loads(body)["reference"] for body in bodies}), len(sent))
    for word in (CANARY, "urn:change", "description", "requested", "c2000"):
        expect(f"messages with {word!r}", [body for body in bodies if word in body], [])
    # The Lambda reads them.
    world.resources |= {f"Task/{resource['id']}": resource for resource in sent}
    read, before = world.reads, len(world.effects())
    function = world.function()
    for body in bodies:
        world.sqs("SendMessage", QueueUrl=main, MessageBody=body)
    mapping = Mapping(world.sqs, main, function.invoke)
    mapping.start()
    until("the effects of references", lambda: len(world.effects()) == before + len(sent))
    mapping.end()
    function.kill()
    expect("the resources were read", world.reads - read >= len(sent))


def sizes_near_the_limit_of_sqs(world):
    """A message of the limit travels whole; a byte more, and it travels as a reference. SQS counts bytes, not characters."""
    main, _ = world.sqs.create("sizes")
    front = world.front(main)
    world.deliver(front, task(30_000))
    around = len(world.sqs.take(main)[0].encode()) - len(json.dumps(task(30_000)).encode())
    numbers = iter(range(30_001, 30_100))
    for character in ("x", "é", "\u4e2d", "\U0001f600"):
        bytes_each = len(character.encode())
        for more in (-1, 0, 1):
            number = next(numbers)
            empty = len(json.dumps(task(number, note=""), ensure_ascii=False).encode())
            room = LIMIT + more - around - empty
            text = character * (room // bytes_each) + "x" * (room % bytes_each)
            answer = world.deliver(front, task(number, note=text))
            # A try that was given up may still have put an earlier message there.
            bodies = [body for body in world.sqs.take(main) if f"t{number}" in body]
            whole = {"notification" in json.loads(body) for body in bodies}
            expect(f"{more:+} bytes of {character!r}: answer, whole", (answer, whole), ((204, False), {more <= 0}))
            expect("the message fits", len(bodies[0].encode()) <= LIMIT)


def a_queue_with_a_limit_of_its_own(world):
    main, _ = world.sqs.create("small", MaximumMessageSize="2048")
    front = world.front(main)
    for length, whole in ((100, True), (random.randint(2500, 200_000), False)):
        expect("a notification", world.deliver(front, task(40_000, note="x" * length)), (204, False))
        body = json.loads(world.sqs.take(main)[0])
        expect(f"{length} characters travel whole", "notification" in body, whole)
