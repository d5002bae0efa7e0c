"""The ledger, and requests whose callers have left, when Redis refuses or cuts in the very turn of
nginx that pushes."""

import contextlib
import os
import signal
import socket
import time

import pytest

from away import BACK
from fake_redis import OOM, WRONG_TYPE
from ledger import read_ledger
from node import wait_until


def settled(away):
    """What is missing in the ledger and stays so, while both workers push: a counter does not go
    back, so what was counted and not taken is made up by pushes, or withdrawn after a second. Other
    tests leave some, too."""
    seen = []
    while len(seen) < 4 or len(set(seen[-4:])) > 1:
        assert len(seen) < 50, seen
        away.calls(8)
        seen.append(read_ledger(away.node)['missing'])
    return seen[-1]


@pytest.mark.parametrize('refused,status', [('LPUSH', 503), ('HINCRBY', 200)])
def test_the_ledger_balances_when_pushes_or_their_count_alone_were_refused(away, refused, status):
    before = settled(away)
    away.fake.set(errors={refused: WRONG_TYPE})
    assert {answer.status for answer in away.calls(8)} == {status}
    wait_until(lambda: read_ledger(away.node)['missing'] != before, 3, 'an imbalance')
    away.fake.set()
    assert settled(away) == before


def test_what_was_counted_and_not_taken_does_not_wait_for_more_pushes(away):
    before = settled(away)
    away.fake.set(errors={'LPUSH': WRONG_TYPE})
    assert {answer.status for answer in away.calls(8)} == {503}
    away.fake.set()
    wait_until(lambda: read_ledger(away.node)['missing'] == before, 5, 'the balance')


@contextlib.contextmanager
def stopped(workers):
    """Until its end they do nothing: what has come by then is one turn of theirs."""
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def kept_alive(away, count):
    """Connections of callers, all of one worker: call(link) sends a call on each, statuses()
    are those of the answers."""
    with contextlib.ExitStack() as stack:
        def call(link):
            for client in clients:
                client.sendall(b'GET /api/v1/al/%s HTTP/1.1\r\nHost: x\r\n\r\n' % link.encode())

        def statuses():
            return {int(client.recv(65536).split(None, 2)[1]) for client in clients}

        with stopped(away.workers()[1:]):
            clients = [stack.enter_context(
                socket.create_connection(('127.0.0.1', away.node.port), 5)) for _ in range(count)]
            call('auln-ok')
            assert statuses() == {200}
        yield call, statuses


def test_a_refusal_to_a_caller_that_has_left_ends_its_request_once(away):
    """The first answer finds out, the second cannot be sent."""
    begin = len(away.log.read_text())
    away.fake.set(refuse=True)
    wait_until(lambda: away.ping().status == 503, 5, 'the end of the link')
    with stopped(away.workers()):
        for _ in range(8):
            with socket.create_connection(('127.0.0.1', away.node.port), 5) as client:
                client.sendall(b'GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: x\r\n\r\n' * 8)
    assert away.node.call('auln-ok').status == 503
    assert 'request count is zero' not in away.log.read_text()[begin:]


def test_the_ledger_balances_when_the_link_breaks_in_the_turn_of_a_push(away):
    before = settled(away)
    with kept_alive(away, 8) as (call, statuses):
        with stopped(away.workers()):
            call('auln-ok')
            away.fake.cut()
        assert statuses() == {503}
    wait_until(away.is_well, BACK, 'a node that is well again')
    assert settled(away) == before


def test_the_ledger_balances_when_a_link_is_found_unfit_in_the_turn_of_a_push(away):
    before = settled(away)
    with kept_alive(away, 8) as (ask, refused), kept_alive(away, 8) as (call, statuses):
        away.fake.set(errors={'GET': OOM}, delay={'GET': 0.3})
        asked = away.fake.counts['GET']
        ask(f'auln-none{time.monotonic_ns()}')
        wait_until(lambda: away.fake.counts['GET'] > asked, 5, 'a lookup')
        with stopped(away.workers()):
            call('auln-ok')
            time.sleep(0.5)
            away.fake.set()
        assert refused() == {503}
        assert 200 in statuses()
    wait_until(away.is_well, BACK, 'a node that is well again')
    assert settled(away) == before


def test_a_count_that_was_refused_comes_without_another_push(away):
    before = read_ledger(away.node)
    away.fake.set(errors={'HINCRBY': WRONG_TYPE})
    assert away.node.call('auln-ok').status == 200
    away.fake.set()
    wait_until(lambda: read_ledger(away.node)['accepted'] > before['accepted'], 5, 'the count')


def test_a_worker_that_leaves_pays_what_it_owes(well):
    before = settled(well)
    old = well.workers()
    well.fake.set(errors={'HINCRBY': WRONG_TYPE})
    assert {answer.status for answer in well.calls(8)} == {200}
    well.fake.set()
    well.node.reload('nginx')
    wait_until(lambda: not set(old) & set(well.workers()), 10, 'the end of the old workers')
    wait_until(well.is_well, BACK, 'a node that is well again')
    assert settled(well) == before
