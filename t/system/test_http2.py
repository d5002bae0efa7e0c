"""Callers that speak HTTP/2, and break off: one of their many calls, or all of them at once."""

import json
import re
import signal
import struct

import pytest

from http2 import GOAWAY, Http2
from ledger import check_ledger, read_ledger
from node import Node, free_port, wait_until
from transfers import BOUNDARY, body_of, part, uploads

HELD = 200


@pytest.fixture(scope='module')
def own(session_node, test_folder):
    """A node for this file, with HTTP/2 on another port."""
    node = Node(test_folder / 'http2', session_node)
    node.http2 = free_port()
    (node.install / 'nginx/conf.d/http2.conf').write_text(
        f'server {{ listen 127.0.0.1:{node.http2} http2; location /api/v1/ {{ dff; }} '
        f'location /api/v1/al/auln-same {{ client_max_body_size 1k; dff; }} }}')
    try:
        node.start()
        node.publish_fixtures()
        yield node
    finally:
        alarms = node.destroy()
    assert not alarms, '\n'.join(alarms)


def workers(node):
    return sorted(pid for pid in node.processes('nginx') if pid != node.pid('nginx'))


def metric(node, name):
    return int(re.search(rf'(?m)^{re.escape(name)} (\d+)$', node.get('/metrics').text)[1])


def waiting(node):
    return metric(node, 'dff_calls_pending')


@pytest.fixture
def even(own):
    """Afterwards nginx has lost no worker and waits for nothing, and the ledger balances."""
    before = workers(own)
    yield own
    wait_until(lambda: waiting(own) == 0, 10, 'the end of all calls')
    assert workers(own) == before
    check_ledger(own)
    assert not own.alarms()


@pytest.fixture
def held(even):
    """The same with an executor that takes no job until the test ends."""
    even.kill('executor', signal.SIGSTOP)
    yield even
    even.kill('executor', signal.SIGCONT)


def test_calls_that_are_reset_while_they_wait_run_and_are_forgotten(held):
    before = read_ledger(held)
    with Http2(held.http2) as client:
        calls = [client.call('auln-ok') for _ in range(HELD // 2)]
        client.flush()
        wait_until(lambda: waiting(held) == HELD // 2, 5, 'the calls')
        for call in calls:
            client.reset(call)
        for _ in range(HELD // 2):      # in the moment in which they begin
            client.reset(client.head('GET', '/api/v1/al/auln-ok'))
        kept = client.call('auln-plus', x=1, y=2)
        client.flush()
        wait_until(lambda: read_ledger(held)['accepted'] == before['accepted'] + HELD + 1, 5,
                   'the jobs')
        held.kill('executor', signal.SIGCONT)
        answer = client.wait(kept)
        assert (answer.status, answer.body) == (200, b'3')
    wait_until(lambda: read_ledger(held)['success'] == before['success'] + HELD + 1, 10,
               'the ends of the jobs')


@pytest.mark.parametrize('goodbye', [False, True])
def test_calls_of_a_connection_that_ends_run_and_are_forgotten(held, goodbye):
    before = read_ledger(held)
    with Http2(held.http2) as client:
        for _ in range(HELD // 2):
            client.call('auln-ok')
        client.flush()
        wait_until(lambda: waiting(held) == HELD // 2, 5, 'the calls')
        if goodbye:
            client.frame(GOAWAY, 0, 0, struct.pack('>II', 0, 0))
            client.flush()
    held.kill('executor', signal.SIGCONT)
    wait_until(lambda: read_ledger(held)['success'] == before['success'] + HELD // 2, 10,
               'the ends of the jobs')


def test_calls_get_their_answers_after_a_goodbye_and_through_a_reload(own):
    before = set(workers(own))
    with Http2(own.http2) as client:
        calls = [client.call('auln-nap', seconds=1) for _ in range(2)]
        client.flush()
        wait_until(lambda: waiting(own) == 2, 5, 'the calls')
        client.frame(GOAWAY, 0, 0, struct.pack('>II', 0, 0))
        client.flush()
        own.reload('nginx')
        client.wait(*calls)
        assert {client.streams[call].body for call in calls} == {b'rested'}
        wait_until(lambda: client.take() or client.gone_away, 5, 'the goodbye of the server')
    wait_until(lambda: not before & set(workers(own)), 10, 'the end of the old workers')
    check_ledger(own)


@pytest.mark.parametrize('length', [False, True])
@pytest.mark.parametrize('all_at_once', [False, True])
def test_an_upload_that_is_reset_leaves_no_file(even, length, all_at_once):
    body = body_of(part('name="f"; filename="x"', b'x' * 100_000))
    fields = [('content-type', f'multipart/form-data; boundary={BOUNDARY}')]
    if length:
        fields.append(('content-length', str(len(body))))
    with Http2(even.http2) as client:
        for _ in range(5):
            stream = client.head('POST', '/api/v1/al/auln-uploaded/simplified', *fields, end=False)
            client.data(stream, body[:16_000], end=False)
        client.flush()
        wait_until(lambda: len(uploads(even)) == 5, 5, 'the files')
        if not all_at_once:
            for stream in list(range(1, client.last + 1, 2)):
                client.reset(stream)
            client.flush()
            wait_until(lambda: not uploads(even), 5, 'their end')
    wait_until(lambda: not uploads(even), 5, 'their end')


def test_a_body_that_is_not_as_long_as_it_said_is_refused(even):
    with Http2(even.http2) as client:
        for length in 10, 1000:
            stream = client.head('POST', '/api/v1/al/auln-length', ('content-length', str(length)),
                                 ('content-type', 'application/json'), end=False)
            client.data(stream, b'x' * 20)
            client.flush()
            assert client.wait(stream).status == 400


def test_a_body_over_the_location_s_own_limit_is_refused_and_counted(even):
    counter = 'dff_calls_total{outcome="client_error"}'
    before = metric(even, counter)
    with Http2(even.http2) as client:
        small = client.call('auln-same', value='x')
        client.flush()
        assert client.wait(small).body == b'x'
        large = client.call('auln-same', value='x' * 1024)
        client.flush()
        answer = client.wait(large)
        assert (answer.status, json.loads(answer.body)['detail']) == (413, {'limit': 1024})
        # of a link that is asked for first: all of the body is there before it is read, by nginx
        even.ctl('link', 'add', 't__basic.same', '--id', 'auln-same-as-ever')
        large = client.call('auln-same-as-ever', value='x' * 1024)
        client.flush()
        assert client.wait(large).status == 413
    assert metric(even, counter) == before + 2


def test_an_answer_waits_for_its_window(even):
    with Http2(even.http2, window=1000) as client:
        calls = [client.call('auln-large', size=500_000, kind='bytes') for _ in range(2)]
        client.flush()
        wait_until(lambda: client.take() or all(
            len(client.streams[call].body) == 1000 for call in calls), 5, 'the first bytes')
        client.reset(calls[0])
        client.more(calls[1], 1_000_000)
        client.flush()
        assert len(client.wait(calls[1]).body) == 500_000
