"""Redis gone, slow or odd (calls.md, 503.53; guarantee G5): callers hear within about a
second or get their result, nothing piles up, and all is well again by itself."""

import json
import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from away import BACK, SECOND, check_answer
from fake_redis import ALL_BUT_LOG_IN, MISCONF, OOM, READ_ONLY, WRONG_TYPE
from node import wait_until

# name: faults, whether connections are cut first, what ping says while it lasts
FAULTS = {
    'refuses connections': (dict(refuse=True), False, r'No such file|refused|closed'),
    'accepts and is silent': (dict(silent=True), True, r'no answer for \d+ ms'),
    'becomes silent': (dict(silent=True), False, r'no answer for \d+ ms'),
    'is loading': (dict(errors=ALL_BUT_LOG_IN), True, r'^LOADING '),
    'is read-only': (dict(errors={name: READ_ONLY for name in ('LPUSH', 'LPUSHX', 'BRPOP',
                                                               'SET', 'EVAL')}),
                     False, r'^READONLY '),
    'is out of memory': (dict(errors={name: OOM for name in ('LPUSH', 'LPUSHX', 'SET')}),
                         False, r'^OOM '),
    'cannot write its file': (dict(errors={name: MISCONF for name in ('LPUSH', 'LPUSHX',
                                                                      'BRPOP', 'SET')}),
                              False, r'^MISCONF '),
    'wants a password': (dict(errors={'*': 'NOAUTH Authentication required.'}), True,
                         r'^NOAUTH '),
    'refuses more clients': (dict(errors={'*': 'ERR max number of clients reached'}), True,
                             r'^ERR max number'),
    'sends one byte at a time': (dict(byte_seconds=0.3), True, r'no answer for \d+ ms'),
    'speaks HTTP': (dict(garbage=b'HTTP/1.1 400 Bad Request\r\n\r\n'), True, r'Protocol error'),
    'sends huge arrays': (dict(garbage=b'*99999999\r\n'), True, r'too long'),
    'answers twice': (dict(twice={'*'}), True, r'nobody asked for'),
    'cuts at each command': (dict(drop_before={'*'}), True, r'closed'),
}


@pytest.mark.parametrize('name', FAULTS)
def test_a_redis_that_misbehaves_costs_callers_a_second_and_nothing_more(away, name):
    faults, cut, reason = FAULTS[name]
    begin = len(away.log.read_text())

    away.fake.set(cut=cut, **faults)
    first = away.calls(16)
    away_at = time.monotonic()
    wait_until(lambda: away.ping().status == 503, 3, 'a ping that says 503')

    pings = []
    while time.monotonic() < away_at + 3:
        # it takes a worker a second to see that it is not answered
        seen = time.monotonic() > away_at + 1.5
        for answer in away.calls(8):
            check_answer(answer, ('refused',) if seen else ('refused', 'unknown'))
            assert answer.status == 503, answer
        pings.append(away.ping())
        scrape = away.node.get('/metrics')
        assert scrape.status == 200 and scrape.seconds < SECOND
        assert 'dff_redis_up{link="commands"} 0' in scrape.text
        assert not seen or 'dff_queue_length' not in scrape.text
        time.sleep(0.1)

    for answer in first:
        check_answer(answer)
    for ping in pings[-3:]:
        assert ping.status == 503 and ping.seconds < SECOND, ping
        assert ping.json['detail']['link'] in ('commands', 'replies')
    # the first reason may be that the old connection went
    assert re.search(reason, pings[-1].json['detail']['message']), pings[-1].text

    # and what Redis itself says is in the log, too
    if reason.startswith('^'):
        assert re.search(f'down: {reason[1:]}', away.log.read_text()[begin:])

    # one line for each link of each worker, however many calls there were
    for (link, what), lines in away.outages(begin).items():
        assert lines <= len(away.workers()), (link, what, away.log.read_text()[begin:])
    lines = away.log.read_text()[begin:].splitlines()
    assert len(lines) <= sum(away.outages(begin).values()) + 4, lines

    away.fake.heal()
    wait_until(away.is_well, BACK, 'a node that is well again')
    wait_until(lambda: away.outages(begin)['commands', 'back']
               == away.outages(begin)['commands', 'down'], 3, 'the end of the outage in the log')


def test_a_connection_that_only_loses_its_commands_link_is_back_at_once(away):
    before = away.metric('dff_redis_reconnects_total{link="commands"}')
    away.fake.cut()
    wait_until(away.is_well, 1, 'a node that is well again')
    assert away.metric('dff_redis_reconnects_total{link="commands"}') > before


def test_odd_messages_on_the_channel_cost_the_link_and_not_the_worker(away):
    for garbage in (b'*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n',
                    b'*3\r\n$11\r\nunsubscribe\r\n$11\r\ndff:changed\r\n$1\r\nx\r\n',
                    b'*3\r\n+message\r\n$11\r\ndff:changed\r\n$1\r\nx\r\n',
                    b'*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n',
                    b'*0\r\n', b'*-1\r\n', b':1\r\n', b'+OK\r\n', b'$1\r\nx\r\n',
                    b'-ERR odd\r\n', b'*3\r\n*0\r\n*0\r\n*0\r\n', b'\0\r\n'):
        before = away.metric('dff_redis_reconnects_total{link="changes"}')
        workers = away.workers()
        for link in list(away.fake.links):
            if link.subscribed:
                link.client.sendall(garbage)
        wait_until(lambda: away.metric('dff_redis_reconnects_total{link="changes"}') > before,
                   BACK, f'a reconnect after {garbage}')
        assert away.workers() == workers, garbage


class Deaf:
    """The client's end of a link that went silent: nothing is closed, nothing arrives."""

    def __init__(self, end):
        self.shutdown, self.close = end.shutdown, end.close

    def sendall(self, _):
        pass


def test_a_reply_lost_in_a_link_that_went_silent_comes_before_the_masters_forget_it(away):
    """They keep it for 10 s: the link must be given up, and be back, long before."""
    away.calls(16)          # signs of life of every link, just now
    for link in list(away.fake.links):
        if link.subscribed:
            link.client = Deaf(link.client)
    answer = away.node.call('auln-ok', {'apiTimeout': 30}, timeout=40)
    assert answer.status == 200 and answer.seconds < 7.5, answer


# --- pushes of which nobody knows ----------------------------------------------------------------


def test_a_push_without_an_answer_still_delivers_its_result(away):
    """Redis has the job, the confirmation is lost with the connection."""
    delivered = 0
    for _ in range(8):
        away.fake.pushed.clear()
        away.fake.set(drop_after={'LPUSH'})
        answer = away.node.call('auln-ok')
        away.fake.set()
        check_answer(answer)
        delivered += answer.status == 200
        assert len(away.fake.pushed) == len(set(away.fake.pushed)) <= 1
        wait_until(away.is_well, BACK, 'a node that is well again')
    assert delivered >= 6


def test_a_push_without_an_answer_and_without_a_result_in_time_is_unknown(away):
    away.fake.pushed.clear()
    away.fake.set(drop_after={'LPUSH'})
    answer = away.node.call('auln-nap', seconds=2)
    away.fake.set()

    check_answer(answer, ('unknown',))
    assert answer.status == 503 and 0.5 < answer.seconds
    assert len(away.fake.pushed) == 1

    # its result comes when nobody waits, and is kept for the caller who asks
    def kept():
        found = away.node.get('/api/v1/func-result', taskId=answer.json['detail']['id'])
        return found.status == 200 and found.json['data'].get('result') == 'rested'

    wait_until(kept, 8, 'the result of the unknown job')


def test_a_push_that_was_cut_off_is_unknown_and_never_repeated(away):
    away.fake.pushed.clear()
    away.fake.set(drop_before={'LPUSH'})
    answers = away.calls(24)
    away.fake.set()

    for answer in answers:
        check_answer(answer)
        assert answer.status == 503, answer
    assert 'unknown' in {answer.json['detail']['state'] for answer in answers}
    assert len(away.fake.pushed) == len(set(away.fake.pushed))


def test_a_push_that_is_not_confirmed_in_time_is_unknown_although_the_link_lives(away):
    """Each confirmation comes 0.85 s after the one before: the link makes progress, and the
    second caller hears after a second, not after the API timeout."""
    away.fake.set(delay={'LPUSH': 0.85})
    answers = away.calls(8, link='auln-nap', seconds=3)
    away.fake.set()
    late = [answer for answer in answers if answer.status != 200]
    assert len(late) >= 8 - len(away.workers()), answers
    for answer in late:
        check_answer(answer, ('unknown',))


def make_batch(away):
    """The route of auln-ok as a batch."""
    route = json.loads(away.node.redis('GET', 'dff:route:al:auln-ok'))
    route.update(kind='bat', id='bat-away')
    away.node.redis('SET', 'dff:route:bat:bat-away', json.dumps(route))
    away.node.redis('PUBLISH', 'dff:changed', 'route bat bat-away')


def test_a_batch_whose_push_is_not_confirmed_is_unknown(away):
    make_batch(away)
    before = away.fake.counts['LPUSH']
    assert away.node.get('/api/v1/bat/bat-away').status == 200
    # the record of the task is sent when its push was heard of: it must not meet the fault
    wait_until(lambda: away.fake.counts['LPUSH'] == before + 2, 5, 'the job and its record')
    away.fake.set(drop_before={'LPUSH'})
    answer = away.node.get('/api/v1/bat/bat-away')
    away.fake.set()
    check_answer(answer, ('unknown',))
    assert answer.status == 503


@pytest.mark.parametrize('path', ('/api/v1/al/auln-ok', '/api/v1/bat/bat-away'))
def test_a_job_of_which_nobody_knows_whether_it_was_taken_back_is_unknown(away, path):
    """Its queue was full; the connection went between LREM and its answer."""
    make_batch(away)
    assert away.node.get(path).status == 200
    away.fake.set(answers={'LPUSH': b':99999999\r\n'}, drop_before={'EVAL'})
    answer = away.node.get(path)
    away.fake.set()
    assert answer.status == 503, answer
    check_answer(answer, ('unknown',))


def test_clients_that_leave_during_an_outage_leave_nothing_behind(away):
    away.fake.set(silent=True)
    clients = []
    for _ in range(20):
        client = socket.create_connection(('127.0.0.1', away.node.port))
        client.sendall(b'GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: x\r\n\r\n')
        clients.append(client)
    time.sleep(0.2)
    for client in clients:
        client.close()
    away.fake.heal()


def test_func_result_is_answered_within_a_second_when_redis_is_silent(away):
    away.fake.set(silent=True)
    answer = away.node.get('/api/v1/func-result', taskId='task-nobody')
    assert answer.status == 503 and answer.seconds < SECOND, answer
    assert answer.json['error'] == 503.53
    assert answer.json['detail']['id'] == 'task-nobody' and 'state' not in answer.json['detail']


def test_an_error_about_the_queue_alone_is_refused_and_leaves_the_link_up(away):
    away.fake.set(errors={'LPUSH': WRONG_TYPE})
    before = away.metric('dff_redis_reconnects_total{link="commands"}')
    answers = away.calls(8)
    assert away.ping().status == 200
    away.fake.set()
    for answer in answers:
        check_answer(answer, ('refused',))
        assert answer.json['detail']['message'].startswith('WRONGTYPE')
    assert away.metric('dff_redis_reconnects_total{link="commands"}') == before


def test_an_error_text_that_is_not_utf_8_does_not_spoil_the_answer(away):
    away.fake.set(garbage=b'-ERR \xff\xfe\r\n')
    first = away.node.call('auln-ok')
    away.fake.set(cut=True)
    assert first.status == 503 and first.json['error'] == 503.53


# A small reply is published, a large one is pushed.
@pytest.mark.parametrize('lost, answer', [('message', 'rested'), ('BRPOP', 'x' * 100000)])
def test_replies_that_are_lost_with_their_connection_are_asked_for_again(away, lost, answer):
    away.fake.set(lose={lost})
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(away.node.call, 'auln-nap', seconds=0.3, answer=answer)
                 for _ in range(4)]
        time.sleep(0.8)
        away.fake.set()
        answers = [call.result() for call in calls]
    for one in answers:
        assert one.status == 200 and one.text == answer and one.seconds < 5, one
    assert away.fake.lost > 0


def test_a_reply_that_nobody_listens_for_is_pushed(away):
    """The subscriber is gone; the list is read."""
    away.fake.set(drop_before={'SUBSCRIBE'})
    for link in list(away.fake.links):
        if link.subscribed:
            link.cut()
    assert away.node.call('auln-nap', seconds=0.2).text == 'rested'


# --- the real thing ------------------------------------------------------------------------------


def test_redis_stopped_for_5_s_with_calls_under_way(away):
    begin = len(away.log.read_text())
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(away.node.call, 'auln-nap', seconds=3) for _ in range(2)]
        time.sleep(0.5)
        away.node.kill('redis', signal.SIGSTOP)
        try:
            stopped_at = time.monotonic()
            while time.monotonic() < stopped_at + 5:
                for answer in pool.map(lambda _: away.node.call('auln-ok'), range(4)):
                    check_answer(answer)
        finally:
            away.node.kill('redis', signal.SIGCONT)
        wait_until(away.is_well, BACK + 2, 'a node that is well again')
        # their jobs were confirmed before: they wait, and get what they came for
        for answer in (call.result() for call in slow):
            assert answer.status == 200 and answer.text == 'rested', answer
    for (link, what), lines in away.outages(begin).items():
        assert lines <= len(away.workers()), (link, what)


def test_redis_killed_with_calls_under_way_and_started_again(away):
    node = away.node
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(node.call, 'auln-nap', seconds=2) for _ in range(2)]
        time.sleep(0.7)
        node.kill('redis')
        killed_at = time.monotonic()
        quick = [pool.submit(node.call, 'auln-ok') for _ in range(6)]
        for answer in (call.result() for call in quick):
            check_answer(answer)
        assert time.monotonic() < killed_at + 2
        time.sleep(1)
        node.start('redis')
        wait_until(away.is_well, BACK + 10, 'a node that is well again')
        for answer in (call.result() for call in slow):
            # the result, or the API timeout: nothing else
            assert answer.status in (200, 599), answer
            assert answer.status == 200 or answer.json['error'] == 599.1, answer


@pytest.mark.parametrize('mode', ('refuse', 'silent'))
def test_a_reload_while_redis_is_away_leaves_no_old_worker(well, mode):
    away, old = well, well.workers()
    away.fake.set(cut=True, **{mode: True})
    wait_until(lambda: away.ping().status == 503, 3, 'a ping that says 503')
    os.kill(away.node.pid('nginx'), signal.SIGHUP)
    wait_until(lambda: not set(old) & set(away.workers()), 5, 'the end of the old workers')
    wait_until(lambda: away.ping().status == 503, 3, 'a ping of the new workers that says 503')
    away.fake.heal()
    wait_until(away.is_well, BACK, 'a node that is well again')


def test_quit_while_redis_is_away_ends_nginx(well):
    away = well
    away.fake.set(cut=True, silent=True)
    wait_until(lambda: away.ping().status == 503, 3, 'a ping that says 503')
    top = away.node.pid('nginx')
    os.kill(top, signal.SIGQUIT)
    wait_until(lambda: away.node.pid('nginx') is None, 5, 'the end of nginx')
    away.fake.heal()
    away.node.start('nginx')
