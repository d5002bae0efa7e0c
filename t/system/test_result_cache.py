"""The result cache on the real system."""

import http.client
import time
import uuid

import pytest

from node import wait_until

SCRIPT = """
import time, uuid

@DFF.API('x', cache_result=60)
def token(**kwargs):
    return 'VERSION ' + uuid.uuid4().hex

@DFF.API('x', cache_result=0.7)
def short(**kwargs):
    return uuid.uuid4().hex

@DFF.API('x', cache_result=60)
def late(seconds):
    time.sleep(seconds)
    return uuid.uuid4().hex

@DFF.API('x', cache_result=60)
def fail(**kwargs):
    raise ValueError(uuid.uuid4().hex)

@DFF.API('x', cache_result=60, timeout=30)
def large(size):
    return uuid.uuid4().hex + 'x' * size
"""


@pytest.fixture
def cached(session_node, node):
    """The script is published anew for each test, and nothing is cached."""
    publish(node, uuid.uuid4().hex)
    for key in keys(node):
        node.redis('DEL', key)
    return node


def publish(node, version):
    node.ctl('script', 'publish', '-', '--id', 't__cached', stdin=SCRIPT.replace('VERSION', version))
    for name in ('token', 'short', 'late', 'fail', 'large'):
        node.ctl('link', 'add', f't__cached.{name}', '--id', f'auln-cached-{name}', '--update')


def from_cache(answer):
    return answer.headers.get('x-dataflux-func-cache') == 'Cached'


def keys(node):
    return node.redis('KEYS', 'dff:cache:result:t__cached.*')


def test_equal_calls_get_the_same_result_from_the_cache(cached):
    first = cached.call('auln-cached-token', a=1)
    assert not from_cache(first)
    for _ in range(10):         # whichever nginx worker takes it
        again = cached.call('auln-cached-token', a=1)
        assert from_cache(again) and again.body == first.body
    assert cached.call('auln-cached-token', a=2).body != first.body


def test_all_links_to_a_function_share_its_cache(cached):
    cached.ctl('link', 'add', 't__cached.token', '--id', 'auln-cached-other', '--update')
    first = cached.call('auln-cached-token', b=1)
    other = cached.call('auln-cached-other', b=1)
    assert from_cache(other) and other.body == first.body


def test_a_result_is_cached_for_cache_result_seconds_parts_of_them_too(cached):
    first = cached.call('auln-cached-short')
    begin = time.monotonic()
    assert from_cache(cached.call('auln-cached-short'))
    new = wait_until(lambda: (r := cached.call('auln-cached-short')) and not from_cache(r) and r, 3,
                     'the end of the cached result')
    assert 0.5 < time.monotonic() - begin < 1.2
    assert new.body != first.body


def test_publishing_the_script_empties_the_cache(cached):
    first = cached.call('auln-cached-token', c=1)
    publish(cached, 'new')
    answer = cached.call('auln-cached-token', c=1)
    assert not from_cache(answer) and answer.text.startswith('new ')
    assert not first.text.startswith('new ')


def test_a_failure_is_run_again(cached):
    cached.allow('ValueError')
    first, second = (cached.call('auln-cached-fail') for _ in range(2))
    assert first.status == second.status == 599
    assert first.json['detail']['einfoTEXT'] != second.json['detail']['einfoTEXT']
    assert not keys(cached)


def test_a_large_result_is_cached_whole(cached):
    first = cached.call('auln-cached-large', size=8000000)
    assert len(first.body) == 8000032
    again = cached.call('auln-cached-large', size=8000000)
    assert from_cache(again) and again.body == first.body


def test_a_result_over_32_mb_is_answered_but_not_cached(cached):
    assert len(cached.call('auln-cached-large', {'apiTimeout': 20}, size=33 << 20).body) > 33 << 20
    assert not keys(cached)


def test_the_result_of_a_call_whose_client_left_is_cached(cached):
    path = '/api/v1/al/auln-cached-late?kwargs={"seconds":0.5}'
    connection = http.client.HTTPConnection('127.0.0.1', cached.port)
    connection.request('GET', path)
    time.sleep(0.2)
    connection.close()
    wait_until(lambda: keys(cached), 5, 'the result')
    assert from_cache(cached.get(path))


def test_the_result_of_a_call_that_was_answered_599_1_is_cached(cached):
    path = '/api/v1/al/auln-cached-late?kwargs={"seconds":1.5}'
    late = cached.get(path + '&options={"apiTimeout":1}')
    assert late.json['error'] == 599.1
    wait_until(lambda: keys(cached), 5, 'the result')
    again = cached.get(path)
    assert from_cache(again)
    task = late.json['detail']['id']
    assert cached.get(f'/api/v1/func-result?taskId={task}&unfold=true').body == again.body


def test_a_cached_result_is_kept_for_cache_result_not_longer(cached):
    cached.call('auln-cached-token', f=1)
    key, = keys(cached)
    assert 59000 < cached.redis('PTTL', key) <= 60000


def test_a_call_that_saves_its_result_runs_the_function(cached):
    first = cached.call('auln-cached-token', d=1)
    saved = cached.call('auln-cached-token', {'saveResult': True}, d=1)
    assert not from_cache(saved) and saved.body != first.body


def test_a_cached_entry_that_cannot_be_read_is_run_again_and_is_an_error(cached):
    cached.allow('dff: cached result of link')
    first = cached.call('auln-cached-token', e=1)
    key, = keys(cached)
    cached.redis('SET', key, 'DFR1 nonsense')
    again = cached.call('auln-cached-token', e=1)
    assert again.status == 200 and not from_cache(again) and again.body != first.body
    assert from_cache(cached.call('auln-cached-token', e=1))
