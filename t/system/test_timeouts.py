"""Limits of a call, on the real system: the API timeout, the soft limit, the kill."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from node import wait_until


def started(node):
    return node.redis('HKEYS', f'dff:started:{node.setting("_NODE_NAME")}')


def result_of(node, task_id):
    return node.get(f'/api/v1/func-result?taskId={task_id}')


def test_a_late_function_is_answered_599_1_and_its_result_can_be_fetched(node):
    answer = node.call('auln-nap', {'apiTimeout': 2}, seconds=5)

    assert answer.status == 599
    assert answer.json['error'] == 599.1 and answer.json['reason'] == 'EAPITimeout'
    assert 1.99 <= answer.seconds <= 2.1
    task = answer.json['detail']['id']

    running = result_of(node, task)
    assert running.json['data'] == {'status': 'running', 'result': None}

    done = wait_until(
        lambda: (r := result_of(node, task)).json['data']['status'] == 'success' and r, 5,
        'the end of the function')
    assert done.json['data']['result'] == 'rested'
    assert done.json['data']['startTime'] < done.json['data']['endTime']

    assert node.get(f'/api/v1/func-result?taskId={task}&unfold=true').text == 'rested'


@pytest.mark.parametrize('kept', [False, True])
def test_a_function_that_ends_just_before_the_api_timeout_leaves_only_a_result_that_is_kept(
        node, kept):
    for _ in range(3):             # 0.87 s: when 599.1 is prepared already
        answer = node.call('auln-nap', {'apiTimeout': 1, 'saveResult': kept}, seconds=0.87)
        if answer.status == 200:
            break
    assert answer.status == 200, answer
    task = answer.headers['x-dff-task-id']
    key = f'dff:result:{task}'
    if kept:
        time.sleep(0.3)
        assert result_of(node, task).json['data']['status'] == 'success'
    else:
        wait_until(lambda: node.redis('EXISTS', key) == 0, 2, 'the end of the marker')
        time.sleep(0.3)
        assert node.redis('EXISTS', key) == 0


def test_a_job_that_no_worker_has_taken_is_queued(node):
    with ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(node.call, 'auln-nap', seconds=4) for _ in node.python_workers()]
        wait_until(lambda: len(started(node)) >= 2, 3, 'the start of the long calls')

        answer = node.call('auln-nap', {'apiTimeout': 1}, seconds=0)
        assert answer.json['error'] == 599.1
        state = result_of(node, answer.json['detail']['id']).json['data']
        assert state == {'status': 'queued', 'result': None}

        assert {one.result().text for one in busy} == {'rested'}


def test_the_soft_limit_ends_a_sleep_a_loop_and_a_regular_expression_in_time(node):
    node.allow('SoftTimeLimitExceeded')
    for link in ('auln-oversleep', 'auln-overrun', 'auln-backtrack'):
        answer = node.call(link, {'timeout': 2})
        assert answer.status == 599
        assert answer.json['error'] == 599.31 and answer.json['reason'] == 'EFuncTimeout'
        assert answer.json['detail']['etype'] == 'SoftTimeLimitExceeded'
        assert 1.99 <= answer.seconds <= 2.3


def test_stuck_c_code_is_killed_after_the_grace_and_the_result_says_timeout(node):
    node.allow('killed', 'SoftTimeLimitExceeded')
    workers = set(node.python_workers())

    answer = node.call('auln-stuck', {'timeout': 2})
    assert answer.json['error'] == 599.1          # its caller stops waiting at 3 s
    assert 2.9 <= answer.seconds <= 3.2
    task = answer.json['detail']['id']
    called_at = time.monotonic() - answer.seconds

    done = wait_until(
        lambda: (r := result_of(node, task)).json['data']['status'] == 'timeout' and r, 6,
        'the kill')
    assert done.json['data']['error'] == 599.31
    assert 6.9 <= time.monotonic() - called_at <= 7.5     # 2 s and the grace of 5 s

    wait_until(lambda: len(node.python_workers()) == len(workers)
               and set(node.python_workers()) != workers, 5, 'the replacement of the worker')
    assert node.get('/api/v1/al/auln-ok').text == 'ok'


def test_an_exception_is_599_30_with_its_type(node):
    node.allow('ValueError')
    answer = node.call('auln-boom')
    assert answer.status == 599
    assert answer.json['error'] == 599.3
    assert answer.json['detail']['etype'] == 'ValueError'
    assert answer.json['detail']['einfoTEXT'].endswith('ValueError: x')
