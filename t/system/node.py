"""A complete private node below a temporary folder, made with the programs of
build/ and the code of deploy/: what the tests start, call, kill and look at.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 't/sanitizer'))

import reports    # noqa: E402

BUILD = ROOT / os.environ.get('DFF_TEST_BUILD', 'build')

# What a log must not hold after a test, unless the test says so.
ALARMS = (
    ' ERROR ', '"level":"ERROR"', '[alert]', '[crit]', '[emerg]',
    'AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'Segmentation fault',
)


def wait_until(condition, seconds=10, what='the condition'):
    """The first truthy value of condition(), or a failure after that time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f'{what} did not come true in {seconds} s'
        time.sleep(0.02)


def free_port():
    """None of those that the system gives to connections, where there are others: such a one
    may be taken by any client before its server starts, or while it is stopped."""
    low = int(pathlib.Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    while True:
        port = random.randrange(10000, low if low > 12000 else 65536)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(('127.0.0.1', port))
            return port


def fixture_lines(name):
    """The lines of a file in t/fixtures, as words."""
    lines = (ROOT / 't/fixtures' / name).read_text().splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


class Response:
    """An HTTP answer: status, headers (names in lower case), body, how long it took."""

    def __init__(self, raw, body, seconds):
        self.status = raw.status
        self.fields = [(name.lower(), value) for name, value in raw.getheaders()]
        self.headers = dict(self.fields)
        self.body = body
        self.seconds = seconds

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def all(self, name):
        """The values of a header, which may be there more than once."""
        return [value for field, value in self.fields if field == name]

    def __repr__(self):
        return f'<{self.status} in {self.seconds:.3f} s: {self.body[:500]!r}>'


class Redis:
    """The commands that tests need, over redis-cli, which knows the protocol."""

    def __init__(self, node):
        self.socket = node.setting('REDIS_SOCKET')
        self.password = node.setting('REDIS_PASSWORD')
        self.database = node.setting('REDIS_DATABASE') or '5'

    def __call__(self, *words, check=True):
        text = self._run('--json', *words, check=check)
        return json.loads(text) if text.strip() else None

    def clients(self):
        """The lines of CLIENT LIST, as dictionaries; redis-cli makes no JSON of it."""
        return [dict(word.partition('=')[::2] for word in line.split(' '))
                for line in self._run('CLIENT', 'LIST').splitlines()]

    def _run(self, *words, check=True):
        done = subprocess.run(
            ['redis-cli', '-s', self.socket, '-n', self.database, *map(str, words)],
            env={**os.environ, 'REDISCLI_AUTH': self.password}, capture_output=True, text=True,
            timeout=20)
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Node:
    """A node in `folder`. mysql_of: another node whose MariaDB is used, with a
    database of our own in it, which saves the seconds of making one."""

    def __init__(self, folder, mysql_of=None, settings=None):
        self.install = pathlib.Path(folder)
        self.port = free_port()
        self.allowed = []       # texts of log lines that this test expects
        self.seen = {}          # log path -> bytes that were looked at already
        self.mysql_of = mysql_of
        # As many workers as it says and no extra ones: tests know who can be busy.
        workers = (settings or {}).get('_WORKER_CONCURRENCY', 2)
        self._install({
            'AUTO_SETUP_ADMIN_PASSWORD': 'admin-password',
            'LOG_LEVEL': 'INFO', '_NODE_NAME': f'node-{self.port}',
            '_CRONTAB_AUTO_BACKUP_DB': "''",    # not in the middle of a test
            '_WORKER_CONCURRENCY': workers, '_WORKER_MAX_CONCURRENCY': workers,
            **(settings or {})})

    # --- installation ---------------------------------------------------------------

    def _install(self, settings):
        self.install.mkdir(parents=True)
        # The workers, which are another user, must get here.
        for folder in (self.install, *self.install.parents):
            if folder.stat().st_mode & 0o001 == 0:
                folder.chmod(folder.stat().st_mode | 0o011)
        run(['bash', ROOT / 'auto/install', BUILD, self.install])
        options = [f'--set={key}={value}' for key, value in settings.items()]
        environment = dict(os.environ)
        if self.mysql_of:
            environment.update(self._own_database())
            options.append('--no-mysql')
        options = [word for option in options for word in option.split('=', 1)]
        run(['bash', ROOT / 'deploy/setup', '--install-dir', self.install, '--bind', '127.0.0.1',
             '--port', self.port, *options], env=environment)

    def _own_database(self):
        """The environment that deploy/setup takes the keys of an existing MySQL from."""
        other, name = self.mysql_of, f'dff_{self.port}'
        other.mysql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
                    f"GRANT ALL PRIVILEGES ON {name}.* TO 'dff'@'localhost';")
        return {f'DFF_MYSQL_{key}': value for key, value in {
            'SOCKET': other.setting('MYSQL_SOCKET'), 'USER': 'dff', 'DATABASE': name,
            'PASSWORD': other.setting('MYSQL_PASSWORD')}.items()}

    @property
    def config(self):
        return self.install / 'data/user-config.yaml'

    def setting(self, key):
        """A value as it stands in the configuration file."""
        for line in self.config.read_text().splitlines():
            name, _, value = line.partition(':')
            if name == key:
                return value.strip().strip("'")
        return ''

    def set(self, **settings):
        """Changes keys of the file; a reload or restart applies them."""
        lines = [line for line in self.config.read_text().splitlines()
                 if line.partition(':')[0] not in settings]
        lines += [f'{key}: {value}' for key, value in settings.items()]
        self.config.write_text('\n'.join(lines) + '\n')

    # --- parts ------------------------------------------------------------------------

    def service(self, *words, check=True):
        done = subprocess.run([self.install / 'bin/dff-service', *words], text=True, timeout=200,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check:
            assert done.returncode == 0, done.stdout + self.tail()
        return done

    def start(self, *parts):
        """Starts parts, or everything, with an up-to-date database."""
        if not parts:
            self.service('start', 'mysql', 'redis')
            self.ctl('db', 'migrate')
            parts = ('executor', 'nginx')
        self.service('start', *parts)

    def stop(self, *parts):
        self.service('stop', *parts)

    def restart(self, *parts):
        self.service('restart', *parts)

    def reload(self, *parts):
        self.service('reload', *parts)

    def pid(self, part):
        """Of mysql, redis, executor or nginx; None when it does not run."""
        try:
            pid = int((self.install / f'run/{part}.pid').read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if process_alive(pid) else None

    def kill(self, part, number=signal.SIGKILL):
        pid = self.pid(part)
        os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_until(lambda: not process_alive(pid), 5, f'end of {part}')

    def forget_records_writer(self):
        """For the end of a test that has killed api processes: the lock of the one that wrote
        records lasts for 30 s, in which other tests wait for theirs."""
        self.redis('DEL', 'dff:records:writer')

    def processes(self, part):
        """The pids of a part and all below it."""
        top = self.pid(part)
        return descendants(top) if top else []

    def python_workers(self):
        """pids of the workers: children of the zygote, which is the master's child. (So are
        the api processes, which may have a child, too.)"""
        return [pid for pid in self.processes('executor')
                if process_depth(pid, self.pid('executor')) == 2
                and (stat := process_stat(pid))        # not gone since
                and b'--zygote' in process_words(stat[1])]

    def destroy(self):
        """Stops everything, removes the folder, and returns the alarms of its logs;
        no process may stay behind."""
        pids = [pid for part in ('nginx', 'executor', 'redis', 'mysql')
                for pid in self.processes(part)]
        self.service('stop', check=False)
        left = [pid for pid in pids if process_alive(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if self.mysql_of and self.mysql_of.pid('mysql'):
            self.mysql_of.mysql(f'DROP DATABASE dff_{self.port};')
        alarms = self.alarms()
        if os.environ.get('DFF_TEST_KEEP') is None:
            shutil.rmtree(self.install)
        assert not left, f'processes left after stop: {left}'
        return alarms

    # --- talking to it ---------------------------------------------------------------------

    def ctl(self, *words, check=True, stdin=None, timeout=60):
        done = subprocess.run(
            [self.install / 'bin/dffctl', '--config', self.config, *map(str, words)],
            input=stdin, text=True, errors='backslashreplace', capture_output=True,
            timeout=timeout)
        if check:
            assert done.returncode == 0, f'dffctl {words}: {done.stdout}{done.stderr}{self.tail()}'
        return done

    def publish(self, path, script_id, links=()):
        """Publishes a file; links: function names, each gets link auln-<name>."""
        self.ctl('script', 'publish', path, '--id', script_id)
        for name in links:
            link = 'auln-' + name.replace('_', '-')
            self.ctl('link', 'add', f'{script_id}.{name}', '--id', link, '--update')

    def publish_fixtures(self):
        """Every script of t/fixtures, then setup.txt, whose lines are the words after
        `dffctl`, then links.txt, whose lines are the words after `dffctl link add`."""
        for script in sorted((ROOT / 't/fixtures').glob('*.py')):
            self.ctl('script', 'publish', script, '--id', script.stem)
        for words in fixture_lines('setup.txt'):
            self.ctl(*words)
        for words in fixture_lines('links.txt'):
            self.ctl('link', 'add', *words, '--update')

    def mysql(self, text):
        done = subprocess.run(
            ['mariadb', '--no-defaults', f'--socket={self.install}/run/mysql/mysql.sock',
             '--user=root', '--batch', '--skip-column-names'],
            input=text, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, text):
        """What MySQL prints for statements on this node's database."""
        return (self.mysql_of or self).mysql(
            f"USE {self.setting('MYSQL_DATABASE') or 'dataflux_func'}; {text}")

    @property
    def redis(self):
        return Redis(self)

    def url(self, path):
        return f'http://127.0.0.1:{self.port}{path}'

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            begin = time.monotonic()
            connection.request(method, path, body=body, headers=headers or {})
            raw = connection.getresponse()
            content = raw.read()
            return Response(raw, content, time.monotonic() - begin)
        finally:
            connection.close()

    def get(self, path, timeout=30, headers=None, **query):
        if query:
            path += '?' + urllib.parse.urlencode(query)
        return self.request('GET', path, headers=headers, timeout=timeout)

    def post(self, path, value, timeout=30):
        return self.request('POST', path, json.dumps(value).encode(),
                            {'Content-Type': 'application/json'}, timeout)

    def call(self, link, options=None, timeout=30, **kwargs):
        """POST to an auth link in normal format."""
        return self.post(f'/api/v1/al/{link}', {'kwargs': kwargs, 'options': options or {}},
                         timeout)

    # --- logs ---------------------------------------------------------------------------------

    def logs(self):
        return [path for path in (
            self.install / 'data/logs/dataflux-func.log',
            self.install / 'data/logs/executor.out',
            self.install / 'nginx/error.log',
            self.install / 'nginx/start.log',
        ) if path.exists()]

    def log_text(self):
        return '\n'.join(path.read_text(errors='replace') for path in self.logs())

    def log_ends(self):
        """Where each log ends now, for log_since()."""
        return {path: path.stat().st_size for path in self.logs()}

    def log_since(self, ends):
        return '\n'.join(path.read_bytes()[ends.get(path, 0):].decode(errors='replace')
                         for path in self.logs())

    def tail(self, count=30):
        return '\n'.join(f'--- {path}\n' + '\n'.join(
            path.read_text(errors='replace').splitlines()[-count:]) for path in self.logs())

    def allow(self, *texts):
        """Log lines with one of these texts are expected by this test."""
        self.allowed.extend(texts)

    def alarms(self):
        """Alarming events since the last look, without those that were allowed."""
        found = []
        for path in self.logs():
            content = path.read_bytes()
            begin = self.seen.get(path, 0)
            self.seen[path] = len(content)
            found += [f'{path.name}: {event}'
                      for event in log_events(content[begin:].decode(errors='replace'))
                      if any(alarm in event for alarm in ALARMS)
                      and not any(text in event for text in self.allowed)]
        return found + reports.take()


# A line that begins an event; others, such as a traceback or a sanitizer's stack, belong
# to the one before.
EVENT_BEGINS = re.compile(r'\d{4}[-/]\d\d[-/]\d\d|\{"|==\d+==ERROR|nginx: |.*runtime error:')


def log_events(text):
    """The events of a log, each with all of its lines."""
    events = []
    for line in text.splitlines():
        if events and not EVENT_BEGINS.match(line):
            events[-1] += '\n' + line
        else:
            events.append(line)
    return events


# --- processes --------------------------------------------------------------------------------


def run(words, **options):
    done = subprocess.run([str(word) for word in words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=200, **options)
    assert done.returncode == 0, f'{words}: {done.stdout}'
    return done.stdout


def process_stat(pid):
    """State, parent and group of a process, or None."""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return None
    state, parent, group = text.rpartition(')')[2].split()[:3]
    return state, int(parent), int(group)


def process_words(pid):
    """Its command line; none when it is gone."""
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    except OSError:
        return []


def process_alive(pid):
    stat = process_stat(pid)
    return stat is not None and stat[0] != 'Z'


def descendants(top):
    """top and every process below it that is alive."""
    parents = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            stat = process_stat(int(entry))
            if stat and stat[0] != 'Z':
                parents[int(entry)] = stat[1]
    found = [top] if top in parents else []
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def process_depth(pid, top):
    """How many steps below top a process is; -1 when it is not."""
    depth = 0
    while pid != top:
        stat = process_stat(pid)
        if stat is None or stat[1] == 0:
            return -1
        pid, depth = stat[1], depth + 1
    return depth
