"""Queue mode and the entrances that are no HTTP, for real: `suite.py PROGRAM COUNT`.

The program runs as `serve`, which lets notifications in and puts them on the queue; and as the Lambda under AWS's Runtime
Interface Emulator, which is killed now and then. Every wait is for an event.
"""

import contextlib
import os
import signal
import sys
import tempfile
import time

import entrances
import messages
import storm
from world import World


def main(program, count):
    begun = time.monotonic()
    # What it has started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="fhir-sub-queue-"))
        # As a Managed Instance the program runs as a user of its own.
        os.umask(0)
        os.chmod(directory, 0o777)
        world = World(program, directory, stack)
        cases = [
            storm.nothing_is_lost_and_each_is_handled_once,
            messages.the_order_of_a_resource_is_kept,
            messages.nothing_of_a_resource_is_in_a_reference,
            messages.sizes_near_the_limit_of_sqs,
            messages.a_queue_with_a_limit_of_its_own,
            entrances.what_nobody_can_handle_ends_in_the_dead_letter_queue,
            entrances.each_event_is_what_its_shape_says,
        ]
        for case in cases:
            started = time.monotonic()
            case(world, count) if case.__module__ == "storm" else case(world)
            print(f"queue: {case.__name__} in {time.monotonic() - started:.0f} s", flush=True)
        world.has_no_secrets_in_its_log(count)
    print(f"queue: passed in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
