"""Requests on the services socket that are wrong, slow, many, or of somebody else."""

import grp
import json
import struct
import time

import pytest

from services import Failed, Services

KEY = '"key":"k","scope":"s"'


@pytest.mark.parametrize('text,message', [
    ('', 'no JSON object'), ('[]', 'no JSON object'), ('null', 'no JSON object'), ('{', 'no JSON object'),
    ('{"op":"store.get"', 'no JSON object'), ('{}', '"op" is missing'), ('{"op":1}', 'plain string'),
    ('{"op":"no.such"}', 'no operation "no.such"'), ('{"op":"store.get","op":"store.get"}', 'twice'),
    ('{"op":"store.get"}', '"key" is missing'), ('{"op":"store.get","key":"k"}', '"scope" is missing'),
    ('{"op":"store.get",' + KEY + ',"more":1}', 'unknown field "more"'),
    ('{"op":"store.get",' + KEY + ',"key":"k"}', '"key" is given twice'),
    ('{"op":"store.get",' + KEY + '} x', 'no JSON object'),
    ('{"op":"store.get","key":1,"scope":"s"}', '"key" must be a string'),
    ('{"op":"store.get","key":null,"scope":"s"}', '"key" must be a string'),
    ('{"op":"store.get","key":"","scope":"s"}', '1 to 256 characters'),
    ('{"op":"store.get","key":"' + 'k' * 257 + '","scope":"s"}', '1 to 256 characters, it has 257'),
    ('{"op":"store.set",' + KEY + '}', '"value" is missing'),
    ('{"op":"store.set",' + KEY + ',"value":1,"expire":0}', 'seconds above 0'),
    ('{"op":"store.set",' + KEY + ',"value":1,"expire":-1}', 'seconds above 0'),
    ('{"op":"store.set",' + KEY + ',"value":1,"expire":1e300}', 'seconds above 0'),
    ('{"op":"store.set",' + KEY + ',"value":1,"expire":"1"}', 'seconds above 0'),
    ('{"op":"store.set",' + KEY + ',"value":1,"notExists":1}', 'true or false'),
    ('{"op":"store.set",' + KEY + ',"value":nan}', 'no JSON object'),
    ('{"op":"cache.incr",' + KEY + ',"step":1.5}', 'an integer of 64 bits'),
    ('{"op":"cache.incr",' + KEY + ',"step":1e3}', 'an integer of 64 bits'),
    ('{"op":"cache.incr",' + KEY + ',"step":9223372036854775808}', 'an integer of 64 bits'),
    ('{"op":"cache.hmset",' + KEY + ',"obj":{}}', 'is empty'),
    ('{"op":"cache.hmset",' + KEY + ',"obj":[]}', 'must be an object'),
    ('{"op":"env.list","id":"x"}', 'unknown field "id"'),
    ('{"op":"store.get",' + KEY + ',"x":' + '[' * 200 + ']' * 200 + '}', 'no JSON object'),
    ('{"op":"store.get","key":"\udcff","scope":"s"}', 'no JSON object'),
])
def test_bad_input_is_told_and_the_connection_goes_on(ask, text, message):
    ask.send_text(text.encode(errors='surrogateescape'))
    with pytest.raises(Failed) as caught:
        ask.receive()
    assert caught.value.error == 'InvalidOptionException' and message in caught.value.message
    assert ask('cache.llen', key='none', scope='s') == 0


def test_a_request_over_32_MB_is_refused_and_the_next_is_answered(ask):
    ask.socket.sendall(struct.pack('>I', (32 << 20) + 1))
    for _ in range(32):
        ask.socket.sendall(b'x' * (1 << 20))
    ask.socket.sendall(b'x')
    with pytest.raises(Failed) as caught:
        ask.receive()
    assert 'limit is 33554432' in caught.value.message
    assert ask('cache.llen', key='none', scope='s') == 0


def test_a_head_of_gigabytes_ends_the_connection(ask):
    ask.socket.sendall(b'\xff\xff\xff\xff')
    with pytest.raises(Failed) as caught:
        ask.receive()
    assert 'a request of 4294967295 bytes' in caught.value.message
    assert ask.is_closed()


def test_who_sends_slowly_keeps_nobody_waiting(node, ask):
    slow = [Services(node) for _ in range(20)]
    try:
        for client in slow:
            client.socket.sendall(b'\0\0\1')
        begin = time.monotonic()
        for _ in range(100):
            ask('cache.llen', key='none', scope='s')
        assert time.monotonic() - begin < 2
        text = json.dumps({'op': 'cache.llen', 'key': 'k', 'scope': 's'}).encode()
        with Services(node) as client:
            for byte in struct.pack('>I', len(text)) + text:
                client.socket.sendall(bytes([byte]))
            assert client.receive() == 0
    finally:
        for client in slow:
            client.socket.close()


def test_what_is_not_whole_in_time_is_dropped(node):
    with Services(node, timeout=60) as client:
        client.socket.sendall(b'\0\0\1\0{')
        begin = time.monotonic()
        assert client.is_closed()
        assert 25 < time.monotonic() - begin < 40


def test_many_requests_may_be_sent_at_once(ask):
    ask('cache.delete', key='many', scope='s')
    for begin in range(1, 2000, 100):
        for _ in range(100):
            ask.send('cache.incr', key='many', scope='s')
        assert [ask.receive() for _ in range(100)] == list(range(begin, begin + 100))


def test_only_the_user_of_workers_is_answered(node):
    worker = grp.getgrnam('dff-worker').gr_gid
    with Services(node, 'root') as client:
        assert client('cache.llen', key='none', scope='s') == 0
    with pytest.raises(PermissionError):
        Services(node, 'dff-web')
    # In the group, so that the file lets it in.
    node.allow('of a user that is not _WORKER_USER')
    with Services(node, 'nobody', worker) as client:
        with pytest.raises((ConnectionError, BrokenPipeError)):
            client('cache.llen', key='none', scope='s')
