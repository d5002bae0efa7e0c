"""The master dies, drains, or loses Redis: no job is lost silently or run twice."""

import json
import signal
import time

import pytest

from faults import marks_folder, read_marks, settle
from ledger import check_ledger
from node import wait_until


class Jobs:
    """Jobs that are pushed as nginx does it, with results kept for asking."""

    def __init__(self, node):
        self.node = node
        self.name = node.setting('_NODE_NAME')
        self.ids = []

    def envelope(self, func, kwargs, script='t__basic', **head):
        job_id = f'task-recovery{time.time_ns()}'
        self.ids.append(job_id)
        head = json.dumps({
            'id': job_id, 'func': f'{script}.{func}', 'queue': 1, 'origin': 'direct', 'timeout': 30,
            'queuedAt': time.time_ns() // 1_000_000, 'keep': True, **head}, separators=(',', ':'))
        kwargs = json.dumps(kwargs)
        return job_id, f'DFF1 {len(head)} {len(kwargs)} 0\n{head}{kwargs}'

    def push(self, func, kwargs, script='t__basic', **head):
        job_id, envelope = self.envelope(func, kwargs, script, **head)
        self.node.redis('EVAL', "redis.call('HINCRBY', 'dff:ledger', 'accepted', 1) "
                        "return redis.call('LPUSH', KEYS[1], ARGV[1])", 1,
                        f"dff:queue:{head.get('queue', 1)}", envelope)
        return job_id

    def status(self, job_id):
        reply = self.node.redis('GET', f'dff:result:{job_id}')
        if reply is None:
            return None
        sizes, _, rest = reply.partition('\n')
        return json.loads(rest[:int(sizes.split()[1])])['status']

    def statuses(self, seconds=20):
        wait_until(lambda: all(self.status(job_id) for job_id in self.ids), seconds, 'all results')
        return [self.status(job_id) for job_id in self.ids]

    def held(self):
        """How many are claimed and started by the node."""
        return (self.node.redis('LLEN', f'dff:claimed:{self.name}'),
                self.node.redis('HLEN', f'dff:started:{self.name}'))

    def queued(self):
        """Ids in queue 1, the next one to be taken first."""
        envelopes = self.node.redis('LRANGE', 'dff:queue:1', 0, -1)
        return [json.JSONDecoder().raw_decode(text.partition('\n')[2])[0]['id']
                for text in reversed(envelopes)]


@pytest.fixture
def jobs(fresh_node):
    fresh_node.publish_fixtures()
    return Jobs(fresh_node)


def test_after_a_kill_claimed_jobs_run_and_started_ones_are_answered_as_lost(jobs):
    node = jobs.node
    node.allow('is lost: node')
    for i in range(6):
        jobs.push('nap', {'seconds': 3}, retryOnLost=i == 0, originId='auln-lost')
    wait_until(lambda: jobs.held() == (4, 2), 5, 'two started, four claimed')

    node.kill('executor')
    node.start('executor')
    assert jobs.statuses() == ['success', 'lost'] + ['success'] * 4
    settle(node)
    # The evidence of the one that was lost: job, function and link.
    assert f'task {jobs.ids[1]} (t__basic.nap, origin auln-lost) is lost: node' in node.log_text()


def test_a_stop_lets_started_jobs_end_and_gives_claimed_ones_back_in_order(jobs):
    node = jobs.node
    for number in range(8):
        # longer than what is left to workers when the master ends without waiting for them
        jobs.push('nap', {'seconds': 7 if number < 2 else 0.1})
    wait_until(lambda: jobs.held() == (6, 2), 5, 'two started, six claimed')

    node.kill('executor', signal.SIGTERM)
    # at once: other nodes may run them meanwhile
    wait_until(lambda: jobs.queued() == jobs.ids[2:], 2, 'the claimed ones in their queue')
    assert jobs.held() == (0, 2) and node.pid('executor')
    wait_until(lambda: node.pid('executor') is None, 15, 'end of the executor')
    assert jobs.queued() == jobs.ids[2:]
    assert [jobs.status(job_id) for job_id in jobs.ids[:2]] == ['success'] * 2
    assert node.redis('EXISTS', f'dff:node:{jobs.name}') == 0
    assert node.redis('SMEMBERS', 'dff:nodes') == []

    node.start('executor')
    assert jobs.statuses() == ['success'] * 8
    settle(node)


def test_a_second_signal_ends_it_at_once_and_tells_who_waits_for_what_runs(jobs):
    node = jobs.node
    node.allow('signal 9')
    for _ in range(4):
        jobs.push('nap', {'seconds': 20})
    wait_until(lambda: jobs.held() == (2, 2), 5, 'two started, two claimed')

    node.kill('executor', signal.SIGTERM)
    wait_until(lambda: jobs.held() == (0, 2), 5, 'the claimed ones to be given back')
    assert ' s, draining): 0 claimed, 2 running\n' in node.ctl('status').stdout
    node.kill('executor', signal.SIGTERM)
    wait_until(lambda: node.pid('executor') is None, 5, 'end of the executor')
    assert [jobs.status(job_id) for job_id in jobs.ids] == ['lost', 'lost', None, None]
    assert jobs.queued() == jobs.ids[2:] and jobs.held() == (0, 0)
    check_ledger(node, waiting=2, lost=2)
    node.ctl('queue', 'clear', 1)
    node.start('executor')
    assert node.call('auln-ok').text == 'ok'
    assert settle(node)['lost'] == 4


REFUSAL = 'Redis refuses '


def refuse_writes(node, on=True):
    """Redis answers each write with NOREPLICAS."""
    node.redis('CONFIG', 'SET', 'min-replicas-to-write', int(on))


def fill_memory(node, on=True):
    """Redis answers with OOM what may need memory, unless a script has written before."""
    node.redis('CONFIG', 'SET', 'maxmemory', int(on))


def stop_at_once(node):
    """Two signals; the second kills the workers."""
    text = 'no more jobs; the running ones may end'
    before = node.log_text().count(text)
    node.kill('executor', signal.SIGTERM)
    wait_until(lambda: node.log_text().count(text) > before, 5, 'the first signal')
    node.kill('executor', signal.SIGTERM)


def test_a_stop_gives_claimed_jobs_back_when_redis_takes_them_again(jobs):
    node = jobs.node
    node.allow('NOREPLICAS')
    for _ in range(4):
        jobs.push('nap', {'seconds': 9})
    wait_until(lambda: jobs.held() == (2, 2), 5, 'two started, two claimed')

    refuse_writes(node)
    node.kill('executor', signal.SIGTERM)
    wait_until(lambda: REFUSAL in node.log_text(), 5, 'the refusal')
    refuse_writes(node, False)
    wait_until(lambda: jobs.queued() == jobs.ids[2:], 3, 'the claimed ones in their queue')
    assert jobs.held() == (0, 2) and node.pid('executor'), 'not only at the end'
    wait_until(lambda: node.pid('executor') is None, 15, 'end of the executor')
    node.start('executor')
    assert jobs.statuses() == ['success'] * 4


def test_a_stop_ends_although_redis_refuses_the_results(jobs):
    node = jobs.node
    node.allow('NOREPLICAS', 'not delivered', 'is lost: node')
    jobs.push('nap', {'seconds': 1})
    wait_until(lambda: jobs.held() == (0, 1), 5, 'one started')

    refuse_writes(node)
    node.kill('executor', signal.SIGTERM)
    try:
        wait_until(lambda: node.pid('executor') is None, 20, 'end of the executor')
    finally:
        refuse_writes(node, False)
    assert node.log_text().count(REFUSAL) == 1, 'not every second'
    node.start('executor')
    assert jobs.statuses() == ['lost']
    check_ledger(node, waiting=0, claimed=0, running=0)


def test_a_stop_ends_although_redis_has_no_memory_to_queue_a_job_again(jobs):
    node = jobs.node
    node.allow('OOM', 'not delivered', 'signal 9')
    path = marks_folder(node) / 'again'
    jobs.push('mark_again', {'path': str(path), 'mark': 'a', 'seconds': 20}, script='t__marks',
              retryOnLost=True)
    wait_until(lambda: read_marks(path)[0]['a'] == 1, 5, 'the start')

    fill_memory(node)
    try:
        stop_at_once(node)
        wait_until(lambda: node.pid('executor') is None, 20, 'end of the executor')
    finally:
        fill_memory(node, False)
    assert node.log_text().count(REFUSAL) == 1, 'not every second'
    assert '0 results are not delivered, 1 jobs are left to be recovered' in node.log_text()
    assert jobs.held() == (0, 1)
    node.start('executor')
    wait_until(lambda: read_marks(path)[0]['a'] == 2, 10, 'the second start')
    stop_at_once(node)
    wait_until(lambda: node.pid('executor') is None, 5, 'end of the executor')
    assert jobs.queued() == jobs.ids and jobs.held() == (0, 0)
    check_ledger(node, waiting=1, lost=0)


def test_a_result_that_comes_late_in_a_stop_has_its_time_to_be_delivered(jobs):
    """Redis takes it at the second attempt, a second later, which writes as a script."""
    node = jobs.node
    node.allow('OOM')
    jobs.push('nap', {'seconds': 12})       # longer than a stop waits for Redis
    wait_until(lambda: jobs.held() == (0, 1), 5, 'one started')

    fill_memory(node)
    try:
        node.kill('executor', signal.SIGTERM)
        wait_until(lambda: node.pid('executor') is None, 20, 'end of the executor')
    finally:
        fill_memory(node, False)
    assert jobs.statuses() == ['success']
    check_ledger(node, waiting=0, claimed=0, running=0)


def test_a_refused_second_executor_leaves_the_living_one_alone(jobs, make_node):
    node = jobs.node
    for _ in range(4):
        jobs.push('nap', {'seconds': 4})
    wait_until(lambda: jobs.held() == (2, 2), 5, 'two started, two claimed')

    other = make_node(_NODE_NAME=jobs.name, REDIS_SOCKET=node.setting('REDIS_SOCKET'),
                      REDIS_PASSWORD=node.setting('REDIS_PASSWORD'))
    other.allow('connection', 'in use by', 'cannot')
    other.service('start', 'executor', check=False)
    wait_until(lambda: 'waiting for it to run out' in other.log_text(), 10, 'the second to wait')
    pid = other.pid('executor')
    if pid:
        other.kill('executor', signal.SIGTERM)
        wait_until(lambda: other.pid('executor') is None, 10, 'end of the second')

    assert node.redis('EXISTS', f'dff:node:{jobs.name}') == 1
    assert node.redis('SMEMBERS', 'dff:nodes') == [jobs.name]
    assert jobs.queued() == []
    assert jobs.statuses() == ['success'] * 4
    settle(node)


def test_unreadable_bytes_in_a_queue_are_kept_aside_and_block_nobody(jobs):
    node = jobs.node
    node.allow('unreadable')
    for text in ('garbage', 'DFF1 5 5 5\n12345', 'DFF1 99999999999999999999 0 0\n'):
        node.redis('LPUSH', 'dff:queue:1', text)
    jobs.push('ok', {})
    assert jobs.statuses() == ['success']
    wait_until(lambda: node.redis('LLEN', 'dff:bad') == 3, 5, 'three entries in dff:bad')
    assert jobs.held() == (0, 0)


def test_a_producer_that_waits_for_ever_has_its_reply(jobs):
    node = jobs.node
    jobs.push('ok', {}, producer='waits-for-ever', waitUntil=2 ** 63 - 1)
    assert jobs.statuses() == ['success']
    assert node.redis('LLEN', 'dff:reply:waits-for-ever') == 1


def test_jobs_that_end_while_redis_is_restarted_are_answered_after_it(jobs):
    node = jobs.node
    node.allow('ESysCache', 'redis', 'Redis')
    for _ in range(4):
        jobs.push('nap', {'seconds': 2})
    wait_until(lambda: jobs.held() == (2, 2), 5, 'two started, two claimed')

    node.stop('redis')
    time.sleep(3)             # the running ones end in that time
    node.start('redis')
    assert jobs.statuses() == ['success'] * 4
    settle(node)
