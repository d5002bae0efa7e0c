"""Workers that die: their caller hears at once, nobody else notices."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from node import wait_until


def timed_call(node):
    answer = node.call('auln-nap', seconds=4)
    return answer, time.monotonic()


def test_kill_9_of_a_worker_in_a_call_is_answered_within_a_second(fresh_node):
    node = fresh_node
    node.allow('signal 9')
    node.publish_fixtures()
    started = f'dff:started:{node.setting("_NODE_NAME")}'

    with ThreadPoolExecutor(2) as pool:
        # the only call under way is in one of these: kill until it is hit
        call = pool.submit(timed_call, node)
        wait_until(lambda: node.redis('HLEN', started) == 1, 5, 'the start of the call')
        killed_at = time.monotonic()
        for pid in node.python_workers():
            os.kill(pid, signal.SIGKILL)
        answer, ended_at = call.result()

    assert answer.status == 599 and answer.json['error'] == 599.3
    assert 'signal 9' in answer.json['detail']['einfoTEXT']
    assert ended_at - killed_at < 1
    assert node.call('auln-ok').text == 'ok'


def test_a_call_that_ends_its_process_costs_only_itself(node):
    node.allow('signal 9')
    for _ in range(5):
        answer = node.get('/api/v1/al/auln-die')
        assert answer.json['error'] == 599.3 and answer.seconds < 1
        assert node.get('/api/v1/al/auln-ok').text == 'ok'
