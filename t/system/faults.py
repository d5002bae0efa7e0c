"""Load for the fault tests, in which every job has a mark of its own: what ran, how often,
and what each caller was told is counted afterwards, not guessed.

DFF_FAULTS_LONG=1 (`make faults`): longer load and longer halts.
"""

import collections
import json
import os
import pathlib
import socket
import threading
import time

from ledger import check_ledger
from node import wait_until

LONG = os.environ.get('DFF_FAULTS_LONG', '') not in ('', '0')
HALT_S = 20 if LONG else 2          # a process that is stopped, a connection that is cut
LOAD_S = 12 if LONG else 1          # load without a fault, before and after
CALLERS = 16 if LONG else 8
HEAL_S = 30                         # until calls are answered again, after a fault


class Link:
    """One kept-alive connection of a caller, over a plain socket for speed."""

    def __init__(self, port, timeout=90):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=timeout)
        self.stream = self.socket.makefile('rb')
        self.last = False       # nginx ends the connection with its last answer

    def close(self):
        self.stream.close()
        self.socket.close()

    def call(self, link, kwargs, options=None):
        """Status and JSON (or text) of the answer. OSError, ValueError: there was none."""
        self.send(link, kwargs, options)
        return self.receive()

    def send(self, link, kwargs, options=None):
        body = json.dumps({'kwargs': kwargs, 'options': options or {}}).encode()
        self.socket.sendall(b'POST /api/v1/al/%s HTTP/1.1\r\nHost: test\r\n'
                            b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s'
                            % (link.encode(), len(body), body))

    def receive(self):
        words = self.stream.readline().split()
        if len(words) < 2:
            raise OSError('the connection has ended')
        size = 0
        while (line := self.stream.readline().strip()):
            name, _, value = line.partition(b':')
            if name.lower() == b'content-length':
                size = int(value)
            if name.lower() == b'connection':
                self.last = value.strip() == b'close'
        answer = self.stream.read(size)
        if len(answer) != size:
            raise OSError('the answer is cut')
        return int(words[1]), answer.decode()


def told(status, text, mark):
    """What a caller was told, in a word; with the task id where there may be a result."""
    if status == 200:
        assert text.strip('"') == mark, f'{mark} got the answer {text}'
        return 'ok', None
    error = json.loads(text)
    detail = error.get('detail') or {}
    code = error['error']
    if code == 503.53:
        return detail['state'], detail.get('id')
    if code == 599.1:
        return 'timeout', detail['id']
    if code == 599.5:
        return 'refused', None
    if code == 599.3 and detail.get('etype') in ('WorkerLostError', 'TaskExpired'):
        return 'lost', None
    raise AssertionError(f'{mark}: unexpected answer {status} {text}')


class Caller(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.answers = {}       # mark -> (word, task id)
        self.answered = 0       # with ok
        self.failure = None
        self.calling = None     # mark

    def run(self):
        link, count = None, 0
        try:
            while not self.load.ending.is_set():
                count += 1
                mark = f'{self.load.name}.{self.number}.{count}'
                self.calling = mark
                try:
                    if link and link.last:
                        link = link.close()
                    link = link or Link(self.load.port)
                    self.answers[mark] = told(*link.call(
                        self.load.link, {'path': str(self.load.path), 'mark': mark,
                                         'seconds': self.load.seconds},
                        self.load.options), mark)
                except (OSError, ValueError) as error:
                    # before or after the call was taken: nobody knows
                    self.answers[mark] = 'broken', None
                    link = link and link.close()
                    time.sleep(0.02)
                    if isinstance(error, TimeoutError):
                        self.failure = f'{mark} was never answered'
                self.calling = None
                word = self.answers[mark][0]
                self.answered += word == 'ok'
                if word in ('refused', 'unknown'):
                    time.sleep(0.02)
        except AssertionError as error:
            self.failure = str(error)
        finally:
            if link:
                link.close()


class Load:
    """Calls from several callers, until the block ends; then everything is accounted for."""

    count = 0

    def __init__(self, node, callers=CALLERS, seconds=0.005, link='auln-mark', options=None,
                 port=None):
        Load.count += 1
        self.node, self.seconds, self.link, self.options = node, seconds, link, options
        self.port = port or node.port
        self.name = f'm{Load.count}'
        self.path = marks_folder(node) / self.name
        self.ending = threading.Event()
        self.callers = [Caller(self, number) for number in range(callers)]

    def __enter__(self):
        for caller in self.callers:
            caller.start()
        self.flows()
        time.sleep(LOAD_S)
        return self

    def __exit__(self, kind, *_):
        self.ending.set()
        for caller in self.callers:
            caller.join(120 if kind is None else 5)
        if kind is None:
            assert not any(caller.is_alive() for caller in self.callers), 'callers hang'

    def flows(self, seconds=HEAL_S):
        """Every caller gets a result again."""
        before = [caller.answered for caller in self.callers]
        wait_until(lambda: self.failures() or all(
            caller.answered > count for caller, count in zip(self.callers, before)),
            seconds, 'a result for every caller')
        assert not self.failures(), self.failures()

    def after(self):
        """The fault is over: it heals, and goes on for a while."""
        self.flows()
        time.sleep(LOAD_S)

    def failures(self):
        return [caller.failure for caller in self.callers if caller.failure]

    @property
    def answers(self):
        return {mark: answer for caller in self.callers
                for mark, answer in caller.answers.items()}

    def words(self):
        return collections.Counter(word for word, _ in self.answers.values())


def marks_folder(node):
    folder = node.install / 'marks'
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)
    return folder


def read_marks(path):
    """Counters of begun and ended marks."""
    counts = {'begin': collections.Counter(), 'end': collections.Counter()}
    if pathlib.Path(path).exists():
        for line in pathlib.Path(path).read_text().splitlines():
            word, _, mark = line.partition(' ')
            counts[word][mark] += 1
    return counts['begin'], counts['end']


def in_flight(node):
    """Jobs in Redis that have no outcome yet: of all queues and nodes."""
    keys = node.redis('KEYS', 'dff:queue:*') + node.redis('KEYS', 'dff:claimed:*')
    return (sum(node.redis('LLEN', key) for key in keys) + node.redis('ZCARD', 'dff:delayed')
            + sum(node.redis('HLEN', key) for key in node.redis('KEYS', 'dff:started:*')))


def settle(node, seconds=60):
    """Waits until every job has its outcome; the ledger balances then."""
    wait_until(lambda: in_flight(node) == 0, seconds, 'the end of all jobs')
    return check_ledger(node, waiting=0, claimed=0, running=0)


def check(load, starts=1, forgotten=0):
    """After the load, and settled: nothing silently lost, nothing started twice.
    starts: how often a job may start. forgotten: how many accepted jobs may be gone, with
    a Redis that was killed before it had written them to its file."""
    assert not load.failures(), load.failures()[:5]
    begun, ended = read_marks(load.path)
    answers = load.answers
    twice = {mark: count for mark, count in begun.items() if count > starts}
    assert not twice, f'started more than {starts} times: {list(twice.items())[:5]}'
    assert not set(begun) - set(answers), 'marks that nobody called for'

    wrong, gone = [], []
    for mark, (word, task) in answers.items():
        ran = begun[mark], ended[mark]
        if word == 'ok' and (ended[mark] != 1 or begun[mark] < 1):
            wrong.append((mark, word, ran))
        if word == 'refused' and ran != (0, 0):
            wrong.append((mark, word, ran))
        # A caller that was told to ask later is told then.
        if word == 'timeout' and ended[mark] == 0 and outcome(load.node, task) is None:
            gone.append(mark)
    assert not wrong, f'{len(wrong)} callers were told wrong: {wrong[:5]}'
    assert len(gone) <= forgotten, f'{len(gone)} accepted jobs are lost: {gone[:5]}'
    if 'DFF_FAULTS_COUNT' in os.environ:
        with open(os.environ['DFF_FAULTS_COUNT'], 'a') as count:
            count.write(f'{len(answers)}\n')
    return load.words()


def outcome(node, task):
    """Of a job whose caller was told to ask later; None while there is none."""
    answer = node.get(f'/api/v1/func-result?taskId={task}')
    if answer.status != 200:
        return None
    status = answer.json['data']['status']
    return None if status in ('queued', 'running') else status
