"""dffctl status, config, help: what an operator looks at first."""

import json
import os
import re
import signal

from node import wait_until


def test_status_shows_node_workers_and_stores(node):
    shown = json.loads(node.ctl('status', '--json').stdout)
    assert shown['ok'] and shown['redis']['ok'] and shown['mysql']['ok']
    assert shown['mysql']['schema']['applied'] == shown['mysql']['schema']['known'] > 0
    me = [one for one in shown['nodes'] if one['node'] == node.setting('_NODE_NAME')][0]
    assert me['alive'] and me['heartbeat']['pid'] == node.pid('executor')
    assert len(shown['queues']) == 10

    text = node.ctl('status').stdout
    assert 'alive' in text and 'workers busy' in text and 'schema' in text


def test_status_fails_when_no_node_is_alive_or_a_store_is_away(fresh_node):
    made = fresh_node
    made.ctl('status')
    made.stop('executor')
    done = wait_until(lambda: (one := made.ctl('status', check=False)).returncode == 1 and one, 15,
                      'a dead node')
    assert 'alive' not in done.stdout and 'Redis   ok' in done.stdout
    assert 'node    none   no executor runs\n' in done.stdout
    made.stop('redis')
    done = made.ctl('status', check=False)
    assert done.returncode == 1 and 'Redis   ERROR' in done.stdout and 'MySQL   ok' in done.stdout
    # Only Redis knows: what was not asked is not told as an absence.
    assert 'no executor runs' not in done.stdout and '\nqueues' not in done.stdout
    made.allow('Redis', 'redis')


def test_status_tells_of_dead_workers_and_of_jobs_that_wait_for_their_time(fresh_node):
    node = fresh_node
    node.allow('signal 9')
    text = wait_until(lambda: '2 of 2 processes ready, 0 died\n' in (
        text := node.ctl('status').stdout) and text, 10, 'a heartbeat of the whole node')
    assert ' 0 died, 0 added, 0 retired since the start\n' in text and 'delayed' not in text

    for pid in node.python_workers()[:3]:
        os.kill(pid, signal.SIGKILL)
    node.redis('ZADD', 'dff:delayed', 9e15, 'one')
    wait_until(lambda: ' 3 died, 0 added,' in node.ctl('status').stdout, 5, 'the heartbeat')
    assert ' 9:0 delayed:1\n' in node.ctl('status').stdout
    assert json.loads(node.ctl('status', '--json').stdout)['delayed'] == 1
    node.redis('DEL', 'dff:delayed')


def test_config_check_tries_the_stores_and_tells_every_finding(make_node):
    made = make_node()
    text = made.ctl('config', 'check', check=False)
    assert text.returncode == 1                     # its Redis was not started
    assert 'MySQL    ok' in text.stdout and 'Redis    error' in text.stdout
    with made.config.open('a') as config:
        config.write('WEB_PRT: 1\n_WORKER_CONCURRENCI: 2\nWEB_BASE_URL: [1\n')
    done = made.ctl('config', 'check', check=False)
    assert done.returncode == 1 and 'user-config.yaml' in done.stdout + done.stderr


def test_config_show_masks_secrets(node):
    text = node.ctl('config', 'show').stdout
    for key in ('SECRET', 'MYSQL_PASSWORD'):
        assert node.setting(key) not in text
        assert re.search(rf'^{key}: .*\*\*\*', text, re.M)
    assert f"WEB_PORT: {node.port}" in text


def test_every_command_has_help_and_needs_no_configuration_for_it(node):
    listed = node.ctl('--help').stdout
    names = [line.strip().removeprefix('dffctl ') for line in listed.splitlines()
             if line.startswith('  dffctl ')]
    assert len(names) >= 19
    for name in names:
        words = [word for word in re.split(r' ', name) if re.fullmatch(r'[a-z-]+', word)]
        done = node.ctl('--config', '/nonexistent', *words[:2], '--help')
        assert done.stdout.startswith('usage: dffctl ' + ' '.join(words[:2])), words


def test_an_unknown_command_gets_the_nearest_name(node):
    for words, text in ((['scirpt', 'list'], 'script list'), (['stauts'], 'status'),
                        (['queue'], 'queue clear'), (['api-auth', '--help'], 'api-auth list'),
                        (['xyzzy'], 'dffctl --help')):
        done = node.ctl(*words, check=False)
        assert done.returncode == 2 and text in done.stderr, done
    done = node.ctl('status', 'extra', check=False)
    assert done.returncode == 2 and 'one word too many: extra' in done.stderr


def test_a_missing_configuration_is_named(node):
    done = node.ctl('--config', '/nonexistent/user-config.yaml', 'status', check=False)
    assert done.returncode == 1 and '/nonexistent/user-config.yaml' in done.stderr
