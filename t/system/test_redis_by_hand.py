"""Somebody else writes to the keys of DFF: an operator deletes one or sets it to something else,
a Redis that evicts takes one away. Jobs are not silently lost by that, where the executor still
has them."""

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from batches import add_batch, call_batch, data_of
from faults import marks_folder, read_marks
from ledger import check_ledger
from node import wait_until


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as made:
        yield made


@pytest.fixture
def claimed(node):
    return f'dff:claimed:{node.setting("_NODE_NAME")}'


@pytest.fixture
def started(node):
    return f'dff:started:{node.setting("_NODE_NAME")}'


def all_busy(node, pool, started, seconds):
    """Calls that keep both workers of the node busy."""
    calls = [pool.submit(node.call, 'auln-nap', seconds=seconds) for _ in range(2)]
    wait_until(lambda: node.redis('HLEN', started) == 2, 5, 'the busy workers')
    return calls


@contextlib.contextmanager
def wrong_type(node, key):
    """It is a text, which no list and no hash is."""
    assert not node.redis('EXISTS', key)
    node.allow('WRONGTYPE')
    node.redis('SET', key, 'x')
    try:
        yield
    finally:
        node.redis('DEL', key)


def test_the_caller_of_a_job_that_was_taken_out_of_redis_is_told(node, pool, claimed, started):
    all_busy(node, pool, started, 1)
    check_ledger(node)
    call = pool.submit(node.call, 'auln-ok')
    wait_until(lambda: node.redis('LLEN', claimed) == 1, 5, 'the claim')
    node.redis('DEL', claimed)
    answer = call.result()
    assert answer.json['reason'] == 'EFuncFailed' and answer.seconds < 3, answer
    assert answer.json['detail']['etype'] == 'WorkerLostError', answer
    check_ledger(node, claimed=0, running=0)


def test_a_job_starts_when_the_key_of_started_jobs_is_a_hash_again(node, pool, started):
    begin = node.log_ends()
    with wrong_type(node, started):
        call = pool.submit(node.call, 'auln-ok')
        wait_until(lambda: 'start of a job was refused' in node.log_since(begin), 5,
                   'the refusal')
        time.sleep(2.2)
    assert call.result().text == 'ok', call.result()
    check_ledger(node, claimed=0, running=0)
    assert node.log_since(begin).count('start of a job was refused') == 1


def test_that_redis_has_no_memory_is_told_once(node):
    node.allow('OOM')
    begin = node.log_ends()
    node.redis('CONFIG', 'SET', 'maxmemory', 1)
    try:
        wait_until(lambda: 'heartbeat is refused' in node.log_since(begin), 5, 'the refusal')
        time.sleep(4.5)         # two more heartbeats
    finally:
        node.redis('CONFIG', 'SET', 'maxmemory', 0)
    wait_until(lambda: node.call('auln-ok').status == 200, 10, 'the end of the outage')
    refusals = [line.split(' ', 2)[-1] for line in node.log_since(begin).splitlines()
                if 'OOM' in line]
    assert len(refusals) == len(set(refusals)), refusals


def test_a_job_waits_for_its_script_while_no_script_can_be_read(node, pool):
    begin, text = node.log_ends(), 'HGET dff:scripts t__basic'

    def asked_for():
        """The executor may hear of the change after it has the job."""
        calls.append(pool.submit(node.call, 'auln-ok', {'apiTimeout': 30}))
        wait(calls, 0.5)
        return text in node.log_since(begin)

    calls = []
    node.allow('WRONGTYPE')
    node.redis('RENAME', 'dff:scripts', 'dff:aside')
    node.redis('SET', 'dff:scripts', 'x')
    try:
        node.redis('PUBLISH', 'dff:changed', 'flush')
        wait_until(asked_for, 5, 'the refusal')
        time.sleep(2.2)
    finally:        # in one step: a script that is nowhere would be told to the caller
        node.redis('RENAME', 'dff:aside', 'dff:scripts')
    assert [call.result().text for call in calls] == len(calls) * ['ok']
    assert node.log_since(begin).count(text) == 1
    check_ledger(node, claimed=0, running=0)


def test_a_claimed_job_stays_while_its_queue_is_no_list(node, pool, claimed, started):
    all_busy(node, pool, started, 1)
    call = pool.submit(node.call, 'auln-ok', {'apiTimeout': 30})
    wait_until(lambda: node.redis('LLEN', claimed) == 1, 5, 'the claim')
    with wrong_type(node, 'dff:queue:1'):
        node.stop('executor')
        assert node.redis('LLEN', claimed) == 1
    node.start('executor')
    assert call.result().text == 'ok', call.result()
    check_ledger(node, claimed=0, running=0)


def test_a_delayed_job_stays_while_its_queue_is_no_list(node):
    add_batch(node, 'bat-by-hand', 't__limits.when')
    due = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 2))
    with wrong_type(node, 'dff:queue:9'):
        task = call_batch(node, 'bat-by-hand', {'eta': due}).json['taskId']
        wait_until(lambda: 'moving delayed jobs' in node.log_text(), 5, 'the refusal')
        assert node.redis('ZCARD', 'dff:delayed') == 1
    wait_until(lambda: data_of(node, task)['status'] == 'success', 5, 'the run')
    check_ledger(node)


def test_a_job_whose_worker_died_stays_while_its_queue_is_no_list(node, pool, started):
    path, mark = marks_folder(node) / os.urandom(4).hex(), 'again'
    node.allow('signal 9', 'closed its socket')
    call = pool.submit(node.call, 'auln-mark-again', {'apiTimeout': 20}, path=str(path),
                       mark=mark, seconds=1)
    wait_until(lambda: read_marks(path)[0][mark], 5, 'the start')
    with wrong_type(node, 'dff:queue:1'):
        for pid in node.python_workers():
            os.kill(pid, 9)
        time.sleep(3.5)         # as many attempts as a job has starts
        assert node.redis('HLEN', started) == 1
    assert call.result().text == mark, call.result()
    assert read_marks(path)[0][mark] == 2
    check_ledger(node, claimed=0, running=0)
