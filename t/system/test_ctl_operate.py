"""dffctl for who operates a node: passwords, packages, backups, doctor."""

import os
import re
import shutil
import stat
import subprocess
import time

import pytest

from api import Api, administrator, bad, forget_failures, good, signed_in
from node import wait_until

CODE = "@DFF.API('One')\ndef one(x=1):\n    return x\n"


@pytest.fixture
def admin(node):
    forget_failures(node)
    return administrator(node)


# --- user ----------------------------------------------------------------------------------------


def test_a_lost_password_is_replaced_and_its_sign_ins_are_over(node, admin):
    made = admin.add('users', username='operated', password='first', name='O', roles=['user'])
    try:
        api = signed_in(node, 'operated', 'first')
        text = node.ctl('user', 'reset-password', 'operated').stdout
        password = re.search('password of operated is ([0-9A-Za-z]{22}) ', text)[1]
        bad(api.get('/api/v1/auth/profile/do/get'), 'EUserAuth', 401)
        bad(Api(node).sign_in('operated', 'first'), 'EUserPassword', 400)
        signed_in(node, 'operated', password)

        given = node.ctl('user', 'reset-password', 'operated', '--stdin', stdin='a new one\n')
        assert 'a new one' not in given.stdout
        signed_in(node, 'operated', 'a new one')
    finally:
        admin.delete('users', made)


@pytest.mark.parametrize('words, stdin, text', [
    (('nobody-here',), None, 'no such user: nobody-here'),
    (("x' OR '1'='1",), None, 'no such user'),
    (('admin', '--stdin'), '', 'one line'), (('admin', '--stdin'), 'a\nb\n', 'one line'),
    (('admin', '--stdin'), 'x' * 5000, 'one line')])
def test_what_is_no_user_or_password_changes_nothing(node, admin, words, stdin, text):
    done = node.ctl('user', 'reset-password', *words, check=False, stdin=stdin)
    assert done.returncode != 0 and text in done.stderr, done
    good(admin.get('/api/v1/auth/profile/do/get'))


# --- packages ------------------------------------------------------------------------------------


def test_a_package_goes_out_and_comes_back(node, admin, tmp_path):
    script, package, secret = (tmp_path / name for name in ('one.py', 'a.func-pkg', 'password'))
    script.write_text(CODE)
    secret.write_text('a password of ours\n')
    node.ctl('script', 'publish', script, '--id', 'opset__one')
    node.ctl('link', 'add', 'opset__one.one', '--id', 'auln-opset')
    try:
        node.ctl('script-set', 'export', package, '--id', 'opset', '--links', '--note', 'mine',
                 '--password-file', secret)
        assert stat.S_IMODE(package.stat().st_mode) == 0o600
        again = node.ctl('script-set', 'export', package, '--id', 'opset', check=False)
        assert again.returncode == 1 and 'exists' in again.stderr
        assert admin.list('script-set-export-history', pageSize=1)[0]['note'] == 'mine'

        admin.delete('script-sets', 'opset')
        admin.delete('auth-links', 'auln-opset')
        assert node.call('auln-opset').status == 404
        wrong = node.ctl('script-set', 'import', package, check=False)
        assert wrong.returncode == 1 and 'password is wrong' in wrong.stderr
        told = node.ctl('script-set', 'import', package, '--check', '--password-file', secret)
        assert told.stdout.split() == ['add', 'opset']
        assert node.call('auln-opset').status == 404
        node.ctl('script-set', 'import', package, '--password-file', secret)
        assert node.call('auln-opset', x=7).json == 7

        # what a user has locked stays, unless it is forced
        admin.modify('scripts', 'opset__one', isLocked=True)
        done = node.ctl('script-set', 'import', package, '--password-file', secret, check=False)
        assert done.returncode == 1 and 'locked' in done.stderr
        done = node.ctl('script-set', 'import', package, '--password-file', secret, '--force')
        assert done.stdout.split() == ['replace', 'opset']
    finally:
        admin.get('/api/v1/script-sets/opset/do/delete')
        admin.get('/api/v1/auth-links/auln-opset/do/delete')


def test_what_is_no_package_and_no_set(node, tmp_path):
    path = tmp_path / 'x'
    path.write_text('no package')
    done = node.ctl('script-set', 'import', path, check=False)
    assert done.returncode == 1 and 'no package' in done.stderr
    done = node.ctl('script-set', 'export', '-', '--id', 't,none_here', check=False)
    assert done.returncode == 1 and 'no such script set: none_here' in done.stderr
    assert done.stdout == ''


# --- backups -------------------------------------------------------------------------------------


@pytest.fixture
def own(make_node, tmp_path):
    node = make_node(DB_AUTO_BACKUP_LIMIT=2)
    node.set(DB_AUTO_BACKUP_PATH=f'{node.install}/data/sqldump/')
    node.start()
    path = tmp_path / 'one.py'
    path.write_text(CODE + '# \\ \' " ; -- \u4e2d\r\n')
    node.publish(path, 'demo__one', ('one',))
    return node


def everything(node):
    """All rows of all tables, but of those that are logs."""
    tables = [name for name in node.sql('SHOW TABLES;').split() if name not in (
        'operation_record', 'crontab_task_info', 'batch_task_info', 'task_result', 'script_log',
        'script_failure')]
    return {name: node.sql(f'SELECT * FROM `{name}`;') for name in tables}


def test_a_backup_is_the_database_and_is_restored(own):
    folder = own.install / 'data/sqldump'
    node = own
    admin = administrator(node)
    admin.add('env-variables', id='backup_env', valueTEXT='a\nb\r\n\\n\x1a\t\'"`;中', title='')
    before = everything(node)
    text = node.ctl('backup', 'now').stdout
    [made] = folder.iterdir()
    assert re.fullmatch(r'dataflux-func-sqldump-\d{8}-\d{6}\.sql', made.name)
    assert str(made) in text and stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.name in node.ctl('backup', 'list').stdout
    content = made.read_text()
    assert 'INSERT INTO `operation_record`' not in content and '`operation_record`' in content

    running = node.ctl('backup', 'restore', made.name, check=False)
    assert running.returncode == 1 and 'runs; stop it' in running.stderr
    assert everything(node) == before

    node.stop('executor')
    node.sql("DELETE FROM env_variable; UPDATE script SET code = 'x'; DELETE FROM auth_link;"
             'DROP TABLE batch;')
    cut = folder / 'cut.sql'
    cut.write_text(content[:len(content) // 2])
    for path, reason in ((cut, 'is cut'), (folder / 'none', 'No such file'),
                         (node.config, 'no backup of dffctl')):
        done = node.ctl('backup', 'restore', path, '--force', check=False)
        assert done.returncode != 0 and reason in done.stderr
    assert node.sql('SELECT id FROM auth_link;') == ''
    node.ctl('backup', 'restore', made.name, '--force')
    assert everything(node) == before
    node.start('executor')
    assert node.call('auln-one', x=5).json == 5
    # any client can read it, too
    node.sql('DROP TABLE batch, auth_link;' + content)
    assert everything(node) == before


def test_the_newest_backups_are_kept_and_a_failed_one_removes_nothing(own):
    folder = own.install / 'data/sqldump'
    folder.mkdir(exist_ok=True)
    old = [f'dataflux-func-sqldump-2021101{n}-010203.sql' for n in range(3)]
    for name in old + ['notes.txt']:
        (folder / name).write_text('x')
    own.sql('RENAME TABLE batch TO `ba``tch`;')
    done = own.ctl('backup', 'now', check=False)
    assert done.returncode == 1 and 'none of ours' in done.stderr
    assert sorted(os.listdir(folder)) == sorted(old + ['notes.txt'])
    own.sql('RENAME TABLE `ba``tch` TO batch;')
    assert '2 older removed' in own.ctl('backup', 'now').stdout
    left = sorted(os.listdir(folder))
    assert len(left) == 3 and left[0] == old[2] and left[2] == 'notes.txt'


# --- doctor --------------------------------------------------------------------------------------


def test_a_node_that_is_well_is_told_so(node):
    text = node.ctl('doctor').stdout
    assert re.search(r'^ok +function +was run by a worker', text, re.M), text
    assert re.search(r'^0 wrong, \d+ warnings$', text, re.M), text
    for name in ('config', 'Redis', 'MySQL', 'schema', 'disk', 'folders', 'nodes', 'sockets',
                 'queues', 'web'):
        assert re.search(f'^(ok|WARN) +{name} ', text, re.M), (name, text)
    for secret in ('REDIS_PASSWORD', 'MYSQL_PASSWORD', 'SECRET'):
        assert node.setting(secret) not in text


def test_what_is_wrong_is_told_with_its_cure(own):
    node = own
    node.allow('Redis', 'MySQL', 'api.sock failed', 'connect()')

    def wrong(*names):
        done = node.ctl('doctor', check=False)
        assert done.returncode == 1, done.stdout
        for name in names:
            assert re.search(f'^BAD +{name} .+\\n +cure: ', done.stdout, re.M), (name, done.stdout)
        return done.stdout

    node.stop('nginx')
    wrong('web')
    node.stop('executor')
    wrong('nodes', 'sockets', 'queues', 'function')
    node.sql("DELETE FROM schema_migration WHERE version = (SELECT * FROM (SELECT MAX(version) "
             'FROM schema_migration) x);')
    assert 'dffctl db migrate' in wrong('schema')
    node.stop('redis')
    password = node.setting('MYSQL_PASSWORD')
    node.set(MYSQL_PASSWORD='wrong')
    assert 'was not looked at' in wrong('Redis', 'MySQL')
    node.set(MYSQL_PASSWORD=password, WEB_PORT=99999)
    text = wrong('config')
    assert 'WEB_PORT' in text and 'Redis' not in text


def test_a_redis_that_would_evict_jobs_is_told_of(own):
    node = own
    node.redis('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru')
    try:
        done = node.ctl('doctor', check=False)
        assert re.search(r'^BAD +Redis +it takes .+\n +cure: .*noeviction', done.stdout, re.M), done
        begin = node.log_ends()
        node.redis('CLIENT', 'KILL', 'TYPE', 'normal')
        wait_until(lambda: 'maxmemory-policy' in node.log_since(begin), 5, 'the warning')
    finally:
        node.redis('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
    assert re.search('^ok +Redis ', node.ctl('doctor').stdout, re.M)


def test_a_redis_that_is_a_replica_is_told_of(own):
    own.allow('Redis', 'connect()')
    own.redis('REPLICAOF', '127.0.0.1', '1')
    try:
        done = own.ctl('doctor', check=False)
        assert re.search(r'^BAD +Redis .*READONLY.*\n +cure: .*no replica', done.stdout, re.M), done
    finally:
        own.redis('REPLICAOF', 'NO', 'ONE')
    wait_until(lambda: own.call('auln-one').status == 200, 10, 'a result')


def test_a_user_of_redis_who_may_not_all_is_told_of_once(own):
    """As one is made by hand: since Redis 7 without any channel."""
    node = own
    original = node.config.read_text()
    node.redis('ACL', 'SETUSER', 'dff', 'reset', 'on', '>pw', '~dff:*', 'resetchannels', '+@all',
               '-client')
    node.set(REDIS_USER='dff', REDIS_PASSWORD='pw')
    node.allow('NOPERM')
    try:
        done = node.ctl('doctor', check=False)
        assert re.search(r'^BAD +Redis +without PUBLISH .+\n +cure: .*&dff:', done.stdout,
                         re.M), done
        assert re.search(r'^WARN +Redis +without CLIENT ', done.stdout, re.M), done
        begin = node.log_ends()
        node.restart('executor')
        assert node.call('auln-one').text == '1'
        time.sleep(3)
        text = node.log_since(begin)
        assert text.count('"changes" failed: NOPERM') == 1 and 'connected again' not in text, text
    finally:
        node.stop('executor')
        node.config.write_text(original)
        node.start('executor')
    node.redis('ACL', 'SETUSER', 'dff', 'reset', 'on', '>pw', '~dff:*', '&dff:*', '+@all',
               '-@dangerous', '+info', '+client')
    node.set(REDIS_USER='dff', REDIS_PASSWORD='pw')
    assert re.search('^ok +Redis ', node.ctl('doctor').stdout, re.M)
    node.config.write_text(original)


def test_a_password_of_redis_that_has_changed_is_told_in_the_log(own):
    node, begin = own, own.log_ends()
    password = node.setting('REDIS_PASSWORD')
    done = subprocess.run(['redis-cli', '-s', node.setting('REDIS_SOCKET')], text=True, input=(
        f'AUTH {password}\nCONFIG SET requirepass another\nCLIENT KILL TYPE normal\n'),
        capture_output=True)
    assert 'OK' in done.stdout, done
    node.allow('Redis', 'connect()')
    try:
        wait_until(lambda: 'REDIS_PASSWORD refused' in node.log_since(begin), 5, 'the reason')
        time.sleep(1)
        lines = [line for line in node.log_since(begin).splitlines()
                 if 'executor/master' in line and 'REDIS_PASSWORD refused' in line]
        assert len(lines) == 1, lines
    finally:
        node.set(REDIS_PASSWORD='another')
        node.redis('CONFIG', 'SET', 'requirepass', password)
        node.set(REDIS_PASSWORD=password)
    wait_until(lambda: node.call('auln-one').status == 200, 10, 'a result')


def test_a_folder_that_its_user_cannot_write_is_told_with_the_command_that_cures_it(own):
    node = own
    node.set(_CRONTAB_AUTO_BACKUP_DB="'0 3 * * *'")     # the api processes make backups
    sqldump, resources = node.install / 'data/sqldump', node.install / 'data/resources'

    def spoiled(spoil, wrong):
        """After spoil() the doctor says what is wrong; with its cure all is well again."""
        assert re.search('^ok +folders ', node.ctl('doctor').stdout, re.M)
        spoil()
        done = node.ctl('doctor', check=False)
        found = re.search(f'^BAD +folders +{wrong}.*\n +cure: `(.*)`$', done.stdout, re.M)
        assert done.returncode == 1 and found, done.stdout
        subprocess.run(['bash', '-c', found[1]], check=True)
        assert re.search('^ok +folders ', node.ctl('doctor').stdout, re.M)

    spoiled(lambda: os.chown(sqldump, 0, 0), r'dff-api \(_API_USER\) cannot write .*/sqldump')
    spoiled(lambda: shutil.rmtree(sqldump), r'dff-api \(_API_USER\) cannot write .*/sqldump')
    spoiled(lambda: resources.chmod(0o2750), r'dff-api \(_API_USER\) cannot write .*/resources')
    spoiled(lambda: os.chown(resources, 0, -1),
            r'dff-worker \(_WORKER_USER\) cannot write .*/resources')
    spoiled(lambda: os.chown(resources / '.downloads', 0, -1),
            r'dff-worker \(_WORKER_USER\) cannot write .*/resources/.downloads')
    spoiled(lambda: resources.parent.chmod(0o700), r'dff-api \(_API_USER\) cannot get to ')
    node.set(_CRONTAB_AUTO_BACKUP_DB="''")
    os.chown(sqldump, 0, 0)
    assert re.search('^ok +folders ', node.ctl('doctor').stdout, re.M)
