"""Several nodes with a folder of files each: a call with files runs on the node that has them,
and a file that another node has is sent in pieces."""

import contextlib
import http.client
import json
import os
import signal
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import read_ledger
from node import free_port, wait_until
from transfers import part, resources, rest_of, slow_caller, upload


@pytest.fixture
def two(node, make_node):
    """A node whose executor is stopped, and another that shares its Redis, not its folder."""
    other = make_node(REDIS_SOCKET=node.setting('REDIS_SOCKET'),
                      REDIS_PASSWORD=node.setting('REDIS_PASSWORD'))
    other.start()
    node.stop('executor')
    yield node, other
    node.start('executor')


@pytest.fixture
def hello():
    """hello(node): a call with a file that goes on beside the test; its result() is the answer."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda node: pool.submit(upload, node, 'auln-uploaded',
                                       part('name="f"; filename="x"', b'hello'))


# --- calls with files ----------------------------------------------------------------------------


def test_a_call_with_files_runs_on_its_own_node(node, hello):
    """Another node may not claim it: its queue has the node's name."""
    name = node.setting('_NODE_NAME')
    node.stop('executor')
    call = hello(node)
    wait_until(lambda: node.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')

    assert json.loads(node.ctl('queue', 'list', '--json').stdout)[f'1@{name}'] == 1
    assert f'1@{name}' in node.ctl('queue', 'list').stdout
    assert json.loads(node.ctl('status', '--json', check=False).stdout)['nodeQueues'] == {
        f'1@{name}': 1}
    assert 0 < node.redis('TTL', f'dff:queue:1@{name}') <= 3600

    node.start('executor')
    answer = call.result()
    assert answer.status == 200 and answer.json['files'][0]['content'] == 'hello'


def test_a_call_with_files_is_taken_at_once(node):
    slowest = max(upload(node, 'auln-uploaded', part('name="f"; filename="x"', b'1')).seconds
                  for _ in range(10))
    assert slowest < 0.8, 'it waits for the tick of the master'


def test_a_call_with_files_that_was_claimed_goes_back_to_its_node(make_node, hello):
    """The master is killed while the job waits for a worker; its next life runs it."""
    node = make_node(_WORKER_PREFETCH_MULTIPLIER=4, _WORKER_CONCURRENCY=1)
    node.start()
    node.publish_fixtures()
    name = node.setting('_NODE_NAME')
    nap = threading.Thread(target=node.call, args=('auln-nap',), kwargs={'seconds': 5})
    nap.start()
    wait_until(lambda: node.redis('HKEYS', f'dff:started:{name}'), 5, 'the busy worker')
    call = hello(node)
    wait_until(lambda: node.redis('LLEN', f'dff:claimed:{name}') == 1, 5, 'the claim')
    node.allow('is lost')
    node.kill('executor')
    node.start('executor')
    answer = call.result()
    nap.join()
    assert answer.status == 200 and answer.json['files'][0]['content'] == 'hello'


def test_queue_clear_drops_the_jobs_of_one_node(node, hello):
    name = node.setting('_NODE_NAME')
    node.stop('executor')
    call = hello(node)
    wait_until(lambda: node.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')
    assert f'queue 1@{name}: 1 jobs dropped' in node.ctl('queue', 'clear', f'1@{name}').stdout
    answer = call.result()
    assert answer.json['error'] == 599.3 and 'TaskCleared' in answer.text
    node.start('executor')


def test_where_the_folder_is_shared_any_node_may_run_it(make_node, hello):
    node = make_node(RESOURCE_ROOT_SHARED='true')
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    call = hello(node)
    wait_until(lambda: node.redis('LLEN', 'dff:queue:1') == 1, 5, 'the job')
    node.start('executor')
    call.result()


def test_a_call_with_files_is_not_taken_by_the_other_node(two, hello):
    here, there = two
    call = hello(here)
    name = here.setting('_NODE_NAME')
    wait_until(lambda: here.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')
    time.sleep(1.5)
    assert here.redis('LLEN', f'dff:queue:1@{name}') == 1
    here.start('executor')
    assert call.result().json['files'][0]['content'] == 'hello'


# --- files of another node -----------------------------------------------------------------------


def test_a_file_of_another_node_is_sent_in_pieces_and_removed_there(two):
    here, there = two
    path = resources(there) / 'deep/far.txt'
    content = ''.join(f'{i:9}\n' for i in range(300_000))

    answer = here.call('auln-send', path='deep/far.txt', content=content, auto_delete=True,
                       headers={'X-A': 'b'})
    assert answer.status == 200 and answer.text == content
    assert answer.headers['content-type'] == 'text/plain; charset=utf-8'
    assert answer.headers['content-disposition'] == 'attachment; filename="far.txt"'
    assert answer.headers['x-a'] == 'b' and answer.headers['content-length'] == '3000000'
    assert not path.exists() and not (resources(here) / 'deep/far.txt').exists()
    assert here.redis('KEYS', 'dff:queue:*') == []


def test_a_large_result_of_another_node_of_any_size(two):
    here, there = two
    for size in (0, 1, 512 * 1024, 512 * 1024 + 1):
        answer = here.call('auln-large', size=size, kind='bytes')
        assert answer.status == 200 and answer.body == bytes(size)
        assert answer.headers['x-dff-task-id'].startswith('task-')


def test_a_file_of_another_node_that_is_not_there_and_one_that_the_caller_has(two):
    here, there = two
    there.allow('dff__file.read')
    answer = here.call('auln-send-removed')
    assert answer.json['error'] == 599.3
    assert 'No such file or directory' in answer.json['detail']['einfoTEXT']

    query = json.dumps({'path': 'c.txt', 'content': 'x', 'mtime': 1700000000, 'allow_304': True})
    answer = here.get('/api/v1/al/auln-send', kwargs=query,
                      headers={'If-None-Match': '"6553f100-1"'})
    assert answer.status == 304 and answer.body == b''


def test_a_cached_answer_whose_file_is_gone_is_no_answer_here_and_on_another_node(two):
    """Its function is called again, and that answer is cached in its place."""
    here, there = two

    def call(on, tag):
        answer = on.call('auln-large-cached', value=tag)
        assert answer.status == 200, answer
        return answer.text, 'x-dataflux-func-cache' in answer.headers

    for on, tag in ((there, 'gone here'), (here, 'gone there')):
        first, cached = call(on, tag)
        assert not cached and call(on, tag) == (first, True)
        for path in (resources(there) / '.downloads').iterdir():
            path.unlink()
        there.allow('dff__file.read')
        again, cached = call(on, tag)
        assert again != first and not cached
        assert call(on, tag) == (again, True)


def test_a_caller_who_leaves_a_file_of_another_node_lets_it_be_removed(two):
    here, there = two
    path = resources(there) / 'left.bin'
    before = read_ledger(here)
    with slow_caller(here, 'auln-send', path='left.bin', content='x', times=8_000_000,
                     auto_delete=True) as client:
        assert client.recv(100).startswith(b'HTTP/1.1 200 ')
        assert path.exists()
    wait_until(lambda: not path.exists(), 5, 'the end of the file')
    wait_until(lambda: read_ledger(here)['missing'] == before['missing'], 5, 'the balance')


@pytest.mark.parametrize('reloads', [False, True])
def test_a_file_whose_caller_leaves_stays_until_the_piece_on_its_way_was_read(two, reloads):
    here, there = two
    name, path = there.setting('_NODE_NAME'), resources(there) / 'held.bin'

    def waiting():
        """Wherever the other node was stopped on its way."""
        return sum(here.redis(command, key) for command, key in (
            ('LLEN', f'dff:queue:0@{name}'), ('LLEN', f'dff:claimed:{name}'),
            ('HLEN', f'dff:started:{name}')))

    with slow_caller(here, 'auln-send', path='held.bin', content='x', times=20_000_000,
                     auto_delete=True) as client:
        assert client.recv(100).startswith(b'HTTP/1.1 200 ')
        os.kill(there.pid('executor'), signal.SIGSTOP)
        try:
            client.settimeout(1)
            with contextlib.suppress(TimeoutError):
                for _ in rest_of(client):
                    pass
            wait_until(lambda: waiting() == 1, 5, 'the piece')
            client.close()
            time.sleep(0.5)
            if reloads:
                here.reload('nginx')    # the worker that has to push the removal stays for it
                time.sleep(2)
            assert waiting() == 1
        finally:
            os.kill(there.pid('executor'), signal.SIGCONT)
    wait_until(lambda: not path.exists(), 5, 'the end of the file')


def test_a_caller_who_is_slow_gets_a_file_of_another_node_whole(two):
    here, there = two
    with slow_caller(here, 'auln-large', size=3_000_000, kind='bytes') as client:
        got = b''
        while more := client.recv(100_000):
            got += more
            time.sleep(0.001)
    assert len(got.partition(b'\r\n\r\n')[2]) == 3_000_000


@contextlib.contextmanager
def server(node, *directives):
    """One more server of a node's nginx: get(path) is what it answers."""
    port, path = free_port(), node.install / 'nginx/conf.d/more.conf'

    def get(path):
        with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=20) as answer:
            return answer.read().decode()

    path.write_text('\n'.join(['server {', f'listen 127.0.0.1:{port};',
                               'location /api/v1/ { dff; }', *directives, '}']))
    try:
        node.reload('nginx')
        yield get
    finally:
        path.unlink()
        node.reload('nginx')


def test_a_file_of_another_node_keeps_to_limit_rate(two):
    (resources(two[1]) / 'paced.txt').write_text('x' * 1_200_000)
    with server(two[0], 'limit_rate 600k;') as get:
        begin = time.monotonic()
        assert len(get('/api/v1/al/auln-send?kwargs={"path":"paced.txt"}')) == 1_200_000
        assert time.monotonic() - begin > 1


@pytest.fixture
def page(two):
    """page(text): what a page with server-side includes becomes on the first of the two."""
    folder = two[0].install / 'nginx/conf.d'

    def become(text):
        (folder / 'page').write_text(text)
        return get('/page')

    with server(two[0], 'ssi on;', 'ssi_types *;', f'location / {{ root {folder}; }}') as get:
        yield become
    (folder / 'page').unlink(missing_ok=True)


def test_files_of_another_node_are_parts_of_a_page(two, page):
    """All are asked for at once: what comes before its turn is kept, and not written over."""
    files = [''.join(f'{mark}{i:9}\n' for i in range(120_000)) for mark in 'ab']
    for name, content in enumerate(files):
        (resources(two[1]) / f'part{name}').write_text(content)

    include = "<!--# include virtual='/api/v1/al/%s' -->"
    calls = ['auln-nap?kwargs={"seconds":0.5,"answer":"rested"}',
             'auln-send?kwargs={"path":"part0"}', 'auln-send?kwargs={"path":"part1"}', 'auln-ok']
    parts = page('<' + '|'.join(include % call for call in calls) + '>').split('|')
    assert [len(each) for each in parts] == [7, len(files[0]), len(files[1]), 3]
    for got, content in zip(parts[1:3], files):
        # not the texts in an assertion, which takes minutes to tell how they differ
        wrong = [pair for pair in zip(got.splitlines(), content.splitlines())
                 if pair[0] != pair[1]]
        assert wrong[:1] == []


@pytest.mark.parametrize('change', ('rewritten', 'replaced'))
def test_a_file_that_changes_between_two_pieces_breaks_the_connection(two, change):
    """Though its size and time are as before."""
    here, there = two
    here.allow('was lost after')
    there.allow('dff__file.read')    # it may change in the middle of a piece
    path, beside = (resources(there) / name for name in ('changing.bin', 'beside.bin'))
    beside.write_bytes(b'y' * 8_000_000)
    os.utime(beside, (1_700_000_000, 1_700_000_000))
    with slow_caller(here, 'auln-send', path='changing.bin', content='x', times=8_000_000,
                     mtime=1_700_000_000) as client:
        got = client.recv(100)
        if change == 'replaced':
            beside.replace(path)
        else:
            path.write_bytes(b'y' * 8_000_000)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        with contextlib.suppress(ConnectionResetError):
            for piece in rest_of(client):
                got += piece
    assert len(got) < 8_000_000 and b'y' not in got.partition(b'\r\n\r\n')[2]


def answer_job(node, queue, control, body):
    """As an executor does: takes the next job of a queue, and sends this as its result."""
    job = node.redis('BRPOP', f'dff:queue:{queue}', 10)[1]
    line, _, rest = job.partition('\n')
    job = json.loads(rest[:int(line.split()[1])])
    head = json.dumps({'id': job['id'], 'status': 'success', 'type': 'raw', 'startedAt': 1,
                       'endedAt': 2})
    control = json.dumps(control)
    node.redis('LPUSH', f'dff:reply:{job["producer"]}',
               f'DFR1 {len(head)} {len(control)} {len(body)}\n{head}{control}{body}')
    node.redis('HINCRBY', 'dff:ledger', 'success', 1)


@pytest.mark.parametrize('second, whole', (({'size': 4, 'mtime': 9}, True),
                                           ({'size': 4, 'mtime': 8}, False),
                                           ({'size': 5, 'mtime': 9}, False),
                                           ({'size': 4, 'mtime': 9, 'state': 'x'}, False)))
def test_a_file_of_a_node_that_tells_no_state(node, second, whole):
    """As executors of earlier builds do: size and time are compared."""
    node.allow('was lost after')
    node.stop('executor')
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(node.call, 'auln-send', path='old.txt')
        answer_job(node, '1', {'file': 'old.txt', 'node': 'elsewhere'}, '')
        answer_job(node, '0@elsewhere', {'size': 4, 'mtime': 9}, 'ab')
        answer_job(node, '0@elsewhere', second, 'cd')
        if whole:
            assert call.result().text == 'abcd'
        else:
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                call.result()
    node.redis('SREM', 'dff:nodes', 'elsewhere')      # nginx has added it with the job's queue
    node.start('executor')
