"""What a call does to its process is put back, or the worker is to be replaced."""

import os
import time

import pytest

import driver

# what a call does, how the next one looks at it, what it must see; is the worker recycled?
RESTORED = [
    ('os.chdir("/tmp")', 'os.getcwd()', '/', False),
    ('os.umask(0)', '[os.umask(0o022), os.umask(0o022)][0]', 0o007, False),
    ('locale.setlocale(locale.LC_ALL, "C")', 'locale.setlocale(locale.LC_CTYPE)', 'C.UTF-8', False),
    ('os.environ["ODD"] = "1"; os.environ["TZ"] = "UTC"; time.tzset()',
     '[os.environ.get("ODD"), os.environ["TZ"], time.tzname[0]]', [None, 'Asia/Shanghai', 'CST'],
     False),
    ('os.environ.clear()', '"PATH" in os.environ', True, False),
    ('sys.path.append("/odd")', '"/odd" in sys.path', False, False),
    ('sys.path = ["/odd"]', '"/odd" in sys.path or len(sys.path) < 3', False, False),
    ('sys.stdout = None; sys.stderr = io.StringIO()', 'sys.stdout is sys.stderr', True, False),
    ('del sys.stdout', 'sys.stdout is sys.stderr', True, False),
    ('sys.setrecursionlimit(50000)', 'sys.getrecursionlimit()', 1000, False),
    ('sys.set_int_max_str_digits(0)', 'sys.get_int_max_str_digits()', 4300, False),
    ('sys.addaudithook(lambda *a: None)', '1', 1, True),
    ('socket.setdefaulttimeout(2)', 'socket.getdefaulttimeout()', None, False),
    ('threading.stack_size(1 << 20)', 'threading.stack_size()', 0, False),
    ('sys.settrace(lambda *a: None)', 'sys.gettrace()', None, False),
    ('gc.disable()', 'gc.isenabled()', True, False),
    ('decimal.getcontext().prec = 3', 'decimal.getcontext().prec', 28, False),
    ('signal.signal(signal.SIGTERM, lambda *a: None)', '1', 1, True),
    ('signal.signal(signal.SIGUSR1, signal.SIG_IGN)', '1', 1, True),
    ('asyncio.run(asyncio.sleep(0))', '1', 1, False),
    ('signal.alarm(600)', '1', 1, True),
    ('threading.Thread(target=time.sleep, args=(60,), daemon=True).start()', '1', 1, True),
    ('threading.Thread(target=time.sleep, args=(60,)).start()', '1', 1, True),
    ('t = threading.Thread(target=int); t.start(); t.join()', '1', 1, False),
    ('subprocess.run(["true"])', '1', 1, False),
    ('G = subprocess.Popen(["sleep", "60"]); sys.odd = G', '1', 1, True),
    ('os.system("exit 3")', '1', 1, False),
]
IMPORTS = ('import asyncio, decimal, gc, io, locale, os, signal, socket, subprocess, sys, '
           'threading, time\n')


@pytest.mark.parametrize('does,looks,sees,recycled', RESTORED)
def test_a_call_leaves_nothing(own_worker, does, looks, sees, recycled):
    reply = own_worker.run(f'{IMPORTS}def f():\n    {does}\n    return 1')
    assert reply.value == 1
    assert reply.recycle is recycled
    reply = own_worker.run(f'{IMPORTS}def f():\n    return {looks}')
    assert reply.value == sees


def test_a_call_that_changes_the_signal_handler_is_isolated_by_recycling(own_worker):
    reply = own_worker.run('import signal\ndef f():\n'
                           '    signal.signal(signal.SIGUSR1, signal.SIG_DFL)')
    assert reply.recycle


def test_a_fork_of_the_script_does_not_answer(own_worker):
    reply = own_worker.run('import os\ndef f():\n    pid = os.fork()\n    if pid:\n'
                           '        os.waitpid(pid, 0)\n    return "parent" if pid else "child"')
    assert reply.value == 'parent'
    assert own_worker.run('def f(): return 1').value == 1


def test_what_a_worker_started_ends_with_it(own_worker):
    reply = own_worker.run('import subprocess, sys\ndef f():\n'
                           '    sys.odd = subprocess.Popen(["sleep", "600"])\n'
                           '    return sys.odd.pid')
    own_worker.close()
    assert own_worker.exit_status()[0] == 0
    deadline = time.monotonic() + 5
    while alive(reply.value):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):      # also while it is read
        return False


def test_a_worker_has_no_rights_and_no_descriptors(own_worker):
    reply = own_worker.run('import os\ndef f():\n    return [os.getuid(), os.getgroups(),'
                           ' sorted(map(int, os.listdir("/proc/self/fd"))),'
                           ' [os.readlink(f"/proc/self/fd/{n}") for n in (0, 1)],'
                           ' [l.split()[1] for l in open("/proc/self/status")'
                           ' if "NoNewPrivs" in l],'
                           ' sorted(os.environ)]')
    uid, groups, fds, standard, no_new_privs, environ = reply.value
    assert uid != 0 and 0 not in groups
    assert fds == [0, 1, 2, 3, 250, 251]      # 3 is the listing itself
    assert standard == ['/dev/null'] * 2
    assert no_new_privs == ['1']
    assert set(environ) <= {'PATH', 'LANG', 'TZ', 'LC_CTYPE', 'ASAN_OPTIONS'}


@pytest.mark.skipif(driver.is_sanitized(), reason='the sanitizer keeps freed memory')
def test_large_globals_are_freed_at_once(own_worker):
    body = 'BIG = bytearray(100 << 20)\nclass K:\n    def m(self): return BIG\ndef f(): return 1'
    simple = 'BIG = bytearray(100 << 20)\ndef g(): return BIG\ndef f(): return 1'
    rss = lambda: int(open(f'/proc/{own_worker.pid}/statm').read().split()[1]) * 4096 >> 20
    for text in (simple, body):
        for _ in range(3):
            assert own_worker.run(text).value == 1
            assert rss() < 90


def test_a_worker_is_due_after_its_tasks_and_above_its_memory():
    zygote = driver.Zygote(maxTasksPerChild=3, maxRssMB=200)
    try:
        worker = zygote.worker()
        recycled = [worker.run('def f(): return 1').recycle for _ in range(4)]
        assert recycled == [False, False, True, True]
        worker = zygote.worker()
        reply = worker.run('import sys\ndef f():\n    sys.odd = bytearray(b"x" * (300 << 20))')
        assert reply.status == 'success' and reply.recycle
    finally:
        assert zygote.end() == 0


def test_the_end_of_the_master_ends_every_worker():
    zygote = driver.Zygote()
    workers = [zygote.worker() for _ in range(3)]
    workers[0].script('demo__it', 'def f():\n    while True: pass')
    workers[0].start('demo__it.f')
    assert zygote.end() == 0
    deadline = time.monotonic() + 5
    while any(alive(worker.pid) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
@pytest.mark.parametrize('user,text', [('root', 'scripts never run as root'), ('', '_WORKER_USER'),
                                       ('no-such-user-x', 'no such user')])
def test_scripts_never_run_as_root(user, text):
    zygote = driver.Zygote(workerUser=user)
    assert zygote.receive() is None
    assert zygote.end() == 1 and text in zygote.stderr()


def test_bad_settings_are_told():
    zygote = driver.Zygote(pythonPath='/nonexistent')
    assert zygote.receive() is None
    assert zygote.end() == 1 and '/nonexistent' in zygote.stderr()
