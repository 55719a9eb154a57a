"""Many notifications, while the consumer is killed, SQS refuses for a while, and SQS delivers some twice."""

import queue as queues
import statistics
import sys
import threading
import time

from aws import Mapping
from web import expect, until
from world import task

# The handlers dawdle, and fail one time in eight. Eleven seconds stand for the forty of a handler that no caller waits for.
LIMIT = 1200
KILLS = 4


def nothing_is_lost_and_each_is_handled_once(world, count):
    main, dead = world.sqs.create("notifications", tries=200)
    front = world.front(main)
    # As a Managed Instance, which has both batches at once.
    function = world.function(at_once=2, seed="7")
    mappings = [Mapping(world.sqs, main, function.invoke, twice=0.1, seed=seed) for seed in range(2)]
    for mapping in mappings:
        mapping.start()
    senders = Senders(world, front, count)
    end, kills = time.monotonic() + LIMIT, 0
    while senders.are_busy() or len(world.effects()) < count:
        for mapping in mappings:
            if mapping.error:
                sys.exit(f"queue: the poller failed: {mapping.error}")
        if kills < KILLS and len(senders.waits) / count > (kills + 1) / (KILLS + 2):
            # In the middle of what it is at.
            world.proxy.refusing = kills + 1 == KILLS // 2
            function.kill()
            function.start()
            kills += 1
            if world.proxy.refusing:
                until("a refusal", lambda: world.proxy.refused > 3)
                time.sleep(1)
                world.proxy.refusing = False
        if time.monotonic() > end:
            sys.exit(f"queue: {len(world.effects())} effects of {count}, {world.sqs.count(main)} messages are left")
        time.sleep(0.1)
    until("the queue is empty", lambda: world.sqs.count(main) == 0, 120)
    for mapping in mappings:
        mapping.end()
    function.kill()

    expect("notifications that were answered with 204", len(senders.waits), count)
    changes = [effect.split()[3] for effect in world.effects()]
    expect("effects", len(changes), count)
    expect("different effects", len(set(changes)), count)
    expect("dead letters", world.sqs.count(dead), 0)
    expect("the function was killed", kills, KILLS)
    expect("SQS refused, and the server was told to send again", world.proxy.refused > 0 and senders.again > 0)
    waits = sorted(senders.waits)
    late = waits[int(len(waits) * 0.99)] * 1000
    # 300 ms are promised. A machine that builds something beside cannot say whether they are kept.
    total = {name: sum(getattr(mapping, name) for mapping in mappings) for name in ("batches", "failed", "broken")}
    print(
        f"queue: answered after SQS's answer: median {statistics.median(waits) * 1000:.1f} ms, 99 % {late:.1f} ms, slowest "
        f"{waits[-1] * 1000:.1f} ms; {total['batches']} batches, {total['failed']} messages failed and came again, "
        f"{total['broken']} batches broken",
        flush=True,
    )


class Senders:
    """A server that notifies from several threads, and sends again what it is told to."""

    def __init__(self, world, front, count):
        self.world, self.front = world, front
        self.waits, self.again, self.lock = [], 0, threading.Lock()
        self.work = queues.Queue()
        for number in range(count):
            self.work.put(number)
        self.threads = [threading.Thread(target=self.send, daemon=True) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def are_busy(self):
        return any(thread.is_alive() for thread in self.threads)

    def send(self):
        while True:
            try:
                number = self.work.get_nowait()
            except queues.Empty:
                return
            while True:
                status, may_again = self.world.notify(self.front, task(number))
                answered = time.monotonic()
                if status == 204:
                    break
                if status != 503 or not may_again:
                    print(f"queue: a notification was answered {status}", flush=True)
                    return
                with self.lock:
                    self.again += 1
                time.sleep(0.2)
            with self.lock:
                self.waits.append(answered - self.world.proxy.taken[f"Task/t{number}"])
