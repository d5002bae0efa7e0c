"""The machine misbehaves: full disks, a clock that jumps, functions that kill their worker."""

import contextlib
import http.client
import os
import shutil
import subprocess
import time

import pytest

from faults import LOAD_S, LONG, Load, check, marks_folder, read_marks, settle
from ledger import check_ledger
from node import run, wait_until

FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """A file system of its own over a folder, with the folder's content and owner."""
    content = folder.parent / (folder.name + '.before')
    shutil.copytree(folder, content)
    state = folder.stat()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m,mode={state.st_mode & 0o7777:o}',
                           'tmpfs', folder], capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(content)
        pytest.skip(f'a tmpfs cannot be mounted here: {done.stderr.strip()}')
    try:
        os.chown(folder, state.st_uid, state.st_gid)
        run(['cp', '-a', f'{content}/.', folder])
        yield
    finally:
        run(['umount', '-l', folder])
        shutil.rmtree(content)


def fill(folder):
    path = folder / 'filler'
    with contextlib.suppress(OSError), open(path, 'wb', buffering=0) as file:
        while file.write(b'x' * 4096):
            pass
    with contextlib.suppress(OSError), open(path, 'ab', buffering=0) as file:
        while file.write(b'x'):
            pass
    return path


def test_full_disks_for_logs_and_uploads_fail_no_call_that_needs_none(make_node):
    node = make_node(LOG_LEVEL='DEBUG')
    node.allow('No space left')
    node.start()
    node.publish_fixtures()
    logs, spool = node.install / 'data/logs', node.install / 'data/resources'
    log = logs / 'dataflux-func.log'
    # Large enough for the log of the load: else it is the log that fills the disk, for good.
    with small_disk(logs, 1024 if LONG else 64), small_disk(spool, 1):
        node.service('reload', 'executor', 'nginx')
        wait_until(lambda: node.call('auln-ok').status == 200, 10, 'calls')
        with Load(node, callers=4) as load:
            fillers = [fill(logs), fill(spool)]
            time.sleep(2 * LOAD_S)
            size = log.stat().st_size
            big = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n' \
                + b'y' * 300_000 + b'\r\n--b--\r\n'
            answer = node.request('POST', '/api/v1/al/auln-uploaded/simplified', big, {
                'Content-Type': 'multipart/form-data; boundary=b'})
            assert answer.status >= 500, answer
            for filler in fillers:
                filler.unlink()
            load.after()
        settle(node)
        assert set(check(load)) == {'ok'}
        wait_until(lambda: log.stat().st_size > size, 5, 'the log to go on')
        node.stop('executor', 'nginx')


def test_a_clock_that_jumps_loses_no_job_and_stops_nothing(make_node):
    if not os.path.exists(FAKETIME):
        pytest.skip(f'{FAKETIME} is missing: package libfaketime')
    node = make_node(_WORKER_MAX_CONCURRENCY=6)
    node.allow('TaskExpired')
    clock = node.install / 'clock'
    clock.write_text('+0\n')
    preload = {'LD_PRELOAD': FAKETIME, 'FAKETIME_TIMESTAMP_FILE': str(clock),
               'FAKETIME_NO_CACHE': '1', 'FAKETIME_DONT_FAKE_MONOTONIC': '1',
               'DONT_FAKE_MONOTONIC': '1'}
    # nginx keeps no environment but what it is told to keep.
    conf = node.install / 'nginx/nginx.conf'
    conf.write_text(''.join(f'env {name};\n' for name in preload) + conf.read_text())
    # Not Redis: nothing of what it holds is judged by its clock but times to live.
    node.service('start', 'redis', 'mysql')
    node.ctl('db', 'migrate')
    os.environ.update(preload)
    try:
        node.service('start', 'executor', 'nginx')
    finally:
        for name in preload:
            del os.environ[name]
    node.publish_fixtures()
    for jump in ('+3600', '-3600', '+0'):
        # Replies to calls that wait during a jump ahead seem to be too late: their callers
        # are told to ask later, when their time is over.
        with Load(node, callers=4, seconds=0.02, options={'apiTimeout': 3}) as load:
            clock.write_text(jump + '\n')
            load.after()
        settle(node)
        words = check(load)
        print(f'clock {jump}: {dict(words)}')
        assert words['ok'] > 20 and set(words) <= {'ok', 'lost', 'timeout'}, words
    guesser_waits_a_minute(node, clock)


def guesser_waits_a_minute(node, clock):
    """Not until a clock that was put back is there again."""
    caller = http.client.HTTPConnection('127.0.0.1', node.port, timeout=10)

    def guess():
        caller.request('GET', '/api/v1/al/auln-auth-basic',
                       headers={'Authorization': 'Basic Ym9iOndyb25n'})
        answer = caller.getresponse()
        answer.read()
        return answer.headers['Retry-After']

    wait_until(guess, 20, 'the end of guessing')
    clock.write_text('-3600\n')
    assert 0 < int(guess()) <= 60
    caller.close()


def test_a_job_that_kills_its_worker_every_time_ends_and_others_go_on(make_node):
    node = make_node(_WORKER_MAX_CONCURRENCY=4)
    node.allow('signal 9')
    node.start()
    node.publish_fixtures()
    path = marks_folder(node) / 'poison'
    with Load(node, callers=4) as load:
        for number in range(3):
            answer = node.call('auln-poison', path=str(path), mark=f'p{number}')
            assert answer.json['error'] == 599.3, answer
            assert 'all of its 3 starts' in answer.json['detail']['einfoTEXT']
            assert answer.seconds < 8
        load.after()
    settle(node)
    assert set(check(load)) == {'ok'}
    begun, _ = read_marks(path)
    assert dict(begun) == {'p0': 3, 'p1': 3, 'p2': 3}
    check_ledger(node, lost=3)
    wait_until(lambda: len(node.python_workers()) >= 2 * 4, 10, 'the whole pool')
