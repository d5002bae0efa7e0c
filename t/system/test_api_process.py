"""The api processes of the executor: started, replaced and ended by its master."""

import json
import os
import pwd
import signal
import socket
import stat
import time

from node import process_alive, process_depth, process_words, wait_until


def heartbeat(node):
    """What the node says of its api processes. Others that have used its Redis may be listed."""
    nodes = json.loads(node.ctl('status', '--json').stdout)['nodes']
    me, = (one for one in nodes if one['node'] == node.setting('_NODE_NAME'))
    return me['heartbeat']['api']


def api_pids(node):
    """The pids in /proc, which is earlier than the heartbeat."""
    master = node.pid('executor')
    return sorted(pid for pid in node.processes('executor')
                  if process_depth(pid, master) == 1 and b'--api' in process_words(pid))


def wait_ready(node, count=2, not_these=()):
    """Until so many are ready; returns their pids."""
    def ready():
        api = heartbeat(node)
        return (api['ready'] == count == len(api['pids']) and not set(api['pids']) & set(not_these)
                and sorted(api['pids']))
    return wait_until(ready, 20, 'ready api processes')


def test_a_node_has_two_api_processes_of_an_unprivileged_user(node):
    pids = wait_ready(node)
    assert pids == api_pids(node)
    user = pwd.getpwnam('dff-api').pw_uid
    for pid in pids:
        with open(f'/proc/{pid}/status', encoding='ascii') as file:
            fields = dict(line.split(':', 1) for line in file.read().splitlines())
        assert set(fields['Uid'].split()) == {str(user)}
        assert int(fields['CapEff'], 16) == 0 and fields['NoNewPrivs'].strip() == '1'
    assert '2 of 2 processes ready' in node.ctl('status').stdout


def test_the_sockets_are_for_nginx_and_for_workers_only(node):
    for name, group in (('api.sock', 'dff'), ('services.sock', 'dff-worker')):
        path = node.install / 'run' / name
        assert path.owner() == 'root' and path.group() == group
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_one_that_is_killed_is_replaced_and_connections_wait_for_it(node):
    before = wait_ready(node)
    node.allow('was killed by signal 9')
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(node.install / 'run/services.sock'))    # not refused
    wait_ready(node, 2, before)
    assert heartbeat(node)['restarts'] >= 2
    node.forget_records_writer()


def test_a_reload_replaces_all_and_takes_a_new_number(make_node):
    node = make_node(_API_PROCESSES=1)
    node.start()
    before = wait_ready(node, 1)
    node.set(_API_PROCESSES=3)
    node.reload('executor')
    after = wait_ready(node, 3, before)
    wait_until(lambda: api_pids(node) == after, 10, 'end of the old ones')


def test_one_that_is_replaced_before_it_is_ready_just_leaves(node):
    before = wait_ready(node)
    for _ in range(20):
        os.kill(node.pid('executor'), signal.SIGUSR1)
        time.sleep(0.01)
    wait_ready(node, 2, before)


def test_they_end_with_the_master(make_node):
    node = make_node()
    node.start()
    pids = wait_ready(node)
    node.kill('executor')
    wait_until(lambda: not any(process_alive(pid) for pid in pids), 10, 'end of api processes')
    node.start('executor')
    pids = wait_ready(node)
    node.stop('executor')
    assert not any(process_alive(pid) for pid in pids)
    assert not (node.install / 'run/api.sock').exists()


def test_without_its_user_the_log_says_what_is_missing(make_node):
    node = make_node(_API_USER='dff-nobody-x')
    node.allow('_API_USER "dff-nobody-x": no such user', 'exited with status 1')
    node.start()
    wait_until(lambda: '_API_USER "dff-nobody-x": no such user' in node.log_text(), 10, 'the message')
    assert heartbeat(node)['ready'] == 0
