"""The ledger balances, and each outcome is counted once where it belongs."""

import threading

from ledger import check_ledger, read_ledger
from node import wait_until


def grown(before, after):
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def test_every_outcome_of_a_job_is_in_the_ledger(make_node):
    node = make_node()      # others push past nginx and dffctl, which nobody counts
    node.start()
    node.publish_fixtures()
    node.allow('ValueError', 'signal 9', 'SoftTimeLimitExceeded')
    before = check_ledger(node)
    for link, kwargs in (('auln-ok', {}), ('auln-plus', {'x': 1, 'y': 2}), ('auln-boom', {}),
                         ('auln-oversleep', {}), ('auln-die', {})):
        node.call(link, **kwargs)
    node.ctl('call', 't__basic.ok')
    wait_until(lambda: grown(before, read_ledger(node)) == {
        'accepted': 6, 'success': 3, 'failure': 1, 'timeout': 1, 'lost': 1}, 5, 'the outcomes')
    check_ledger(node)

    metrics = node.get('/metrics').text
    after = read_ledger(node)
    assert f'dff_ledger_accepted_total {after["accepted"]}\n' in metrics
    assert f'dff_ledger_finished_total{{outcome="timeout"}} {after["timeout"]}\n' in metrics
    assert 'dff_ledger_jobs{state="running"} 0\n' in metrics
    assert f'{after["accepted"]} accepted = {after["success"]} success + ' in node.ctl('status').stdout


def test_jobs_without_an_outcome_are_waiting_claimed_or_running(make_node):
    node = make_node(_WORKER_QUEUE_LIMIT=4, _WORKER_CONCURRENCY=1)
    node.start()
    node.publish_fixtures()
    before = check_ledger(node)         # publishing runs jobs, too

    def since(**expected):
        assert grown(before, check_ledger(node)) == expected

    callers = [threading.Thread(target=node.call, args=('auln-nap',), kwargs={'seconds': 2})
               for _ in range(3)]
    for caller in callers:
        caller.start()
    wait_until(lambda: read_ledger(node)['running'] == 1, 5, 'the first job')
    wait_until(lambda: read_ledger(node)['claimed'] == 2, 5, 'the others')
    since(accepted=3, running=1, claimed=2)
    for caller in callers:
        caller.join()

    # A full queue, which is cleared: withdrawn, and lost.
    node.stop('executor')
    callers = [threading.Thread(target=node.call, args=('auln-ok',)) for _ in range(6)]
    for caller in callers:
        caller.start()
    wait_until(lambda: read_ledger(node)['withdrawn'] == 2, 5, 'the withdrawn jobs')
    since(accepted=9, success=3, waiting=4, withdrawn=2)
    node.ctl('queue', 'clear', 1)
    for caller in callers:
        caller.join()
    since(accepted=9, success=3, lost=4, withdrawn=2)
    node.start('executor')


def test_what_nobody_can_read_is_counted_as_bad(fresh_node):
    node = fresh_node
    node.allow('unreadable')
    node.redis('EVAL', "redis.call('HINCRBY', 'dff:ledger', 'accepted', 1) "
               "return redis.call('LPUSH', 'dff:queue:1', 'garbage')", 0)
    wait_until(lambda: read_ledger(node)['bad'] == 1, 5, 'the bad job')
    check_ledger(node, accepted=1, bad=1)
