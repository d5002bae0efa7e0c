"""Functions that an api process runs and waits for, while what it waits with is cut."""

import concurrent.futures
import os
import signal
import time

import pytest

from api import administrator, bad, good
from node import wait_until
from test_api_process import api_pids, wait_ready
from test_link_limits import head_of

SCRIPT = '''
import time


@DFF.API('Sleeps', timeout=30, api_timeout=30)
def sleep(seconds, value):
    time.sleep(seconds)
    return value


@DFF.API('Nobody serves its queue', queue=3)
def queued():
    pass
'''

PATH = '/api/v1/func/demo__replies.sleep'


@pytest.fixture
def served(make_node, tmp_path):
    """A node without workers for queue 3, and an administrator of it."""
    node = make_node(_WORKER_GROUPS='0-2;4-9', _WORKER_QUEUE_LIMIT=2, _API_PROCESSES=1)
    node.start()
    path = tmp_path / 'it.py'
    path.write_text(SCRIPT)
    node.publish(path, 'demo__replies')
    node.redis('CONFIG', 'SET', 'appendfsync', 'always')
    return node, administrator(node)


def call(admin, seconds, value):
    return good(admin.post(PATH, {'kwargs': {'seconds': seconds, 'value': value}}))['data']['result']


def running(node, count):
    wait_until(lambda: node.redis('HLEN', f"dff:started:{node.setting('_NODE_NAME')}") == count, 10,
               f'{count} running functions')


def reply_links(node):
    """The connections of api processes."""
    return [client['id'] for client in node.redis.clients()
            if client['name'].startswith('dff-executor-api-')]


def test_a_reply_arrives_though_connections_break_meanwhile(served):
    node, admin = served
    node.allow('Redis ', 'connection "')
    with concurrent.futures.ThreadPoolExecutor() as pool:
        calls = [pool.submit(call, admin, 2, number) for number in range(2)]
        running(node, 2)
        end = time.monotonic() + 2.5
        while time.monotonic() < end:      # when it is pushed, too
            for client in reply_links(node):
                node.redis('CLIENT', 'KILL', 'ID', client, check=False)
            time.sleep(0.05)
        results = [each.result() for each in calls]
    assert results == [0, 1]


def test_a_reply_arrives_though_redis_restarts_meanwhile(served):
    node, admin = served
    node.allow('Redis ', 'connection "')
    with concurrent.futures.ThreadPoolExecutor() as pool:
        future = pool.submit(call, admin, 4, 'x')
        running(node, 1)
        node.restart('redis')
        result = future.result()
    assert result == 'x'


def test_a_full_queue_is_answered_at_once_and_takes_nothing(served):
    node, admin = served
    path = '/api/v1/func/demo__replies.queued'
    for _ in range(2):
        bad(admin.post(path, {'options': {'apiTimeout': 1}}), 'EAPITimeout', 599)
    begin = time.monotonic()
    value = bad(admin.post(path, {'options': {'apiTimeout': 10}}), 'EWorkerQueueCongestion', 599)
    assert time.monotonic() - begin < 3 and value['error'] == 599.5
    assert node.redis('LLEN', 'dff:queue:3') == 2


def test_a_job_expires_unless_its_caller_says_never(served):
    node, admin = served
    path, heads = '/api/v1/func/demo__replies.queued', []
    for options in ({'execMode': 'async'}, {'execMode': 'async', 'neverExpire': True},
                    {'apiTimeout': 1}, {'apiTimeout': 1, 'neverExpire': True}):
        admin.post(path, {'options': options})
        heads.append(head_of(node.redis('LPOP', 'dff:queue:3')))
    assert ['expiresAt' in head for head in heads] == [True, False, True, False]
    task = heads[1]['id']
    assert admin.get(f'/api/v1/func-result?taskId={task}').json['data']['status'] == 'queued'


def test_a_process_that_is_replaced_answers_what_it_waits_for(served):
    node, admin = served
    before = wait_ready(node, 1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        future = pool.submit(call, admin, 3, 'old')
        running(node, 1)
        os.kill(node.pid('executor'), signal.SIGUSR1)
        wait_until(lambda: set(api_pids(node)) - set(before), 10, 'the new process')
        assert call(admin, 0, 'new') == 'new'
        result = future.result()
    assert result == 'old'
    wait_ready(node, 1, before)
