"""dffctl db: the schema of a database, and its repair of Redis."""

import subprocess

import pytest


@pytest.fixture
def empty(make_node, node):
    """A node that was not started, with an empty database; and a way to ask it."""
    made = make_node()
    made.database = made.setting('MYSQL_DATABASE')
    made.sql = lambda text: node.mysql(f'USE {made.database}; {text}')
    return made


def test_a_new_database_gets_schema_and_administrator(empty):
    done = empty.ctl('db', 'status', check=False)
    assert done.returncode == 1 and 'dffctl db migrate' in done.stderr

    first = empty.ctl('db', 'migrate').stdout
    assert 'applied 0001-' in first and 'administrator ' in first
    user = empty.sql("SELECT id, roles, customPrivileges, passwordHash LIKE '$y$%' FROM user")
    assert user.split() == ['u-admin', 'sa', '*', '1']
    password = empty.setting('AUTO_SETUP_ADMIN_PASSWORD')
    assert not password or password not in first

    again = empty.ctl('db', 'migrate').stdout
    assert 'was up to date' in again and 'administrator' not in again
    assert empty.ctl('db', 'status').stdout.count(' applied ') >= 5


def test_a_random_password_is_printed_once_when_none_is_configured(empty):
    empty.set(AUTO_SETUP_ADMIN_PASSWORD='')
    text = empty.ctl('db', 'migrate').stdout
    assert 'shown only now' in text
    password = text.split('password ')[1].split()[0]
    assert len(password) == 22
    assert 'password' not in empty.ctl('db', 'migrate').stdout


def test_migrations_of_two_nodes_at_once_take_turns(empty):
    words = [empty.install / 'bin/dffctl', '--config', empty.config, 'db', 'migrate']
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(4)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, outputs
    assert sum('applied 0001-' in output for output in outputs) == 1
    assert sum('administrator' in output for output in outputs) == 1


def test_a_failed_migration_names_file_and_line_and_is_resumed(empty):
    empty.ctl('db', 'migrate')
    number = len(list((empty.install / 'sql').glob('*.sql'))) + 1
    name = f'{number:04}-trial.sql'
    trial = empty.install / 'sql' / name
    good = 'ALTER TABLE user ADD COLUMN trial2 INT NULL;\n'
    trial.write_text('-- trial\nALTER TABLE user ADD COLUMN trial1 INT NULL;\nNONSENSE;\n')
    done = empty.ctl('db', 'migrate', check=False)
    assert done.returncode == 1 and f'{name}, statement 2 (line 3)' in done.stderr
    assert f'{name} ' in empty.ctl('db', 'status', check=False).stdout

    # The next statement was run, but the program died before it had noted so.
    trial.write_text(trial.read_text().replace('NONSENSE;\n', good))
    empty.sql(good)
    assert f'applied {name}' in empty.ctl('db', 'migrate').stdout

    trial.write_text(trial.read_text().replace('-- trial', '-- a better comment'))
    empty.ctl('db', 'status')
    trial.write_text(trial.read_text().replace('trial1 INT', 'trial1 BIGINT'))
    done = empty.ctl('db', 'migrate', check=False)
    assert done.returncode == 1 and f'{name} was changed after' in done.stderr

    trial.unlink()
    for command in ('migrate', 'status'):
        done = empty.ctl('db', command, check=False)
        assert done.returncode == 1 and 'older than the database' in done.stderr


def test_a_database_with_another_collation_is_refused_with_the_cure(empty):
    empty.sql(f'ALTER DATABASE {empty.database} COLLATE utf8mb4_general_ci')
    done = empty.ctl('db', 'migrate', check=False)
    assert done.returncode == 1
    assert f'ALTER DATABASE `{empty.database}` CHARACTER SET utf8mb4' in done.stderr
    assert empty.sql('SHOW TABLES') == ''


def test_publish_all_rebuilds_what_redis_lost_and_removes_what_is_stale(node, tmp_path):
    script = tmp_path / 'lost.py'
    script.write_text("@DFF.API('x')\ndef here():\n    return 'here'\n")
    node.publish(script, 't__lost', links=['here'])
    node.ctl('db', 'publish-all')       # what other tests wrote into Redis themselves goes
    before = node.redis('GET', 'dff:route:al:auln-here')

    node.redis('DEL', 'dff:scripts', 'dff:route:al:auln-here')
    node.redis('SET', 'dff:route:al:auln-stale', before.replace('auln-here', 'auln-stale'))
    node.redis('SET', 'dff:route:bat:bat-stale', 'x')
    node.redis('HSET', 'dff:scripts', 't__stale', 'x')
    text = node.ctl('db', 'publish-all').stdout
    assert ', 3 removed' in text

    assert node.redis('GET', 'dff:route:al:auln-here') == before
    assert node.redis('HEXISTS', 'dff:scripts', 't__lost') == 1
    assert node.redis('HEXISTS', 'dff:scripts', 't__stale') == 0
    assert node.redis('EXISTS', 'dff:route:al:auln-stale', 'dff:route:bat:bat-stale') == 0
    assert node.call('auln-here').text == 'here'
    assert ', 0 removed' in node.ctl('db', 'publish-all').stdout
