"""SIGHUP to the executor: what can change without a restart does, and no call fails."""

import json
import os
import re
import time

from api import administrator
from node import wait_until
from test_api_process import api_pids, wait_ready
from test_master_recovery import Jobs
from test_outages import under_load


WORKERS = 4 * 2     # of each group

SCRIPT = '''
import time


@DFF.API('What a call sees, and whether the store is there')
def look():
    assert DFF.STORE.set('seen', 1) is True
    return {'store': DFF.STORE.get('seen'), 'zone': time.strftime('%z'), 'root': DFF.RSRC('')}
'''


def pool(node):
    """All workers, when they are there."""
    return wait_until(lambda: len(pids := set(node.python_workers())) == WORKERS and pids, 20,
                      'the whole pool')


def reload(node):
    """Until all workers are new ones."""
    old = pool(node)
    node.reload('executor')
    wait_until(lambda: not pool(node) & old, 20, 'new workers')


def told(node):
    """The keys of which the log says that they need a restart."""
    return re.findall(r'reload: (\w+) has changed; that needs a restart', node.log_text())


def look(node):
    answer = node.call('auln-look-around')
    assert answer.status == 200, answer
    return answer.json


def publish_look(node):
    node.ctl('script', 'publish', '-', '--id', 't__look_around', stdin=SCRIPT)
    node.ctl('link', 'add', 't__look_around.look', '--id', 'auln-look-around')


def test_reloads_of_the_executor_under_load_fail_no_call(fresh_node):
    fresh_node.publish_fixtures()

    def again_and_again():
        for _ in range(5):
            fresh_node.reload('executor')
            time.sleep(0.3)

    assert under_load(fresh_node, again_and_again) > 20
    assert under_load(fresh_node, lambda: reload(fresh_node), link='auln-nap', seconds=0.2) > 10


def test_a_reload_applies_what_it_can(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    node.set(_WORKER_RESULT_EXPIRES=77, _WORKER_MAX_TASKS_PER_CHILD=1,
             _FUNC_TASK_EXTRA_TIMEOUT_TO_KILL=1)
    reload(node)
    jobs = Jobs(node)
    kept = jobs.push('ok', {})
    assert jobs.statuses() == ['success']
    assert 0 < node.redis('TTL', f'dff:result:{kept}') <= 77

    before = pool(node)
    assert node.call('auln-ok').text == 'ok'
    wait_until(lambda: pool(node) - before, 5, 'a worker in place of a used one')

    node.allow('signal 9', 'SoftTimeLimitExceeded')
    answer = node.call('auln-stick', {'timeout': 1, 'apiTimeout': 10}, word='short')
    assert answer.json['error'] in (599.1, 599.31), answer
    wait_until(lambda: 'before it stuck: short' in node.log_text(), 3, 'the kill a second later')


def test_what_is_in_force_after_a_reload_is_not_told_to_need_a_restart(fresh_node):
    node = fresh_node
    publish_look(node)
    database, user, root = node.setting('MYSQL_DATABASE'), f'user{node.port}', node.install / 'root'
    root.mkdir(mode=0o755)
    node.mysql_of.mysql(f"CREATE USER '{user}'@'localhost' IDENTIFIED BY 'another-password';"
                        f"GRANT ALL PRIVILEGES ON {database}.* TO '{user}'@'localhost';")
    try:
        node.set(MYSQL_USER=user, MYSQL_PASSWORD='another-password', TIMEZONE='Asia/Kolkata',
                 SECRET='0123456789abcdef-another', LOG_FILE_PATH='logs/other.log',
                 LOG_FILE_FORMAT='json', RESOURCE_ROOT_PATH=root, RESOURCE_ROOT_SHARED='true')
        reload(node)
        seen = look(node)
        assert (seen['store'], seen['zone'], seen['root'].rstrip('/')) == (1, '+0530', str(root))
        assert user in node.sql('SELECT user FROM information_schema.processlist;').split()
    finally:
        node.mysql_of.mysql(f"DROP USER '{user}'@'localhost';")

    log = node.install / 'data/logs/other.log'
    assert os.path.samefile(f"/proc/{node.pid('executor')}/fd/2", log)   # what Python says, too
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(line['time'].endswith('+05:30') and line['level'] != 'ERROR' for line in lines)
    assert 'is in force' in lines[0]['text']
    assert told(node) == [] and 'needs a restart' not in log.read_text()


def test_a_reload_tells_what_needs_a_restart_and_leaves_it(fresh_node):
    node = fresh_node
    node.set(_WORKER_CONCURRENCY=3, _WORKER_MAX_CONCURRENCY=3, _WORKER_PREFETCH_MULTIPLIER=1,
             _WORKER_GROUPS='0-9', RESOURCE_ROOT_SHARED='true', _FUNC_TASK_MAX_TIMEOUT=3000)
    reload(node)
    assert told(node) == ['_WORKER_GROUPS', '_WORKER_CONCURRENCY', '_WORKER_MAX_CONCURRENCY',
                          '_WORKER_PREFETCH_MULTIPLIER']
    node.restart('executor')
    wait_until(lambda: len(node.python_workers()) == 3, 10, 'one group of three')


def test_name_folder_and_user_stay_until_a_restart_for_all_processes(fresh_node):
    node = fresh_node
    node.publish_fixtures()
    publish_look(node)
    sockets = [node.install / 'run' / name for name in ('api.sock', 'services.sock')]
    old = wait_ready(node)
    node.set(_NODE_NAME='renamed', _RUN_PATH=node.install / 'elsewhere', _WORKER_USER='nobody')
    reload(node)
    wait_until(lambda: not set(api_pids(node)) & set(old), 20, 'the end of the old api processes')
    assert told(node) == ['_WORKER_USER', '_NODE_NAME', '_RUN_PATH']

    assert look(node)['store'] == 1         # the new api processes know the workers' user
    assert node.call('auln-send', path='a.txt', content='of this node').text == 'of this node'
    stats = administrator(node).read('/api/v1/monitor/sys-stats/do/get')
    assert stats['hostname'] == f'node-{node.port}'
    node.stop('executor')
    assert not any(path.exists() for path in sockets)


def test_a_broken_file_changes_nothing(fresh_node):
    node = fresh_node
    node.allow('not taken over', '_WORKER_MAX_RSS')
    workers, text = pool(node), node.config.read_text()
    node.set(_WORKER_MAX_RSS=1)
    os.kill(node.pid('executor'), 1)
    wait_until(lambda: 'reload: the configuration is not taken over' in node.log_text(), 5,
               'the line in the log')
    assert '_WORKER_MAX_RSS' in node.log_text()
    assert pool(node) == workers
    node.config.write_text(text)
