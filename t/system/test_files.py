"""Uploads, large results and files, on the real system: the users that the parts run as,
what is left behind, and that nobody waits for anybody's gigabyte."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from node import free_port, wait_until
from sanitized import impossible
from transfers import (BOUNDARY, body_of, part, resources, rest_of, slow_caller, upload,
                       uploads)


@pytest.fixture
def clean(node):
    for path in uploads(node):
        path.unlink()
    yield node


def head_of(size, *headers):
    """The head of an upload whose body, of that size, is sent by hand."""
    lines = ['POST /api/v1/al/auln-uploaded/simplified HTTP/1.1', 'Host: x', *headers,
             f'Content-Type: multipart/form-data; boundary={BOUNDARY}',
             f'Content-Length: {size}', '', '']
    return '\r\n'.join(lines).encode()


def test_an_upload_is_nginx_s_file_that_a_worker_may_read_and_not_change(clean):
    answer = upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))

    assert answer.status == 200 and answer.json['files'][0]['content'] == 'hello'
    path, = uploads(clean)
    assert path.owner() == 'dff-web' and path.group() == 'dff-worker'
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o2750


def test_an_upload_has_this_mode_whatever_the_umask_of_who_started_nginx(clean):
    before = os.umask(0o077)
    try:
        clean.restart('nginx')
    finally:
        os.umask(before)
    answer = upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))
    clean.restart('nginx')
    assert answer.status == 200 and answer.json['files'][0]['content'] == 'hello', answer
    assert uploads(clean)[0].stat().st_mode & 0o7777 == 0o640


LATE_ERROR = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int close(int fd)
{
    char link[64], path[4096] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    (void) !readlink(link, path, sizeof(path) - 1);
    int rc = (int) syscall(SYS_close, fd);
    return strstr(path, "/.uploads/upload-") ? (errno = EDQUOT, -1) : rc;
}
"""


@impossible('preload')
def test_an_upload_that_its_disk_refuses_at_the_end_is_not_stored(clean, test_folder):
    """As NFS does it: what was written is over the quota only when the file is closed."""
    code, library = test_folder / 'late.c', test_folder / 'late.so'
    code.write_text(LATE_ERROR)
    subprocess.run(['cc', '-shared', '-fPIC', '-o', library, code], check=True)
    clean.stop('nginx')
    os.environ['LD_PRELOAD'] = str(library)
    try:
        clean.start('nginx')
    finally:
        del os.environ['LD_PRELOAD']
    answer = upload(clean, 'auln-uploaded', part('name="f"; filename="x"', b'hello'))
    clean.restart('nginx')
    assert (answer.status, answer.json['message']) == (500, 'The upload cannot be stored'), answer
    assert re.search(r'close\(\) of an upload failed after 5 bytes \(122: ', clean.log_text())
    assert not uploads(clean)


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
        client.sendall(head_of(1000000) + part('name="f"; filename="x"', b'x' * 100000))
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
        client.sendall(head_of(len(body), 'Connection: close', 'Expect: 100-continue'))
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


@contextlib.contextmanager
def no_more_descriptors(node):
    """Of nginx's workers; what is open stays open. As their user: root may lack the capability."""
    def limit(pid, soft):
        subprocess.run(['prlimit', f'--pid={pid}', f'--nofile={soft}:'], check=True,
                       user='dff-web', group='dff', extra_groups=[])
    before = {pid: re.search(r'Max open files +(\d+)',
                             pathlib.Path(f'/proc/{pid}/limits').read_text())[1]
              for pid in node.processes('nginx') if pid != node.pid('nginx')}
    try:
        for pid in before:
            limit(pid, 0)
        yield
    finally:
        for pid, soft in before.items():
            limit(pid, soft)


def test_a_file_for_which_there_is_no_descriptor_is_no_failure_of_its_function(node):
    assert node.call('auln-send', path='scarce/x.txt', content='x').text == 'x'
    caller = http.client.HTTPConnection('127.0.0.1', node.port, timeout=10)
    caller.request('GET', '/api/v1/do/ping')
    assert caller.getresponse().read()
    with no_more_descriptors(node):
        caller.request('POST', '/api/v1/al/auln-send', b'{"kwargs":{"path":"scarce/x.txt"}}',
                       {'Content-Type': 'application/json'})
        answer = caller.getresponse()
        assert (answer.status, json.loads(answer.read())['reason']) == (500, 'ESys')
    caller.close()
    assert 'dff: file "scarce/x.txt" cannot be sent (24: Too many open files)' in node.log_text()
    assert node.call('auln-send', path='scarce/x.txt').text == 'x'


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
        client.sendall(head_of(len(body), 'Connection: close'))
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
    kwargs = {'path': 'deep/er/big.bin', 'content': 'x', 'times': 8_000_000, 'auto_delete': True}

    answer = node.call('auln-send', **kwargs)
    assert answer.status == 200 and len(answer.body) == 8_000_000
    wait_until(lambda: not path.exists(), 5, 'the end of the file')

    with slow_caller(node, 'auln-send', **kwargs) as client:
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
    with slow_caller(node, 'auln-send', path=path.name, content='x', times=8_000_000) as client:
        got = client.recv(100)
        change(path)
        got += b''.join(rest_of(client))
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
