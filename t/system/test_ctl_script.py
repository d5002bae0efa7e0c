"""dffctl script: publishing, all or nothing, live when the command ends."""

import hashlib
import json
import subprocess
import time

from node import wait_until


def body(result):
    return f"@DFF.API('x')\ndef f():\n    return {result!r}\n"


def published(node, script_id):
    """What Redis has, and (version, code) of MySQL."""
    text = node.redis('HGET', 'dff:scripts', script_id)
    rows = node.mysql(f"SELECT publishVersion, codeMD5 FROM {node.setting('MYSQL_DATABASE')}.script"
                      f" WHERE id = '{script_id}'").split()
    return (json.loads(text) if text else None), rows


def test_a_new_version_is_live_when_the_command_ends(node, tmp_path):
    script = tmp_path / 's.py'
    script.write_text(body(0))
    node.publish(script, 't__live', links=['f'])
    for number in range(1, 11):
        script.write_text(body(number))
        node.ctl('script', 'publish', script, '--id', 't__live')
        assert node.call('auln-f').json == number


def test_a_script_with_an_error_is_refused_with_reason_and_line(node):
    node.allow('t__refused')
    good = node.ctl('script', 'publish', '-', '--id', 't__refused', stdin=body('good'))
    assert 'version 1: 1 functions' in good.stdout
    for text, reason, line in (
            ('x = 1\n\ndef f(:\n', 'SyntaxError', 'line 3'),
            ('x = 1\ny = x / 0\n', 'ZeroDivisionError', 'line 2'),
            ("@DFF.API('t', timeout=0)\ndef f():\n    pass\n", 'timeout', 'line 1'),
            ("@DFF.API('t', queue='nonesuch')\ndef f():\n    pass\n", 'queue', 'line 1'),
            ('import nonesuch\n', 'ModuleNotFoundError', 'line 1'),
            ("import os\nos._exit(3)\n", '', ''),
    ):
        done = node.ctl('script', 'publish', '-', '--id', 't__refused', stdin=text, check=False)
        assert done.returncode == 1, text
        assert reason in done.stderr and line in done.stderr, done.stderr
        assert 'nothing is changed' in done.stderr
        redis, row = published(node, 't__refused')
        assert redis['version'] == 1 and row[0] == '1' and "'good'" in redis['code']


def test_words_that_are_wrong_are_said_before_a_worker_is_asked(node, tmp_path):
    script = tmp_path / 's.py'
    script.write_text(body(1))
    for words, status, text in (
            (['script', 'publish', script, '--id', 'a_b'], 2, 'not a script id'),
            (['script', 'publish', script, '--id', "a__b';--"], 2, 'not a script id'),
            (['script', 'publish', script, '--id', 'a__' + 'b' * 62], 2, 'not a script id'),
            (['script', 'publish', script], 2, '--id'),
            (['script', 'publish', tmp_path / 'none', '--id', 'a__b'], 1, 'No such file'),
    ):
        done = node.ctl(*words, check=False)
        assert done.returncode == status and text in done.stderr, done
    done = subprocess.run([node.install / 'bin/dffctl', '--config', node.config, 'script',
                           'publish', '-', '--id', 't__bytes'], input=b'x = "\xff"\n',
                          capture_output=True, timeout=60)
    assert done.returncode == 2 and b'not UTF-8' in done.stderr
    huge = '#' * (2 << 20) + '\n'
    done = node.ctl('script', 'publish', '-', '--id', 't__huge', stdin=huge, check=False)
    assert done.returncode == 2 and 'at most 2097152' in done.stderr


def test_a_script_of_a_megabyte_with_every_kind_of_text(node):
    text = body("'\"\\ \u4f60\u597d \U0001f600 $1 %s ? `x`") + '\t\t# tabs\n' + '# pad\n' * 170000
    node.ctl('script', 'publish', '-', '--id', 't__large', '--title', "Tit'le \u4f60 \U0001f600",
             stdin=text)
    stored = text.replace('\t', '    ')
    redis, row = published(node, 't__large')
    assert redis['code'] == stored
    assert row == ['1', hashlib.md5(stored.encode()).hexdigest()] and row[1] == redis['md5']
    assert "Tit'le \u4f60 \U0001f600" in node.ctl('script', 'list').stdout


def test_publishes_of_one_script_at_once_serialise(node, tmp_path):
    runs = []
    for number in range(8):
        script = tmp_path / f'{number}.py'
        script.write_text(body(number))
        runs.append(subprocess.Popen(
            [node.install / 'bin/dffctl', '--config', node.config, 'script', 'publish', script,
             '--id', 't__many'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, outputs
    versions = sorted(int(output.split('version ')[1].split(':')[0]) for output in outputs)
    assert versions == list(range(1, 9))
    redis, row = published(node, 't__many')
    assert row == [str(redis['version']), redis['md5']] and redis['version'] == 8
    assert [func['name'] for func in redis['funcs']] == ['f']


def test_a_link_follows_its_function_out_and_back(node):
    node.ctl('script', 'publish', '-', '--id', 't__gone', stdin=body('first'))
    node.ctl('link', 'add', 't__gone.f', '--id', 'auln-gone')
    assert node.call('auln-gone').text == 'first'

    node.ctl('script', 'publish', '-', '--id', 't__gone', stdin='x = 1\n')
    answer = node.call('auln-gone')
    assert answer.status == 404 and answer.json['detail'] == {'funcId': 't__gone.f'}
    assert 'function gone' in node.ctl('link', 'list').stdout

    node.ctl('script', 'publish', '-', '--id', 't__gone', stdin=body('again'))
    assert node.call('auln-gone').text == 'again'


def test_without_an_executor_publishing_says_so_at_once(node):
    node.stop('executor')
    try:
        wait_until(lambda: node.ctl('status', check=False).returncode == 1, 15, 'a dead node')
        begin = time.monotonic()
        done = node.ctl('script', 'publish', '-', '--id', 't__alone', stdin=body(1), check=False)
        assert time.monotonic() - begin < 2
        assert done.returncode == 1 and 'no executor is alive' in done.stderr
        assert published(node, 't__alone') == (None, [])
    finally:
        node.start('executor')


def test_a_publish_that_did_not_reach_redis_fails_and_can_be_repaired(fresh_node, node):
    made = fresh_node
    made.ctl('script', 'publish', '-', '--id', 't__half', stdin=body('old'))
    made.ctl('link', 'add', 't__half.f', '--id', 'auln-half')
    database = made.setting('MYSQL_DATABASE')

    # The row is held while Redis is stopped behind the check's back.
    holder = subprocess.Popen(
        ['mariadb', '--no-defaults', f'--socket={node.install}/run/mysql/mysql.sock',
         '--user=root', '--unbuffered', '--skip-column-names', database],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("BEGIN; UPDATE script SET title = 'held' WHERE id = 't__half';"
                           " SELECT 'held';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == 'held\n'
        publish = subprocess.Popen(
            [made.install / 'bin/dffctl', '--config', made.config, 'script', 'publish', '-',
             '--id', 't__half'], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        publish.stdin.write(body('new'))
        publish.stdin.close()
        wait_until(lambda: node.mysql(
            f"SELECT id FROM information_schema.PROCESSLIST WHERE db = '{database}'"
            " AND user = 'dff' AND command = 'Execute' AND time_ms > 200"))
        made.stop('redis')
    finally:
        holder.communicate('COMMIT;\n', timeout=10)
    error = publish.stderr.read()
    publish.stderr.close()
    assert publish.wait(timeout=20) == 1
    assert 'version 2 of t__half is stored but not live' in error
    assert 'db publish-all' in error

    made.start('redis')
    made.ctl('db', 'publish-all')
    wait_until(lambda: made.call('auln-half').text == 'new', 15, 'the new version')
    made.allow('Redis', 'redis')


def test_a_connection_that_mysql_closed_during_the_check_is_made_again(node):
    publish = subprocess.Popen(
        [node.install / 'bin/dffctl', '--config', node.config, 'script', 'publish', '-', '--id',
         't__idle'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    publish.stdin.write('import time\ntime.sleep(2)\n' + body('idle'))
    publish.stdin.close()
    database = node.setting('MYSQL_DATABASE')
    mine = wait_until(lambda: node.mysql("SELECT id FROM information_schema.PROCESSLIST WHERE "
                                         f"user = 'dff' AND db = '{database}'").split())
    for number in mine:
        node.mysql(f'KILL {number}')
    output = publish.stdout.read()
    publish.stdout.close()
    assert publish.wait(timeout=20) == 0 and 'version 1' in output, output
