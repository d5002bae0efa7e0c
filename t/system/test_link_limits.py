"""Limits of a link on the real system: throttling, changes of a link, the queue limit,
and what a caller is told of a job that waits."""

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from batches import add_batch, call_batch, data_of, result_of
from detour import detour_nginx
from node import wait_until
from redis_proxy import RedisProxy

LIMIT = 3


@pytest.fixture
def full_node(make_node):
    """A node with a short queue and no executor yet: its jobs stay in their queues."""
    node = make_node(_WORKER_QUEUE_LIMIT=LIMIT)
    node.start()
    node.publish_fixtures()
    add_batch(node, 'bat-ok', 't__basic.ok')
    node.stop('executor')
    return node


def begin_of_second():
    time.sleep(1 - time.time() % 1)


def queue_length(node, queue):
    return node.redis('LLEN', f'dff:queue:{queue}')


@contextlib.contextmanager
def callers(count):
    """Threads that wait for answers."""
    with ThreadPoolExecutor(count) as pool:
        yield pool


# --- throttling ------------------------------------------------------------------------------


def test_by_second_lets_that_many_calls_through_in_each_second(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-second', '--throttling',
             '{"bySecond": 3}')
    for _ in range(2):
        begin_of_second()
        begin = int(time.time())
        answers = [node.call('auln-second') for _ in range(5)]
        assert int(time.time()) == begin, 'the machine is too slow for this test'
        assert [answer.status for answer in answers] == [200, 200, 200, 403, 403]
        assert answers[3].json['detail'] == {
            'rule': 'bySecond', 'limit': 3, 'currentCount': 3, 'waitSeconds': 1}
        assert answers[3].headers['retry-after'] == '1'


def test_calls_that_another_node_has_counted_count_here(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-shared', '--throttling',
             '{"byYear": 10}')
    year = int(time.time()) // (365 * 86400)
    node.redis('SET', f'dff:throttle:al:auln-shared:byYear:{year}', 9)
    assert node.call('auln-shared').status == 200
    answer = node.call('auln-shared')
    assert answer.json['reason'] == 'EBizCondition.AuthLinkThrottling'
    assert answer.json['detail']['currentCount'] == 10
    wait = answer.json['detail']['waitSeconds']
    assert abs((year + 1) * 365 * 86400 - time.time() - wait) < 3
    assert answer.headers['retry-after'] == str(wait)


def test_a_refused_call_counts_in_no_window(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-lim-once', '--throttling',
             '{"byHour": 1, "byDay": 100, "byYear": 100}')
    assert [node.call('auln-lim-once').status for _ in range(6)] == [200] + [403] * 5
    counters = {key.split(':')[4]: node.redis('GET', key)
                for key in node.redis('KEYS', 'dff:throttle:al:auln-lim-once:*')}
    assert counters == {'byHour': '1', 'byDay': '1', 'byYear': '1'}


def test_counters_go_when_their_window_has_ended(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-ttl', '--throttling',
             '{"bySecond": 100, "byMinute": 100}')
    node.call('auln-ttl')
    for key in node.redis('KEYS', 'dff:throttle:al:auln-ttl:*'):
        assert 0 < node.redis('TTL', key) <= (6 if 'bySecond' in key else 66), key


def test_many_calls_at_once_do_not_pass_the_limit(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-crowd', '--throttling', '{"byDay": 20}')
    with callers(16) as pool:
        answers = list(pool.map(lambda _: node.call('auln-crowd').status, range(64)))
    assert answers.count(200) == 20 and answers.count(403) == 44


def test_a_batch_is_throttled_by_its_own_reason(node):
    add_batch(node, 'bat-throttled', 't__basic.ok')
    key = 'dff:route:bat:bat-throttled'
    route = {**json.loads(node.redis('GET', key)), 'throttling': {'byDay': 1}}
    node.redis('SET', key, json.dumps(route))
    node.redis('PUBLISH', 'dff:changed', 'route bat bat-throttled')
    time.sleep(0.1)
    assert call_batch(node, 'bat-throttled').status == 200
    answer = call_batch(node, 'bat-throttled')
    assert answer.status == 403
    assert answer.json['reason'] == 'EBizCondition.BatchThrottling'


def test_throttling_that_nobody_can_read_refuses_and_is_an_error(node):
    node.allow('unknown rule')
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-odd')
    key = 'dff:route:al:auln-odd'
    route = {**json.loads(node.redis('GET', key)), 'throttling': {'byWeek': 1}}
    node.redis('SET', key, json.dumps(route))
    assert node.call('auln-odd').status == 500
    assert 'auln-odd' in node.log_text()


def test_without_redis_a_throttled_call_is_503_within_a_second_or_so(fresh_node):
    fresh_node.allow('Redis', 'redis', 'dff:')
    fresh_node.publish_fixtures()
    fresh_node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-away', '--throttling',
                   '{"byDay": 1000}')
    assert fresh_node.call('auln-away').text == 'ok'
    fresh_node.kill('redis')
    for _ in range(3):
        answer = fresh_node.call('auln-away')
        assert answer.status == 503 and answer.json['error'] == 503.53
        assert answer.seconds < 2
    fresh_node.start('redis')
    wait_until(lambda: fresh_node.call('auln-away').status == 200, 10, 'the recovery')


# --- changes of a link --------------------------------------------------------------------------


def test_a_change_of_a_link_is_live_in_every_nginx_worker_at_once(node):
    workers = len(node.processes('nginx')) - 1
    assert workers >= 2, 'this machine has one processor: one nginx worker'
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-change')

    def outcome(answer):
        return answer.text if answer.status == 200 else answer.json['reason']

    def answers():
        # New connections go to whichever worker is first.
        return {outcome(node.call('auln-change')) for _ in range(20)}

    node.allow('TypeError')
    for words, expected in (
            (['--disabled'], {'EBizCondition.AuthLinkDisabled'}),
            (['--enabled'], {'ok'}),
            (['--expire', '2021-01-01'], {'EBizCondition.AuthLinkExpired'}),
            (['--expire', ''], {'ok'}),
            (['--throttling', '{"byYear": 0}'], None),
            (['--throttling', '{"byYear": 1}'], {'ok', 'EBizCondition.AuthLinkThrottling'}),
            (['--throttling', ''], {'ok'}),
            (['--func', 't__basic.plus'], {'EFuncFailed'}),
            (['--kwargs', '{"x": 1, "y": 2}'], {'3'}),
    ):
        done = node.ctl('link', 'modify', 'auln-change', *words, check=expected is not None)
        if expected is None:
            assert done.returncode == 2 and '"byYear" must be an integer from 1' in done.stderr
            continue
        assert answers() == expected, words


def test_disabling_takes_effect_within_100_ms(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-off')
    key = 'dff:route:al:auln-off'
    off = json.dumps({**json.loads(node.redis('GET', key)), 'isDisabled': True})
    assert node.call('auln-off').text == 'ok'
    for _ in range(3):
        node.redis('SET', key, off)
        node.redis('PUBLISH', 'dff:changed', 'route al auln-off')
        begin = time.monotonic()
        wait_until(lambda: node.call('auln-off').status == 403, 2, 'the change')
        assert time.monotonic() - begin < 0.1
        assert {node.call('auln-off').status for _ in range(10)} == {403}
        node.ctl('link', 'modify', 'auln-off', '--enabled')
        assert {node.call('auln-off').status for _ in range(10)} == {200}


def test_settings_of_a_link_are_kept_until_they_are_changed(node):
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-kept', '--expire', '2037-01-01T08:00:00',
             '--throttling', '{"byDay":5}', '--show-in-doc', '--disabled')
    node.ctl('link', 'modify', 'auln-kept', '--kwargs', '{"a":1}')
    node.ctl('link', 'add', 't__basic.ok', '--id', 'auln-kept', '--update')
    shown = json.loads(node.ctl('link', 'show', 'auln-kept', '--json').stdout)
    assert {key: shown[key] for key in ('state', 'expireTime', 'throttlingJSON', 'showInDoc',
                                        'funcCallKwargsJSON')} == {
        'state': 'disabled', 'expireTime': '2037-01-01 00:00:00.000',     # of Asia/Shanghai
        'throttlingJSON': {'byDay': 5}, 'showInDoc': True, 'funcCallKwargsJSON': {'a': 1}}

    node.ctl('link', 'modify', 'auln-kept', '--enabled', '--hide-in-doc', '--expire', '',
             '--throttling', '')
    shown = json.loads(node.ctl('link', 'show', 'auln-kept', '--json').stdout)
    assert (shown['state'], shown['expireTime'], shown['throttlingJSON'], shown['showInDoc']) == (
        'ok', None, None, False)


def test_wrong_settings_of_a_link_say_what(node):
    for words, status, text in (
            (['add', 't__basic.ok', '--expire', 'tomorrow'], 2, '--expire must be an ISO 8601'),
            (['add', 't__basic.ok', '--expire', '2021-02-30'], 2, '--expire must be'),
            (['add', 't__basic.ok', '--expire', '2038-02-01'], 2, 'from 1970 to 2037'),
            (['add', 't__basic.ok', '--throttling', '{"byWeek":1}'], 2, 'unknown rule "byWeek"'),
            (['add', 't__basic.ok', '--throttling', '{"byDay":0}'], 2, '"byDay" must be'),
            (['add', 't__basic.ok', '--throttling', '[]'], 2, 'must be a JSON object'),
            (['add', 't__basic.ok', '--disabled', '--enabled'], 2, 'exclude each other'),
            (['modify', 'auln-nobody', '--disabled'], 1, 'no such auth link: auln-nobody'),
            (['modify', 'a/b', '--disabled'], 2, 'not a link id'),
            (['modify', 'auln-ok', '--func', 't__basic.nonesuch'], 1, 'no such function'),
            (['show', 'auln-nobody'], 1, 'no such auth link: auln-nobody'),
    ):
        done = node.ctl('link', *words, check=False)
        assert done.returncode == status and text in done.stderr, (words, done)


def test_a_link_whose_function_is_gone_is_404_no_such_func(node):
    node.ctl('script', 'publish', '-', '--id', 't__limgone', stdin="@DFF.API('x')\ndef f(): pass\n")
    node.ctl('link', 'add', 't__limgone.f', '--id', 'auln-lim-gone')
    assert node.call('auln-lim-gone').status == 200
    node.ctl('script', 'publish', '-', '--id', 't__limgone', stdin="@DFF.API('x')\ndef g(): pass\n")
    answer = node.call('auln-lim-gone')
    assert answer.status == 404 and answer.json['message'] == 'No such Func'
    assert answer.json['detail'] == {'funcId': 't__limgone.f'}


# --- the queue limit ------------------------------------------------------------------------------


def test_over_the_queue_limit_is_599_50_with_the_true_length(full_node):
    node = full_node
    with callers(LIMIT) as pool:
        waiting = [pool.submit(node.call, 'auln-ok', timeout=20) for _ in range(LIMIT)]
        wait_until(lambda: queue_length(node, 1) == LIMIT, 5, 'the full queue')
        for _ in range(3):
            answer = node.call('auln-ok')
            assert answer.status == 599
            assert answer.json['error'] == 599.5
            assert answer.json['reason'] == 'EWorkerQueueCongestion'
            assert answer.json['detail'] == {'queue': 1, 'length': LIMIT, 'limit': LIMIT}
            assert answer.seconds < 1
        assert queue_length(node, 1) == LIMIT
        node.start('executor')
        assert [one.result().text for one in waiting] == ['ok'] * LIMIT
    assert node.call('auln-ok').text == 'ok'


def test_over_the_queue_limit_a_batch_is_refused_and_leaves_nothing(full_node):
    node = full_node
    tasks = [call_batch(node, 'bat-ok').json['taskId'] for _ in range(LIMIT)]
    for _ in range(3):
        answer = call_batch(node, 'bat-ok')
        assert answer.json['error'] == 599.5
        assert answer.json['detail'] == {'queue': 9, 'length': LIMIT, 'limit': LIMIT}
    assert queue_length(node, 9) == LIMIT
    assert sorted(node.redis('KEYS', 'dff:result:*')) == sorted(
        f'dff:result:{task}' for task in tasks)
    node.start('executor')
    for task in tasks:
        wait_until(lambda task=task: data_of(node, task)['status'] == 'success', 10, 'the batch')


@pytest.mark.parametrize('kind', ['auth link', 'batch'])
def test_a_job_that_was_claimed_before_it_was_taken_back_is_run(full_node, kind):
    """nginx asks for the job back, but an executor is faster."""
    node = full_node
    path = node.install / 'run/proxy.sock'
    detour_nginx(node, REDIS_SOCKET=path)
    with RedisProxy(path, node.setting('REDIS_SOCKET')) as proxy, callers(LIMIT + 1) as pool:
        node.restart('nginx')
        wait_until(lambda: node.get('/api/v1/do/ping').status == 200, 5, 'nginx')
        call = {'auth link': lambda: node.call('auln-ok', timeout=20),
                'batch': lambda: call_batch(node, 'bat-ok')}[kind]
        first = [pool.submit(call) for _ in range(LIMIT)]
        wait_until(lambda: queue_length(node, 1) + queue_length(node, 9) == LIMIT, 5, 'the queue')

        proxy.hold('LREM')
        late = pool.submit(call)
        assert proxy.held.wait(5), 'the job was not asked back'
        node.start('executor')
        wait_until(lambda: queue_length(node, 1) + queue_length(node, 9) == 0, 10, 'the claim')
        proxy.release()

        answer = late.result()
        assert answer.status == 200, answer
        if kind == 'batch':
            task = answer.json['taskId']
            wait_until(lambda: data_of(node, task)['status'] == 'success', 10, 'the batch')
        else:
            assert answer.text == 'ok'
        assert {one.result().status for one in first} == {200}
        node.stop('nginx')


# --- jobs that wait ----------------------------------------------------------------------------------


def test_a_timeout_in_the_queue_says_queued_and_for_how_long(full_node):
    answer = full_node.call('auln-nap', {'apiTimeout': 1}, seconds=0)
    assert answer.status == 599 and answer.json['error'] == 599.1
    assert 'running' not in answer.json['message']
    assert answer.json['message'] == ('Waiting function result timeout, task is still in the queue. '
                                      'Use task ID to fetch result later.')
    detail = answer.json['detail']
    assert set(detail) == {'id', 'state', 'queuedMs'} and detail['state'] == 'queued'
    assert 980 <= detail['queuedMs'] <= answer.json['reqCost'] <= 1100
    assert data_of(full_node, detail['id']) == {'status': 'queued', 'result': None}
    full_node.start('executor')
    wait_until(lambda: data_of(full_node, detail['id'])['status'] == 'success', 10, 'the run')


def test_a_timeout_while_it_runs_says_what_the_manual_says(node):
    answer = node.call('auln-nap', {'apiTimeout': 1}, seconds=1.5)
    assert answer.json['message'] == ('Waiting function result timeout, but task is still running. '
                                      'Use task ID to fetch result later.')
    assert set(answer.json['detail']) == {'id'}
    assert 1000 <= answer.json['reqCost'] <= 1060


def test_a_timeout_waits_only_shortly_for_a_slow_redis(node):
    with callers(1) as pool:
        waiting = pool.submit(node.call, 'auln-nap', {'apiTimeout': 1}, seconds=2)
        time.sleep(0.8)
        node.redis('CLIENT', 'PAUSE', '700')
        answer = waiting.result()
    assert answer.json['error'] == 599.1
    assert answer.json['message'].startswith('Waiting function result timeout, but task is still')
    assert 1.0 <= answer.seconds < 1.15
    task = answer.json['detail']['id']
    wait_until(lambda: result_of(node, task).status == 200
               and data_of(node, task)['status'] == 'success', 5, 'the result')


def head_of(envelope):
    sizes, rest = envelope.split('\n', 1)
    return json.loads(rest[:int(sizes.split()[1])])


def with_head(envelope, **fields):
    sizes, rest = envelope.split('\n', 1)
    _, size, kwargs, request = sizes.split()
    head = json.dumps({**json.loads(rest[:int(size)]), **fields}, separators=(',', ':'))
    return f'DFF1 {len(head)} {kwargs} {request}\n{head}{rest[int(size):]}'


def test_a_job_expires_after_10_times_its_timeout_unless_never_expire(full_node):
    with callers(2) as pool:
        begin = int(time.time() * 1000)     # nginx's time is in whole milliseconds, too
        waiting = [pool.submit(full_node.call, 'auln-nap', options, seconds=0) for options in (
            {'timeout': 7, 'apiTimeout': 1}, {'timeout': 8, 'apiTimeout': 1, 'neverExpire': True})]
        wait_until(lambda: queue_length(full_node, 1) == 2, 5, 'the jobs')
        heads = {head['timeout']: head for head in map(
            head_of, full_node.redis('LRANGE', 'dff:queue:1', 0, -1))}
        assert 70000 <= heads[7]['expiresAt'] - begin <= 71000
        assert 'expiresAt' not in heads[8]
        assert {one.result().json['error'] for one in waiting} == {599.1}

    add_batch(full_node, 'bat-nap', 't__basic.nap')
    call_batch(full_node, 'bat-nap', {'timeout': 9})
    head = head_of(full_node.redis('LINDEX', 'dff:queue:9', 0))
    assert 24 * 9000 - 1000 <= head['expiresAt'] - time.time() * 1000 <= 24 * 9000


def test_a_caller_that_still_waits_for_an_expired_job_is_told_599_30_task_expired(full_node):
    node = full_node
    with callers(1) as pool:
        waiting = pool.submit(node.call, 'auln-ok', timeout=20)
        wait_until(lambda: queue_length(node, 1) == 1, 5, 'the job')
        job = node.redis('RPOP', 'dff:queue:1')
        node.redis('RPUSH', 'dff:queue:1', with_head(job, expiresAt=int(time.time() * 1000) - 1))
        node.start('executor')
        answer = waiting.result()
    assert answer.status == 599
    assert answer.json['error'] == 599.3 and answer.json['reason'] == 'EFuncFailed'
    assert answer.json['detail']['etype'] == 'TaskExpired'
    assert 'in queue 1 and was not started' in answer.json['detail']['einfoTEXT']


def test_a_saved_result_can_be_fetched_after_the_answer(node):
    answer = node.call('auln-plus', {'saveResult': True, 'unfold': False}, x=1, y=2)
    assert answer.json['data'] == {'result': 3}
    task = answer.json['taskId']
    assert answer.headers['x-dff-task-id'] == task
    data = data_of(node, task)
    assert data['status'] == 'success' and data['result'] == 3
    assert node.get(answer.json['resultURL'] + '&unfold=true').json == 3

    unsaved = node.call('auln-plus', {'unfold': False}, x=1, y=2)
    assert 'taskId' not in unsaved.json
    assert result_of(node, unsaved.headers['x-dff-task-id']).status == 404
