"""Jobs with an eta: where they wait, and that they run once, when they are due."""

import contextlib
import json
import subprocess
import time

import pytest

from batches import add_batch, call_batch, data_of, result_of
from node import ROOT, wait_until


@pytest.fixture(scope='module')
def batch(session_node):
    add_batch(session_node, 'bat-when', 't__limits.when')
    return 'bat-when'


def iso(unix_s, zone=0):
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(unix_s + zone * 3600)) \
        + f'{unix_s % 1:.3f}'[1:] + (f'+{zone:02}:00' if zone else 'Z')


def finished(node, task, seconds=10):
    return wait_until(lambda: (d := data_of(node, task))['status'] == 'success' and d, seconds,
                      'the run')


def delayed(node):
    return node.redis('ZCARD', 'dff:delayed')


def test_a_job_runs_when_it_is_due(node, batch):
    due = time.time() + 1.5
    answer = call_batch(node, batch, {'eta': iso(due, 8)})
    assert answer.status == 200
    task = answer.json['taskId']
    assert data_of(node, task) == {'status': 'queued', 'result': None}
    assert delayed(node) == 1
    assert node.redis('LLEN', 'dff:queue:9') == 0
    ran = finished(node, task)['result']
    assert due - 0.01 <= ran <= due + 1
    assert delayed(node) == 0


def test_a_time_without_zone_is_the_servers(node, batch):
    due = time.time() + 1
    text = iso(due, 8)[:-6]
    task = call_batch(node, batch, {'eta': text}).json['taskId']
    assert due - 0.01 <= finished(node, task)['result'] <= due + 1


def test_a_time_that_has_passed_is_now(node, batch):
    for eta in (iso(time.time() - 3600), '1970-01-01'):
        begin = time.time()
        task = call_batch(node, batch, {'eta': eta}).json['taskId']
        assert finished(node, task)['result'] - begin < 1


def test_the_eta_of_a_flattened_call(node, batch):
    task = node.get(f'/api/v1/bat/{batch}/flattened', options_eta=iso(time.time() + 0.8)).json[
        'taskId']
    assert data_of(node, task)['status'] == 'queued'
    finished(node, task)


@pytest.mark.parametrize('eta', [
    '', 'now', 'tomorrow', '2037-13-01', '2037-02-30', '2037-01-01T25:00', '2037-01-01T00:00:00X',
    '12:00', 1634173323, 1634173323456, True, None, [], {},
    iso(time.time() + 367 * 86400), '9999-12-31',
])
def test_what_is_no_eta_is_400_and_names_the_option(node, batch, eta):
    answer = call_batch(node, batch, {'eta': eta})
    assert answer.status == 400 and answer.json['error'] == 400.43
    assert 'Option "eta" must be an ISO 8601 time' in answer.json['message']
    assert 'at most 366 days ahead' in answer.json['message']
    assert delayed(node) == 0


def test_a_delayed_job_expires_after_its_time_not_before(node, batch):
    due = time.time() + 7200
    call_batch(node, batch, {'eta': iso(due), 'timeout': 10})
    job, = node.redis('ZRANGE', 'dff:delayed', 0, -1)
    score = node.redis('ZSCORE', 'dff:delayed', job)
    head = json.loads(job.split('\n', 1)[1][:int(job.split()[1])])
    assert abs(float(score) - due * 1000) < 2
    assert abs(head['expiresAt'] - (due * 1000 + 240000)) < 2
    key = f"dff:result:{head['id']}"
    assert node.redis('TTL', key) > 7200 + 240
    node.redis('DEL', 'dff:delayed')


def test_more_delayed_jobs_than_the_queue_limit_are_refused(make_node):
    node = make_node(_WORKER_QUEUE_LIMIT=2)
    node.start()
    node.publish_fixtures()
    add_batch(node, 'bat-when', 't__limits.when')
    eta = iso(time.time() + 3600)
    tasks = [call_batch(node, 'bat-when', {'eta': eta}).json['taskId'] for _ in range(2)]
    answer = call_batch(node, 'bat-when', {'eta': eta})
    assert answer.status == 599 and answer.json['error'] == 599.5
    assert answer.json['detail'] == {'queue': 'delayed', 'length': 2, 'limit': 2}
    assert delayed(node) == 2
    assert sorted(node.redis('KEYS', 'dff:result:*')) == sorted(f'dff:result:{t}' for t in tasks)
    assert call_batch(node, 'bat-when').status == 200


def test_what_nobody_can_read_among_the_delayed_goes_to_bad(node, batch):
    node.redis('ZADD', 'dff:delayed', 1, 'nonsense')
    wait_until(lambda: node.redis('LRANGE', 'dff:bad', 0, 0) == ['nonsense'], 3, 'the move')
    assert delayed(node) == 0
    node.redis('DEL', 'dff:bad')


@contextlib.contextmanager
def second_executor(node):
    """Another node's executor on the same Redis."""
    folder = node.install / 'second'
    (folder / 'run').mkdir(parents=True)
    config = folder / 'user-config.yaml'
    lines = [line for line in node.config.read_text().splitlines()
             if not line.startswith(('_NODE_NAME:', '_RUN_PATH:'))]
    config.write_text('\n'.join(lines + ['_NODE_NAME: second', f'_RUN_PATH: {folder}/run', '']))
    child = subprocess.Popen([node.install / 'bin/dff-executor', '--config', config],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: node.redis('EXISTS', 'dff:node:second'), 10, 'the second executor')
        yield
    finally:
        child.terminate()
        child.wait(20)


def claimed_jobs(node):
    names = node.redis('SMEMBERS', 'dff:nodes')
    return sum(json.loads(node.redis('GET', f'dff:node:{name}'))['counters']['claimed']
               for name in names)


def test_two_masters_do_not_run_a_delayed_job_twice(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    add_batch(node, 'bat-when', 't__limits.when')
    count = 240
    before = len(list((ROOT / 't/fixtures').glob('*.py')))      # each was checked by a worker
    with second_executor(node):
        due = time.time() + 6
        tasks = [call_batch(node, 'bat-when', {'eta': iso(due)}).json['taskId']
                 for _ in range(count)]
        assert time.time() < due, 'the machine is too slow for this test'
        wait_until(lambda: claimed_jobs(node) == before, 3, 'the heartbeats')
        assert delayed(node) == count
        for task in tasks:
            assert due - 0.01 <= finished(node, task, 20)['result']
        assert delayed(node) == 0
        wait_until(lambda: claimed_jobs(node) - before >= count, 5, 'the heartbeats')
        assert claimed_jobs(node) - before == count
        assert result_of(node, tasks[0]).status == 200
