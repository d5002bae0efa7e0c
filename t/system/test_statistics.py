"""Statistics per link on the real system."""

import datetime
import http.client
import json
import time

import pytest

from node import wait_until


def count_of(node, link, kind='al'):
    return node.redis('HGETALL', f'dff:stat:count:{kind}:{link}') or {}


def recent_of(node, link, kind='al'):
    return [json.loads(call) for call in node.redis(
        'LRANGE', f'dff:stat:recent:{kind}:{link}', 0, -1)]


def settled(node, link, total):
    """The calls of today, when all of them have come to Redis."""
    today = today_text()
    wait_until(lambda: int(count_of(node, link).get(today, 0)) >= total, 5, 'the statistics')
    assert int(count_of(node, link)[today]) == total


def today_text(days=0):
    shanghai = datetime.timezone(datetime.timedelta(hours=8))      # TIMEZONE of the test nodes
    return (datetime.datetime.now(shanghai) - datetime.timedelta(days)).strftime('%Y-%m-%d')


@pytest.fixture
def link(node, request):
    name = 'auln-stat-' + request.node.name.split('[')[0][-40:].replace('_', '-')
    node.ctl('link', 'add', 't__basic.ok', '--id', name)
    return name


def shown(node, link):
    return json.loads(node.ctl('link', 'show', link, '--json').stdout)


def test_calls_are_counted_with_cost_and_outcome(node, link):
    before = time.time() * 1000
    for _ in range(3):
        node.call(link)
    node.call(link, {'timeout': 0})
    node.ctl('link', 'modify', link, '--disabled')
    node.call(link)
    settled(node, link, 5)
    calls = recent_of(node, link)
    assert sorted(call[2] for call in calls) == [
        'EBizCondition.AuthLinkDisabled', 'EClientBadRequest', 'OK', 'OK', 'OK']
    for ended, cost, _ in calls:
        assert before - 1000 <= ended <= time.time() * 1000 + 1000
        assert 0 <= cost < 1000
    stat = shown(node, link)
    assert stat['recentRunningCount'][0] == {'date': today_text(), 'count': 5}
    assert [day['date'] for day in stat['recentRunningCount']] == [
        today_text(days) for days in range(7)]
    assert stat['recentRunningStatus'] == {
        'total': 5, 'OK': 3, 'EClientBadRequest': 1, 'EBizCondition.AuthLinkDisabled': 1}
    assert stat['recentRunningCost']['samples'] == 5
    assert 'last calls     total 5, ' in node.ctl('link', 'show', link).stdout


def test_the_cost_is_the_time_the_caller_waited(node):
    node.ctl('link', 'add', 't__basic.nap', '--id', 'auln-stat-nap')
    node.call('auln-stat-nap', seconds=0.3)
    settled(node, 'auln-stat-nap', 1)
    assert 300 <= recent_of(node, 'auln-stat-nap')[0][1] < 500


def test_cached_answers_failures_and_clients_that_left_have_their_outcomes(node):
    node.allow('ValueError')
    for func, name in (('t__basic.boom', 'auln-stat-boom'), ('t__basic.nap', 'auln-stat-left'),
                       ('t__limits.token', 'auln-stat-cached')):
        node.ctl('link', 'add', func, '--id', name)
    node.call('auln-stat-boom')
    for _ in range(2):
        node.call('auln-stat-cached', for_='statistics')
    connection = http.client.HTTPConnection('127.0.0.1', node.port)
    connection.request('GET', '/api/v1/al/auln-stat-left?kwargs={"seconds":0.5}')
    time.sleep(0.1)
    connection.close()
    node.call('auln-stat-left', {'timeout': 2, 'apiTimeout': 1}, seconds=1.5)
    settled(node, 'auln-stat-boom', 1)
    settled(node, 'auln-stat-cached', 2)
    settled(node, 'auln-stat-left', 2)
    assert [call[2] for call in recent_of(node, 'auln-stat-boom')] == ['EFuncFailed']
    assert sorted(call[2] for call in recent_of(node, 'auln-stat-cached')) == ['OK', 'cached']
    assert sorted(call[2] for call in recent_of(node, 'auln-stat-left')) == [
        'EAPITimeout', 'UnknowError']


def test_the_last_101_calls_are_kept_and_all_are_counted(node, link):
    connection = http.client.HTTPConnection('127.0.0.1', node.port)
    for _ in range(250):
        connection.request('GET', f'/api/v1/al/{link}')
        assert connection.getresponse().read() == b'ok'
    connection.close()
    settled(node, link, 250)
    assert len(recent_of(node, link)) == 101
    assert shown(node, link)['recentRunningStatus'] == {'total': 101, 'OK': 101}


def test_seven_days_are_kept(node, link):
    for days in (1, 6, 7, 8, 14):
        node.redis('HSET', f'dff:stat:count:al:{link}', today_text(days), days)
    node.call(link)
    settled(node, link, 1)
    wait_until(lambda: set(count_of(node, link)) == {today_text(days) for days in (0, 1, 6)}, 3,
               'the end of old days')
    for key in (f'dff:stat:count:al:{link}', f'dff:stat:recent:al:{link}'):
        wait_until(lambda key=key: 7 * 86400 < node.redis('TTL', key) <= 8 * 86400, 3, 'the TTL')


def test_calls_of_links_that_do_not_exist_leave_no_keys(node):
    for name in ('auln-stat-none', 'auln-stat-nobody'):
        assert node.call(name).status == 404
    time.sleep(1.5)
    assert not node.redis('KEYS', 'dff:stat:*:auln-stat-no*')


def test_statistics_survive_a_stop_and_a_reload_of_nginx(node, link):
    node.call(link)
    node.restart('nginx')       # within the second in which they are gathered
    settled(node, link, 1)
    node.call(link)
    node.reload('nginx')
    settled(node, link, 2)


def test_statistics_wait_for_a_redis_that_is_away(fresh_node):
    fresh_node.allow('Redis', 'redis', 'dff:')
    fresh_node.publish_fixtures()
    assert fresh_node.call('auln-ok').text == 'ok'
    settled(fresh_node, 'auln-ok', 1)
    fresh_node.stop('redis')
    assert {fresh_node.call('auln-ok').status for _ in range(3)} == {503}
    time.sleep(1.5)
    fresh_node.start('redis')
    wait_until(lambda: int(count_of(fresh_node, 'auln-ok').get(today_text(), 0)) in (3, 4), 10,
               'the statistics of the outage')
    # Each nginx worker tells its own, so the third may be of the other one.
    wait_until(lambda: [call[2] for call in recent_of(fresh_node, 'auln-ok')][:3]
               == ['ESysCache'] * 3, 5, 'all calls of the outage')
