"""Fast calls while slow ones run: does a slow function hold up the others?"""

import concurrent.futures
import json
import statistics
import time
import urllib.request

from peers import PROCESSES

SLOW = 20
SECONDS = 5         # of a slow call
FAST = 41           # at most; only while the slow ones run
FAST_FUNCTION = 'test_func'


def call(url, kwargs=None):
    """Seconds that a new connection and one call took."""
    body = None if kwargs is None else json.dumps({'kwargs': kwargs}).encode()
    request = urllib.request.Request(url, body, {'Content-Type': 'application/json'})
    begin = time.monotonic()
    with urllib.request.urlopen(request, timeout=SLOW * SECONDS) as answer:
        answer.read()
    return time.monotonic() - begin


def fast_beside_slow(side):
    """One fast call after another, while slow ones run that were sent a second before."""
    side.as_delivered()
    with concurrent.futures.ThreadPoolExecutor(SLOW) as pool:
        slow = [pool.submit(call, side.url('nap'), {'seconds': SECONDS}) for _ in range(SLOW)]
        time.sleep(1)
        times, end = [], time.monotonic() + SECONDS - 2
        while len(times) < FAST and time.monotonic() < end:
            times.append(call(side.url(FAST_FUNCTION)))
        slowest = max(one.result() for one in slow)
    return {'case': f'fast calls beside {SLOW} of {SECONDS} s, {PROCESSES} processes',
            'fast': len(times), 'p50_ms': statistics.median(times) * 1000,
            'slowest': slowest}
