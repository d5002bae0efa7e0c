"""Jobs that nobody waits for: how fast they are taken in, and how fast they are done."""

import time

from measure import cpu_seconds, wrk


def enqueue_and_drain(side, jobs, folder):
    """With the workers away `jobs` are enqueued over HTTP; then the workers come back. The
    drain is timed from their first job to the last, without their start."""
    side.hold()
    method, url, body = side.async_request()
    assert (method == 'POST') == (body is not None)
    before = cpu_seconds(side.pids())
    calls, seconds = 0, 0.0
    while calls < jobs:
        result = wrk(folder, url, 32, 2, body)
        calls += result['calls']
        seconds += result['calls'] / result['rate']
    enqueue_cpu = (cpu_seconds(side.pids()) - before) / calls * 1e6
    total = side.waiting()
    assert total >= calls, f'{calls} accepted, {total} waiting'

    side.go_on()
    deadline = time.monotonic() + 30
    while side.waiting() == total:
        assert time.monotonic() < deadline, 'the workers do not begin'
        time.sleep(0.01)
    first, begin = side.waiting(), time.monotonic()
    before = cpu_seconds(side.pids())
    while True:
        left, now = side.waiting(), time.monotonic()
        if left == 0 or now - begin > 120:
            break
        time.sleep(0.05)
    return {
        'jobs': total, 'enqueued': calls / seconds, 'enqueue_cpu': enqueue_cpu,
        'drained': (first - left) / (now - begin), 'left': left,
        'cpu': (cpu_seconds(side.pids()) - before) / (first - left) * 1e6,
    }
