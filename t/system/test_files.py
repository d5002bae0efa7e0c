"""Uploads, large results and files, on the real system: the users that the parts run as,
what is left behind, and that nobody waits for anybody's gigabyte."""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from node import free_port, wait_until

BOUNDARY = '----test'


def resources(node):
    return pathlib.Path(node.setting('RESOURCE_ROOT_PATH'))


def uploads(node):
    return sorted((resources(node) / '.uploads').iterdir())


def part(parameters, content, *headers):
    lines = [f'--{BOUNDARY}', f'Content-Disposition: form-data; {parameters}', *headers, '', '']
    return '\r\n'.join(lines).encode() + content + b'\r\n'


def body_of(*parts):
    return b''.join(parts) + f'--{BOUNDARY}--\r\n'.encode()


def upload(node, link, *parts, path='/api/v1/al/', timeout=30):
    return node.request('POST', f'{path}{link}/simplified', body_of(*parts),
                        {'Content-Type': f'multipart/form-data; boundary={BOUNDARY}'}, timeout)


@pytest.fixture
def clean(node):
    for path in uploads(node):
        path.unlink()
    yield node


def test_an_upload_is_nginx_s_file_that_a_worker_may_read_and_not_change(clean):
    answer = upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))

    assert answer.status == 200 and answer.json['files'][0]['content'] == 'hello'
    path, = uploads(clean)
    assert path.owner() == 'dff-web' and path.group() == 'dff-worker'
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o2750


def test_uploads_that_are_refused_leave_no_file(clean):
    good = part('name="f"; filename="x"', b'x' * 100000)

    for parts, text in (
            ([good, part('filename="y"', b'')], 'has no name'),
            ([good, part('name="files"', b'1')], 'is for the uploaded files'),
            ([good, good[:-1]], 'boundary')):
        answer = upload(clean, 'auln-uploaded', *parts)
        assert answer.status == 400 and text in answer.json['message'], answer
        assert wait_until(lambda: not uploads(clean), 5, 'the end of the files')


def test_an_upload_whose_client_leaves_leaves_no_file(clean):
    with socket.create_connection(('127.0.0.1', clean.port)) as client:
        client.sendall(b'POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: multipart/form-data; boundary=' + BOUNDARY.encode()
                       + b'\r\nContent-Length: 1000000\r\n\r\n'
                       + part('name="f"; filename="x"', b'x' * 100000))
        wait_until(lambda: uploads(clean), 5, 'the file')
    wait_until(lambda: not uploads(clean), 5, 'its end')


def test_an_upload_to_a_full_queue_leaves_no_file(make_node):
    node = make_node(_WORKER_QUEUE_LIMIT=1)
    node.start()
    node.publish_fixtures()
    node.stop('executor')

    def call():
        return upload(node, 'auln-uploaded', part('name="f"; filename="x"', b'1'))

    waiting = threading.Thread(target=call)
    waiting.start()
    wait_until(lambda: len(uploads(node)) == 1, 5, 'the first upload')
    time.sleep(0.3)
    answer = call()
    assert answer.json['error'] == 599.5
    wait_until(lambda: len(uploads(node)) == 1, 5, 'the end of the second')
    node.start('executor')
    waiting.join()


def test_expect_100_continue_is_asked_for_and_answered(node):
    body = body_of(part('name="a"', b'1'))
    with socket.create_connection(('127.0.0.1', node.port), timeout=10) as client:
        client.sendall(b'POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\n'
                       b'Connection: close\r\nExpect: 100-continue\r\n'
                       b'Content-Type: multipart/form-data; boundary=' + BOUNDARY.encode()
                       + b'\r\nContent-Length: %d\r\n\r\n' % len(body))
        assert client.recv(1000).startswith(b'HTTP/1.1 100 Continue\r\n')
        client.sendall(body)
        answer = b''
        while more := client.recv(65536):
            answer += more
    assert answer.startswith(b'HTTP/1.1 200 ') and answer.endswith(b'"files":null}')


def test_bodies_come_over_http_2_too(make_node, tmp_path):
    """nginx reads them in other ways there: the end of the stream may be there first."""
    if not shutil.which('curl'):
        pytest.skip('there is no curl')
    node = make_node()
    port = free_port()
    (node.install / 'nginx/conf.d/http2.conf').write_text(
        f'server {{ listen 127.0.0.1:{port} http2; location /api/v1/ {{ dff; }} }}')
    node.start()
    node.publish_fixtures()
    big = tmp_path / 'big'
    big.write_bytes(os.urandom(3_000_000))

    def curl(link, *words, body=None):
        return subprocess.run(
            ['curl', '-sS', '--http2-prior-knowledge', '--max-time', '20', *words,
             f'http://127.0.0.1:{port}/api/v1/al/{link}'], input=body, capture_output=True).stdout

    plus = b'{"kwargs":{"x":1,"y":2}}'
    for _ in range(3):
        # with a length; without one
        assert curl('auln-plus', '-H', 'Content-Type: application/json', '-d', plus) == b'3'
        assert curl('auln-plus', '-H', 'Content-Type: application/json', '-X', 'POST', '-T', '-',
                    body=plus) == b'3'
    path = curl('auln-upload-path/simplified', '-F', f'f=@{big}', '-F', 'f=@/dev/null')
    assert pathlib.Path(path.decode()).read_bytes() == big.read_bytes()
    assert len(curl('auln-large', '-H', 'Content-Type: application/json', '-d',
                    b'{"kwargs":{"size":5000000,"kind":"bytes"}}')) == 5_000_000


# --- 100 MB ------------------------------------------------------------------------------


class Caller(threading.Thread):
    """Calls a small function again and again and remembers the slowest call."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.stop, self.slowest, self.calls = node, threading.Event(), 0, 0

    def run(self):
        while not self.stop.is_set():
            answer = self.node.call('auln-plus', x=1, y=2)
            assert answer.text == '3'
            self.slowest = max(self.slowest, answer.seconds)
            self.calls += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


def test_100_mb_arrive_whole_and_hold_nobody_up(clean):
    block = os.urandom(1 << 20)
    digest = hashlib.sha256(block * 100).hexdigest()

    def pieces():
        yield part('name="f"; filename="big"', b'')[:-2]
        for _ in range(100):
            yield block
        yield b'\r\n' + body_of()

    with Caller(clean) as caller:
        connection = http.client.HTTPConnection('127.0.0.1', clean.port, timeout=60)
        connection.request('POST', '/api/v1/al/auln-upload-path/simplified', pieces(),
                           {'Content-Type': f'multipart/form-data; boundary={BOUNDARY}'},
                           encode_chunked=True)
        answer = connection.getresponse()
        path = answer.read().decode()
        connection.close()

    assert answer.status == 200
    with open(path, 'rb') as file:
        assert hashlib.file_digest(file, 'sha256').hexdigest() == digest
    # one nginx worker may have both; the machine has others to serve
    assert caller.calls > 10 and caller.slowest < 1, (caller.calls, caller.slowest)
    os.unlink(path)


def test_a_slow_upload_does_not_use_up_the_time_of_the_function(clean):
    """The API timeout (10 s) counts from the end of the body."""
    body = body_of(part('name="a"', b'1'))
    with socket.create_connection(('127.0.0.1', clean.port), timeout=30) as client:
        client.sendall(b'POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\n'
                       b'Connection: close\r\n'
                       b'Content-Type: multipart/form-data; boundary=' + BOUNDARY.encode()
                       + b'\r\nContent-Length: %d\r\n\r\n' % len(body))
        client.sendall(body[:20])
        time.sleep(10.5)
        client.sendall(body[20:])
        assert client.recv(1000).startswith(b'HTTP/1.1 200 ')


def test_30_mb_of_a_large_result_arrive_whole(node):
    answer = node.call('auln-large', size=30_000_000, kind='bytes')

    assert answer.status == 200 and answer.body == bytes(30_000_000)
    path = max((resources(node) / '.downloads').iterdir(), key=lambda each: each.stat().st_mtime)
    assert path.owner() == 'dff-worker' and path.group() == 'dff'
    assert path.stat().st_mode & 0o7777 == 0o640
    path.unlink()


def test_a_file_of_a_script_is_sent_and_removed_also_when_the_client_leaves(node):
    path = resources(node) / 'deep/er/big.bin'
    body = json.dumps({'kwargs': {'path': 'deep/er/big.bin', 'content': 'x', 'times': 8_000_000,
                                  'auto_delete': True}}).encode()

    answer = node.request('POST', '/api/v1/al/auln-send', body, {'Content-Type': 'application/json'})
    assert answer.status == 200 and len(answer.body) == 8_000_000
    wait_until(lambda: not path.exists(), 5, 'the end of the file')

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', node.port))
        client.sendall(b'POST /api/v1/al/auln-send HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
                       + body)
        assert client.recv(100).startswith(b'HTTP/1.1 200 ')
        assert path.exists()
    wait_until(lambda: not path.exists(), 5, 'the end of the file')


def replaced(path):
    path.with_name('beside.bin').write_bytes(b'y' * 8_000_000)
    path.with_name('beside.bin').replace(path)


def cut(path):
    os.truncate(path, 7_000_000)


@pytest.mark.parametrize('change, size', ((replaced, 8_000_000), (cut, 7_000_000)))
def test_a_file_that_changes_while_nginx_sends_it(node, change, size):
    """Replaced it arrives as it was; cut the connection ends before the announced length."""
    node.allow('was truncated at')
    path = resources(node) / f'{change.__name__}.bin'
    body = json.dumps({'kwargs': {'path': path.name, 'content': 'x',
                                  'times': 8_000_000}}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', node.port))
        client.sendall(b'POST /api/v1/al/auln-send HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
                       + body)
        got = client.recv(100)
        change(path)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while more := client.recv(100_000):
            got += more
    head, _, content = got.partition(b'\r\n\r\n')
    assert b'\r\nContent-Length: 8000000\r\n' in head
    assert len(content) == size and set(content) == set(b'x')


# --- cleaning ------------------------------------------------------------------------------


def test_files_that_have_had_their_time_are_removed(clean):
    assert upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'1')).status == 200
    assert upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'2')).status == 200
    old, young = uploads(clean)
    large = resources(clean) / '.downloads/large-old'
    folder = resources(clean) / '.downloads/folder'
    large.write_text('x')
    folder.mkdir()
    target = resources(clean) / 'target'
    target.write_text('x')
    link = resources(clean) / '.downloads/link'
    link.symlink_to(target)
    ages = {old: 3601, young: 3500, large: 3601, folder: 9999, target: 9999}
    for path, age in ages.items():
        os.utime(path, (time.time() - age,) * 2)
    os.utime(link, (0, 0), follow_symlinks=False)

    clean.reload('executor')
    wait_until(lambda: not old.exists() and not large.exists() and not link.is_symlink(), 10,
               'the end of the old files')
    assert young.exists() and folder.exists() and target.exists()
    for path in (young, target):
        path.unlink()
    folder.rmdir()


def test_what_killed_operations_left_is_removed(clean, tmp_path):
    """Unpacked halves, folders of an installation: with all that is in them."""
    made = resources(clean) / '.api'
    made.mkdir(exist_ok=True)
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'file').write_text('x')
    old, young = made / 'old', made / 'young'
    for folder in (old, young):
        (folder / 'a/b').mkdir(parents=True)
        (folder / 'a/b/file').write_text('x')
        (folder / 'link').symlink_to(outside)
    for folder, age in ((old, 86401), (young, 80000)):
        os.utime(folder, (time.time() - age,) * 2)
    clean.reload('executor')
    wait_until(lambda: not old.exists(), 10, 'the end of the old folder')
    assert (young / 'a/b/file').exists() and (outside / 'file').exists()
    shutil.rmtree(young)


def test_cleaning_does_not_follow_a_link_that_a_script_has_put_there(make_node, tmp_path):
    node = make_node()
    victim = tmp_path / 'victim'
    victim.mkdir()
    (victim / 'file').write_text('x')
    os.utime(victim / 'file', (0, 0))
    (resources(node) / '.downloads').rmdir()
    (resources(node) / '.downloads').symlink_to(victim)
    node.allow('expired files were not removed')
    node.start()
    wait_until(lambda: 'expired files were not removed' in node.log_text(), 10, 'the warning')
    assert (victim / 'file').exists()


# --- nodes ----------------------------------------------------------------------------------


def test_a_call_with_files_runs_on_its_own_node(clean):
    """Another node may not claim it: its queue has the node's name."""
    name = clean.setting('_NODE_NAME')
    clean.stop('executor')
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))))
    thread.start()
    wait_until(lambda: clean.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')

    assert json.loads(clean.ctl('queue', 'list', '--json').stdout)[f'1@{name}'] == 1
    assert f'1@{name}' in clean.ctl('queue', 'list').stdout
    assert json.loads(clean.ctl('status', '--json', check=False).stdout)['nodeQueues'] == {
        f'1@{name}': 1}
    assert 0 < clean.redis('TTL', f'dff:queue:1@{name}') <= 3600

    clean.start('executor')
    thread.join()
    assert answers[0].status == 200 and answers[0].json['files'][0]['content'] == 'hello'


def test_a_call_with_files_is_taken_at_once(clean):
    slowest = max(upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'1')).seconds
                  for _ in range(10))
    assert slowest < 0.8, 'it waits for the tick of the master'


def test_a_call_with_files_that_was_claimed_goes_back_to_its_node(make_node):
    """The master is killed while the job waits for a worker; its next life runs it."""
    node = make_node(_WORKER_PREFETCH_MULTIPLIER=4, _WORKER_CONCURRENCY=1)
    node.start()
    node.publish_fixtures()
    name = node.setting('_NODE_NAME')
    nap = threading.Thread(target=node.call, args=('auln-nap',), kwargs={'seconds': 5})
    nap.start()
    wait_until(lambda: node.redis('HKEYS', f'dff:started:{name}'), 5, 'the busy worker')
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        upload(node, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))))
    thread.start()
    wait_until(lambda: node.redis('LLEN', f'dff:claimed:{name}') == 1, 5, 'the claim')
    node.allow('is lost')
    node.kill('executor')
    node.start('executor')
    thread.join()
    nap.join()
    assert answers[0].status == 200 and answers[0].json['files'][0]['content'] == 'hello'


def test_queue_clear_drops_the_jobs_of_one_node(clean):
    name = clean.setting('_NODE_NAME')
    clean.stop('executor')
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))))
    thread.start()
    wait_until(lambda: clean.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')
    assert f'queue 1@{name}: 1 jobs dropped' in clean.ctl('queue', 'clear', f'1@{name}').stdout
    thread.join()
    assert answers[0].json['error'] == 599.3 and 'TaskCleared' in answers[0].text
    clean.start('executor')


def test_where_the_folder_is_shared_any_node_may_run_it(make_node):
    node = make_node(RESOURCE_ROOT_SHARED='true')
    node.start()
    node.publish_fixtures()
    node.stop('executor')
    thread = threading.Thread(target=lambda: upload(
        node, 'auln-uploaded', part('name="f"; filename="x"', b'hello')))
    thread.start()
    wait_until(lambda: node.redis('LLEN', 'dff:queue:1') == 1, 5, 'the job')
    node.start('executor')
    thread.join()


# --- files of another node -----------------------------------------------------------------------


@pytest.fixture
def two(node, make_node):
    """A node whose executor is stopped, and another that shares its Redis, not its folder."""
    other = make_node(REDIS_SOCKET=node.setting('REDIS_SOCKET'),
                      REDIS_PASSWORD=node.setting('REDIS_PASSWORD'))
    other.start()
    node.stop('executor')
    yield node, other
    node.start('executor')


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
    body = json.dumps({'kwargs': {'path': 'left.bin', 'content': 'x', 'times': 8_000_000,
                                  'auto_delete': True}}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', here.port))
        client.sendall(b'POST /api/v1/al/auln-send HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
                       + body)
        assert client.recv(100).startswith(b'HTTP/1.1 200 ')
        assert path.exists()
    wait_until(lambda: not path.exists(), 5, 'the end of the file')


def test_a_caller_who_is_slow_gets_a_file_of_another_node_whole(two):
    here, there = two
    body = json.dumps({'kwargs': {'size': 3_000_000, 'kind': 'bytes'}}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', here.port))
        client.sendall(b'POST /api/v1/al/auln-large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
                       + body)
        got = b''
        while more := client.recv(100_000):
            got += more
            time.sleep(0.001)
    assert len(got.partition(b'\r\n\r\n')[2]) == 3_000_000


@pytest.mark.parametrize('change', ('rewritten', 'replaced'))
def test_a_file_that_changes_between_two_pieces_breaks_the_connection(two, change):
    """Though its size and time are as before."""
    here, there = two
    here.allow('was lost after')
    there.allow('dff__file.read')    # it may change in the middle of a piece
    path, beside = (resources(there) / name for name in ('changing.bin', 'beside.bin'))
    beside.write_bytes(b'y' * 8_000_000)
    os.utime(beside, (1_700_000_000, 1_700_000_000))
    body = json.dumps({'kwargs': {'path': 'changing.bin', 'content': 'x', 'times': 8_000_000,
                                  'mtime': 1_700_000_000}}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(('127.0.0.1', here.port))
        client.sendall(b'POST /api/v1/al/auln-send HTTP/1.1\r\nHost: x\r\n'
                       b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body)
                       + body)
        got = client.recv(100)
        if change == 'replaced':
            beside.replace(path)
        else:
            path.write_bytes(b'y' * 8_000_000)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        try:
            while more := client.recv(100_000):
                got += more
        except ConnectionResetError:
            pass
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


def test_a_call_with_files_is_not_taken_by_the_other_node(two):
    here, there = two
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        upload(here, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))))
    thread.start()
    name = here.setting('_NODE_NAME')
    wait_until(lambda: here.redis('LLEN', f'dff:queue:1@{name}') == 1, 5, 'the job')
    time.sleep(1.5)
    assert here.redis('LLEN', f'dff:queue:1@{name}') == 1
    here.start('executor')
    thread.join()
    assert answers[0].json['files'][0]['content'] == 'hello'
