"""Worker groups: which queues they serve, how many jobs they claim ahead, and that the jobs of
one group do not wait for those of another."""

import contextlib
import subprocess

import pytest

from node import wait_until
from test_elastic import group_of
from test_master_recovery import Jobs


@pytest.mark.parametrize('multiplier, ahead', ((1, 0), (3, 4)))
def test_a_group_claims_ahead_what_the_multiplier_says(make_node, multiplier, ahead):
    node = make_node(_WORKER_PREFETCH_MULTIPLIER=multiplier, _WORKER_CONCURRENCY=2)
    node.start()
    node.publish_fixtures()
    # They are there when it comes: one that starts late, as on a busy machine, halves what is
    # claimed ahead from then on.
    node.stop('executor')
    jobs = Jobs(node)
    for _ in range(10):
        jobs.push('nap', {'seconds': 4})
    node.start('executor')
    wait_until(lambda: jobs.held() == (ahead, 2), 3, f'two that run and {ahead} claimed ones')
    assert len(jobs.queued()) == 8 - ahead
    node.ctl('queue', 'clear', 1)


def test_slow_jobs_of_one_group_do_not_hold_up_another(make_node):
    node = make_node(_WORKER_GROUPS='0;1-6;7;8-9', _WORKER_CONCURRENCY=1)
    node.start()
    node.publish_fixtures()
    slow, quick = Jobs(node), Jobs(node)
    slow.push('nap', {'seconds': 6})
    slow.push('nap', {'seconds': 0.1})
    wait_until(lambda: slow.held() == (1, 1), 3, 'one that runs and one that waits')
    for queue in (0, 7, 8, 9):
        quick.push('ok', {}, queue=queue)
    assert quick.statuses(2) == ['success'] * 4
    # The other queues of the busy group share its workers.
    last = quick.push('ok', {}, queue=6)
    assert slow.held() == (2, 1) and quick.status(last) is None
    assert slow.statuses() + quick.statuses() == ['success'] * 7


@contextlib.contextmanager
def executor_of(node, groups):
    """The node's executor, started for some queues only."""
    child = subprocess.Popen(
        [node.install / 'bin/dff-executor', '--config', node.config, '--groups', groups],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: node.redis('EXISTS', f'dff:node:{node.setting("_NODE_NAME")}'), 10,
                   'its heartbeat')
        yield
    finally:
        child.terminate()
        child.wait(20)


def test_an_executor_of_some_queues_serves_no_other(make_node):
    node = make_node(_WORKER_CONCURRENCY=1)
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    jobs = Jobs(node)
    for queue in (1, 9, 2):
        jobs.push('ok', {}, queue=queue)
    with executor_of(node, '1;9'):
        wait_until(lambda: [jobs.status(one) for one in jobs.ids] == ['success', 'success', None],
                   10, 'the jobs of its queues')
        assert group_of(node, '1')['max'] == group_of(node, '9')['max'] == 1
        text = node.ctl('doctor', check=False).stdout
        assert 'serves queue 2' in text and 'serves queue 9' not in text
        assert jobs.queued() == [] and node.redis('LLEN', 'dff:queue:2') == 1
    node.start('executor')
    assert jobs.statuses() == ['success'] * 3
