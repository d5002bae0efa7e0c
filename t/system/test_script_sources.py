"""DFF.SRC: connectors to real servers, through HTTP; and what is left of them after a call."""

import glob
import http.server
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import threading
import time

import pytest

import script_node
from node import free_port, wait_until


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node) as node:
        node.allow('t__run.')        # failures of functions are ERROR lines
        yield node


def add(node, id, type, **config):
    node.ctl('source', 'add', id, '--type', type, '--config', '-', stdin=json.dumps(config))


# --- MySQL ---------------------------------------------------------------------------------

@pytest.fixture(scope='module')
def mysql(own):
    """A MariaDB that listens on a port, with a user of its own: what scripts connect to."""
    folder = own.install / 'source-mysql'
    port = free_port()
    user = 'mysql' if any(u.pw_name == 'mysql' for u in pwd.getpwall()) else 'root'
    folder.mkdir()
    shutil.chown(folder, user)
    subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={folder}/data',
                    f'--user={user}', '--auth-root-authentication-method=normal',
                    '--skip-test-db'], check=True, capture_output=True, timeout=120)
    server = subprocess.Popen(
        ['mariadbd', '--no-defaults', f'--datadir={folder}/data', f'--port={port}',
         f'--user={user}', f'--socket={folder}/s', '--bind-address=127.0.0.1',
         '--innodb-buffer-pool-size=16M'],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def root(text):
        return subprocess.run(['mariadb', '--no-defaults', f'--socket={folder}/s', '--user=root',
                               '--batch', '--skip-column-names'], input=text, text=True,
                              capture_output=True, timeout=30)

    try:
        wait_until(lambda: root('SELECT 1').returncode == 0, 60, 'the MariaDB of the sources')
        root("CREATE DATABASE db CHARACTER SET utf8mb4; CREATE DATABASE db2;"
             "CREATE USER 'u'@'%' IDENTIFIED BY 'pässword';"
             "GRANT ALL ON db.* TO 'u'@'%'; GRANT ALL ON db2.* TO 'u'@'%';")
        add(own, 'my', 'mysql', host='127.0.0.1', port=port, database='db', user='u',
            password='pässword', charset='utf8mb4')
        add(own, 'my_wrong', 'mysql', host='127.0.0.1', port=port, database='db', user='u',
            password='wrong', charset='utf8mb4')
        yield root
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope='module')
def postgresql(own):
    folder = own.install / 'source-pg'
    port = free_port()
    programs = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'))
    if not programs:
        yield False
        return
    bin_folder = pathlib.Path(programs[-1]).parent
    postgres = pwd.getpwnam('postgres')
    folder.mkdir()
    os.chown(folder, postgres.pw_uid, postgres.pw_gid)
    (folder / 'password').write_text('pässword')
    os.chown(folder / 'password', postgres.pw_uid, postgres.pw_gid)
    as_postgres = {'user': postgres.pw_uid, 'group': postgres.pw_gid, 'extra_groups': [],
                   'cwd': folder, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    subprocess.run([bin_folder / 'initdb', '-D', folder / 'data', '-U', 'u', '-E', 'UTF8',
                    '--locale=C.UTF-8', '-A', 'scram-sha-256', '--pwfile', folder / 'password',
                    '--no-sync'],
                   check=True, timeout=120, **as_postgres)
    # It goes into the background: its processes come and go with connections.
    control = [bin_folder / 'pg_ctl', '-D', folder / 'data', '-w', '-t', '60', '-l', folder / 'log']
    subprocess.run([*control, '-o', f'-p {port} -h 127.0.0.1 -k {folder} -F', 'start'], check=True,
                   **as_postgres)
    try:
        add(own, 'pg', 'postgresql', host='127.0.0.1', port=port, database='postgres', user='u',
            password='pässword', charset='utf8')
        yield True
    finally:
        subprocess.run([*control, '-m', 'fast', 'stop'], check=True, **as_postgres)


# dialect: id of the source, a sleep, and how to make a table
SQL = {
    'my': 'CREATE TABLE `t?` (a INT, b VARCHAR(99) CHARACTER SET utf8mb4, c DATETIME, d DECIMAL(9,2))',
    'pg': 'CREATE TABLE "t?" (a INT, b VARCHAR(99), c TIMESTAMP, d DECIMAL(9,2))',
}


@pytest.fixture(params=SQL)
def sql(request, mysql, postgresql):
    if request.param == 'pg' and not postgresql:
        pytest.skip('PostgreSQL is not installed')
    return request.param


ODD = ["it's", '\\', "\\' OR 1=1 -- ", '"`', 'ä中😀', '%s %d ? ??', '', "';\n/*"]


def test_sql_check_query_and_non_query(own, sql):
    assert own.value(f'def f(): return DFF.SRC("{sql}").check()') is True
    assert own.value(
        'import datetime\ndef f(id, create, odd):\n    db = DFF.SRC(id)\n'
        '    out = [db.non_query(create)]\n'
        '    for n, text in enumerate(odd):\n'
        '        db.non_query("INSERT INTO ?? VALUES (?)", ["t?", [n, text,'
        ' datetime.datetime(2021, 1, 2, 3, 4, 5), None]])\n'
        '    out.append([row["b"] for row in db.query("SELECT b FROM ?? ORDER BY a", ["t?"])] == odd)\n'
        '    out.append([db.query("SELECT a FROM ?? WHERE b = ?", ["t?", text])[0]["a"]'
        ' for text in odd])\n'
        '    out.append(db.query("SELECT a, c, d FROM ?? WHERE a IN (?) ORDER BY a", ["t?", [0, 1]]))\n'
        '    out.append(db.non_query("UPDATE ?? SET d = ? WHERE a > ?", ["t?", "1.50", 5]))\n'
        '    out.append(db.query("SELECT d FROM ?? WHERE a = 6", "t?"))\n'
        '    out.append(db.query("DELETE FROM ?? WHERE a < 0", ["t?"]))\n    return out',
        {'id': sql, 'create': SQL[sql], 'odd': ODD}) == [
        0 if sql == 'my' else -1, True, list(range(8)),
        [{'a': 0, 'c': '2021-01-02T03:04:05', 'd': None},
         {'a': 1, 'c': '2021-01-02T03:04:05', 'd': None}], 2, [{'d': 1.5}], []]


def test_sql_transactions_are_of_one_call(own, sql):
    assert own.value(
        'def f(id):\n    db = DFF.SRC(id)\n    db.non_query("CREATE TABLE x (a INT)")\n'
        '    with db.transaction(): db.non_query("INSERT INTO x VALUES (1)")\n'
        '    try:\n        with db.transaction():\n            db.non_query("INSERT INTO x VALUES (2)")\n'
        '            raise ValueError\n    except ValueError: pass\n'
        '    db.query("BEGIN"); db.non_query("INSERT INTO x VALUES (3)")\n'
        '    return len(db.query("SELECT a FROM x"))', {'id': sql}) == 2
    assert own.value('def f(id): return DFF.SRC(id).query("SELECT a FROM x")', {'id': sql}) == [
        {'a': 1}]


def test_sql_errors_are_the_drivers_and_the_connection_stays(own, sql):
    assert own.value('def f(id):\n    db = DFF.SRC(id)\n    try: db.query("SELEC 1")\n'
                     '    except Exception as e: text = str(e)\n'
                     '    return ["syntax" in text, db.query("SELECT 5 AS n")[0]["n"]]',
                     {'id': sql}) == [True, 5]


def test_the_time_limit_ends_a_query(own, sql):
    sleep = 'SELECT SLEEP(30)' if sql == 'my' else 'SELECT pg_sleep(30)'
    answer = own.run(f'def f(): return DFF.SRC("{sql}").query("{sleep}")',
                     link='auln-run-for-a-second')
    assert answer.json['error'] == 599.31 and answer.seconds < 4
    assert own.value(f'def f(): return DFF.SRC("{sql}").check()') is True


def test_threads_have_connections_of_their_own(own, sql):
    sleep = 'SELECT SLEEP(0.3)' if sql == 'my' else 'SELECT pg_sleep(0.3)'
    begin = time.monotonic()
    assert own.value('def f(id, sleep):\n    db = DFF.SRC(id)\n'
                     '    for _ in range(5): DFF.THREAD.start(db.query, [sleep])\n'
                     '    return len(DFF.THREAD.get_result())', {'id': sql, 'sleep': sleep}) == 5
    assert time.monotonic() - begin < 1.4


def test_connections_end_with_the_call(own, mysql):
    count = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'u'"
    own.value('def f():\n    db = DFF.SRC("my")\n    db.query("SELECT 1")\n'
              '    return DFF.SRC("my") is db')
    wait_until(lambda: mysql(count).stdout.strip() == '0', 10, 'the end of the connections')
    own.error('def f():\n    DFF.SRC("my").query("SELECT 1")\n    raise ValueError')
    wait_until(lambda: mysql(count).stdout.strip() == '0', 10, 'the end of the connections')


def test_another_database_of_the_same_server(own, mysql):
    assert own.value('def f(): return DFF.SRC("my", database="db2").query("SELECT DATABASE() AS d")'
                     ) == [{'d': 'db2'}]


def test_a_wrong_password_is_told_without_it(own, mysql):
    answer = own.run('def f(): return DFF.SRC("my_wrong").check()')
    assert answer.status == 599 and 'Access denied' in answer.text and 'wrong"' not in answer.text


# --- Redis ----------------------------------------------------------------------------------

def test_redis(own, tmp_path):
    port = free_port()
    server = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1',
                               '--requirepass', 'secret', '--save', '', '--dir', tmp_path],
                              stdout=subprocess.DEVNULL)
    try:
        add(own, 'redis', 'redis', host='127.0.0.1', port=port, database=3, password='secret')
        wait_until(lambda: own.run('def f(): return DFF.SRC("redis").check()').status == 200, 20,
                   'Redis')
        assert own.value('def f():\n    r = DFF.SRC("redis")\n'
                         '    return [r.query("SET", "k", "ä b"), r.query("GET k"),'
                         ' r.query("SET", "bin", b"\\xff"), str(r.query("GET", "bin")),'
                         ' r.query("RPUSH", "l", 1, 2), r.query("LRANGE l 0 -1"),'
                         ' r.query("HSET", "h", "f", "v"), r.query("HGETALL h"), r.query("GET none"),'
                         ' r.client.dbsize()]') == [
            True, 'ä b', True, "b'\\xff'", 2, ['1', '2'], 1, {'f': 'v'}, None, 4]
        assert 'WRONGTYPE' in own.einfo('def f(): return DFF.SRC("redis").query("GET l")')
        assert own.value('def f(): return DFF.SRC("redis", database=4).query("DBSIZE")') == 0
        clients = own.value('def f(): return DFF.SRC("redis").query("CLIENT LIST")')
        assert len(clients.splitlines()) == 1
        answer = own.run('def f(): return DFF.SRC("redis").query("BLPOP none 30")',
                         link='auln-run-for-a-second')
        assert answer.json['error'] == 599.31 and answer.seconds < 4
    finally:
        server.terminate()
        server.wait(30)
    assert 'Connection' in own.einfo('def f(): return DFF.SRC("redis").check()')


# --- HTTP -----------------------------------------------------------------------------------

class Echo(http.server.BaseHTTPRequestHandler):
    def answer(self):
        size = int(self.headers.get('Content-Length') or 0)
        body = json.dumps({'method': self.command, 'path': self.path,
                           'auth': self.headers.get('Authorization'),
                           'own': self.headers.get('X-Own'),
                           'type': self.headers.get('Content-Type'),
                           'body': self.rfile.read(size).decode()}).encode()
        status = 302 if self.path.startswith('/away') else 500 if self.path == '/bad' else 200
        if self.path.startswith('/slow'):
            time.sleep(5)
        self.send_response(status)
        self.send_header('Content-Type', 'application/json; charset=utf-8')
        self.send_header('Location', 'http://127.0.0.1:1/')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = answer

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def echo(own):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    add(own, 'web', 'http', host='127.0.0.1', port=server.server_port, user='u', password='p:ä')
    yield server
    server.shutdown()
    server.server_close()


def test_http(own, echo):
    assert own.value('def f(): return DFF.SRC("web").check()') is True
    got = own.value('def f():\n    w = DFF.SRC("web")\n'
                    '    a = w.get("/ä b?x=1", query={"y": ["1", "ä"]}, headers={"X-Own": "o"})\n'
                    '    b = w.post("/p", json={"k": "ä"})\n'
                    '    c = w.request("PUT", "/p", body="text")\n'
                    '    return [a.status_code, a.headers["content-TYPE"], a.json(), b.json(), c.json(),'
                    ' w.query("GET /q").json()["path"], w.get("/bad").status_code,'
                    ' w.get("/away").status_code]')
    assert got[:2] == [200, 'application/json; charset=utf-8']
    assert got[2] == {'method': 'GET', 'path': '/%C3%A4%20b?x=1&y=1&y=%C3%A4', 'own': 'o',
                      'auth': 'Basic dTpwOsOk', 'type': None, 'body': ''}
    assert got[3]['body'] == '{"k": "\\u00e4"}' and got[3]['type'] == 'application/json'
    assert got[4]['method'] == 'PUT' and got[4]['body'] == 'text'
    assert got[5:] == ['/q', 500, 302]
    assert 'timed out' in own.einfo('def f(): return DFF.SRC("web").get("/slow", timeout=0.3)')
    assert 'must begin with /' in own.einfo('def f(): return DFF.SRC("web").get("http://x/")')
    assert own.run('def f(): return DFF.SRC("web").get("/a\\r\\nX: y").json()["path"]').text \
        == '/a%0D%0AX:%20y'
    assert own.error('def f(): return DFF.SRC("web").get("/", headers={"X": "a\\r\\nb"})')


# --- all ------------------------------------------------------------------------------------

OTHERS = {'mongodb': 'python3-pymongo', 'influxdb': 'python3-influxdb',
          'elasticsearch': 'python3-elasticsearch', 'clickhouse': 'python3-clickhouse-driver',
          'oracle': 'python3-oracledb', 'sqlserver': 'python3-pymssql',
          'memcached': 'python3-pymemcache', 'mqtt': 'python3-paho-mqtt'}


@pytest.mark.parametrize('type', OTHERS)
def test_another_type_says_which_package_it_would_need(own, type):
    error = own.error(f'def f(): return DFF.SRC.open("{type}", {{}})')
    assert error['detail']['etype'] == 'NotSupportException'
    assert OTHERS[type] in error['detail']['einfoTEXT']


def test_a_type_of_a_stored_source_is_told(own):
    add(own, 'mongo', 'mongodb', host='127.0.0.1')
    assert 'data source "mongo" of type mongodb; a script can use the package python3-pymongo' in \
        own.einfo('def f(): return DFF.SRC("mongo").check()')
    assert 'NotFoundException' in own.einfo('def f(): return DFF.SRC("none")')
    assert 'no connector for connection of type odd; there are: mysql, postgresql, redis, http' in \
        own.einfo('def f(): return DFF.SRC.open("odd", {})')
    assert 'has no host, database, user, password' in own.einfo(
        'def f(): return DFF.SRC.open("mysql", {})')


def test_a_server_that_is_away_is_told_within_the_connect_timeout(own):
    for type in ('mysql', 'postgresql', 'redis', 'http'):
        answer = own.run(f'def f(): return DFF.SRC.open("{type}", {{"host": "127.0.0.1", "port": 1,'
                         ' "database": "0", "user": "u", "password": "p"}).check()')
        assert answer.status == 599 and answer.seconds < 6 and 'refused' in answer.text, answer
