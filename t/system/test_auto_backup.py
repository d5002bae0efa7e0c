"""Backups of the database that the nodes make by themselves."""

import datetime
import os
import re
import signal
import stat
import subprocess
import time
import zoneinfo

import pytest

from node import process_alive, process_stat, wait_until
from pair import api_processes, two_nodes

NAME = r'dataflux-func-sqldump-\d{8}-\d{6}\.sql'


def this_minute():
    """A crontab that is due now, and not again today: it is made up for five minutes."""
    return datetime.datetime.now(zoneinfo.ZoneInfo('Asia/Shanghai')).strftime('%M %H * * *')


def is_settled(node):
    return node.redis('GET', 'dff:backup') and not node.redis('EXISTS', 'dff:lock:backup')


def nothing_more_comes(node, folder):
    """Each process has had its turn, which is once a second."""
    before = os.listdir(folder)
    time.sleep(2.2)
    assert os.listdir(folder) == before and is_settled(node)


def test_of_all_processes_of_two_nodes_one_makes_it(session_node, test_folder):
    folder = test_folder / 'backups-of-two'
    folder.mkdir()
    os.chmod(folder, 0o777)
    old = [f'dataflux-func-sqldump-2021101{n}-010203.sql' for n in range(3)]
    for name in old:
        (folder / name).write_text('x')
    with two_nodes(session_node, test_folder, _CRONTAB_AUTO_BACKUP_DB=this_minute(),
                   DB_AUTO_BACKUP_PATH=folder, DB_AUTO_BACKUP_LIMIT=2) as (home, other):
        assert len(api_processes(home, other)) >= 4
        wait_until(lambda: is_settled(home), 20, 'the backup')
        nothing_more_comes(home, folder)
        kept, made = sorted(os.listdir(folder))
        assert kept == old[2] and re.fullmatch(NAME, made)
        assert stat.S_IMODE((folder / made).stat().st_mode) == 0o600
        said = home.log_text() + other.log_text()
        assert said.count('the database is backed up: ') == 1 and f'{made}, ' in said
        home.ctl('backup', 'restore', made, '--force')


@pytest.fixture
def own(make_node):
    """Its folder is not there; it begins when the test starts it."""
    node = make_node(_CRONTAB_AUTO_BACKUP_DB=this_minute())
    node.set(DB_AUTO_BACKUP_PATH=f'{node.install}/data/own-backups')
    node.service('start', 'mysql', 'redis')
    node.ctl('db', 'migrate')
    return node


def test_what_fails_is_an_error_with_its_cause_and_leaves_nothing(own):
    own.allow('there is no backup of the database for this time')
    own.sql('RENAME TABLE batch TO `ba``tch`;')
    own.start('executor')
    wait_until(lambda: is_settled(own), 20, 'the attempt')
    folder = own.install / 'data/own-backups'
    nothing_more_comes(own, folder)
    errors = [line for line in own.log_text().splitlines() if ' ERROR ' in line]
    assert len(errors) == 1 and 'none of ours' in errors[0] and 'executor/api' in errors[0]
    assert os.listdir(folder) == []
    # an empty crontab switches it off
    own.sql('RENAME TABLE `ba``tch` TO batch;')
    own.redis('DEL', 'dff:backup')
    own.set(_CRONTAB_AUTO_BACKUP_DB="''")
    own.restart('executor')
    time.sleep(2.2)
    assert own.redis('GET', 'dff:backup') is None and os.listdir(folder) == []


@pytest.fixture
def held_table(own):
    """A table of which nobody can read the rows, until the test says otherwise."""
    server = own.mysql_of or own
    client = subprocess.Popen(
        ['mariadb', '--no-defaults', f'--socket={server.install}/run/mysql/mysql.sock',
         '--user=root', '--unbuffered', own.setting('MYSQL_DATABASE')],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    client.stdin.write('LOCK TABLES user WRITE; SELECT 1;\n')
    client.stdin.flush()
    assert client.stdout.readline()

    def release():
        client.stdin.close()
        client.wait()

    yield release
    if client.poll() is None:
        release()
    client.stdout.close()


def test_another_goes_on_when_who_makes_it_dies(own, held_table):
    folder = own.install / 'data/own-backups'

    def parts():
        names = os.listdir(folder) if folder.exists() else ()    # who makes a backup makes it, too
        return [name for name in names if name.startswith('.backup-')]

    own.start('executor', 'nginx')
    [part] = wait_until(parts, 20, 'a backup under way')
    child = int(re.fullmatch(r'\.backup-(\d+)\.part', part)[1])
    # meanwhile the process answers
    assert own.get('/api/v1/openapi.json').status in (200, 401)
    _, parent, _ = process_stat(child)
    os.kill(parent, signal.SIGKILL)
    own.allow('api process')
    assert 0 < own.redis('TTL', 'dff:lock:backup') <= 15
    # it ends with its parent, but has low priority
    wait_until(lambda: not process_alive(child), 15, 'the end of the child')
    held_table()
    own.redis('DEL', 'dff:lock:backup')         # as if this time had passed
    wait_until(lambda: is_settled(own), 20, 'the backup')
    [made] = os.listdir(folder)
    assert re.fullmatch(NAME, made)
