"""What a call does to its worker or its machine, and that the next one does not notice:
through HTTP, on a node whose next call meets the same worker."""

import json
import time

import pytest

import sanitized
import script_node
from node import wait_until


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node, _WORKER_MAX_RSS=600) as node:
        node.allow('t__run.', 'Segmentation fault')      # what these tests are about
        yield node


IMPORTS = '''
import atexit, builtins, collections, decimal, gc, io, json, locale, logging, math, os, random, re
import resource, signal, socket, subprocess, sys, threading, time, warnings
'''

# What must be the same for every call, whatever the one before it did.
PROBE = IMPORTS + r'''
def f():
    umask = os.umask(0o022)
    os.umask(umask)
    plain = {
        'cwd': os.getcwd(), 'umask': umask, 'environ': dict(os.environ), 'tz': time.tzname,
        'locale': locale.setlocale(locale.LC_ALL), 'path': sys.path, 'argv': sys.argv,
        'recursion': sys.getrecursionlimit(), 'switch': sys.getswitchinterval(),
        'trace': [sys.gettrace(), sys.getprofile(), threading.gettrace()],
        'gc': [gc.isenabled(), gc.get_threshold(), gc.get_debug()],
        'stdout': [type(sys.stdout).__name__, sys.stdout is sys.stderr],
        'stdin': sys.stdin.read(),
        'hooks': [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__,
                  threading.excepthook.__name__],
        'meta_path': [type(x).__name__ + getattr(x, '__name__', '') for x in sys.meta_path],
        'threads': threading.active_count(),
        'signals': [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())
                    if n != signal.SIGUSR1],
        'handler': callable(signal.getsignal(signal.SIGUSR1)),
        'mask': sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        'alarm': signal.getitimer(signal.ITIMER_REAL),
        'fds': {n: os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in (0, 1)},
        'stderr': os.fstat(2).st_ino != 0,
        'limits': [resource.getrlimit(n) for n in (resource.RLIMIT_AS, resource.RLIMIT_CPU,
                   resource.RLIMIT_NOFILE, resource.RLIMIT_STACK, resource.RLIMIT_CORE)],
        'nice': os.getpriority(os.PRIO_PROCESS, 0), 'cpus': len(os.sched_getaffinity(0)),
        'warnings': len(warnings.filters), 'precision': decimal.getcontext().prec,
        'logging': [logging.root.level, len(logging.root.handlers), logging.root.manager.disable],
        'group': os.getpgid(0) == os.getpid(),
        'builtins': [repr(open), repr(len), repr(print), len(vars(builtins)), repr(__import__)],
        'modules': [json.dumps({'a': 1}), json.loads('[1]'), repr(math.sqrt), os.path.join.__module__,
                    re.sub('a', 'b', 'aa'), str(socket.socket), time.time() > 1.6e9,
                    sys.modules['json'] is json, 'demo__fake' in sys.modules],
        'dff': [str(type(getattr(DFF, name))) for name in
                ('LOG ENV CONFIG CTX STORE CACHE FUNC THREAD RSRC SQL SRC RESP API log'.split())],
        'sql': DFF.SQL('?', ["it's"]), 'config': DFF.CONFIG.dict(), 'ctx': DFF.CTX.get_all(),
        'names': sorted(name for name in globals() if name.startswith('_DFF')),
    }
    return json.loads(json.dumps(plain, default=str))
'''


def probe(node):
    return node.value(PROBE)


@pytest.fixture(scope='module')
def baseline(own):
    wait_until(lambda: own.run(PROBE).status == 200, 10, 'a first call')
    first = probe(own)
    assert first == probe(own)
    return first


def next_call_is_right(node, baseline):
    for _ in range(2):
        now = probe(node)
        assert now == baseline, {key: (now.get(key), baseline.get(key)) for key in baseline
                                 if now.get(key) != baseline.get(key)}


# --- calls that end well ------------------------------------------------------------------

LEAVES = {
    'a thread': 'threading.Thread(target=time.sleep, args=(60,), daemon=True).start()',
    'a thread that is waited for at the exit':
        'threading.Thread(target=time.sleep, args=(60,)).start()',
    'a thread of the pool': 'DFF.THREAD.start(time.sleep, [0.2])',
    'a working directory': 'os.chdir("/tmp")',
    'a umask': 'os.umask(0)',
    'a locale': 'locale.setlocale(locale.LC_ALL, "C")',
    'the environment': 'os.environ.update(TZ="UTC", ODD="1"); time.tzset()',
    'no environment': 'os.environ.clear()',
    'another os.environ': 'os.environ = {}',
    'sys.path': 'sys.path.insert(0, "/odd")',
    'another sys.path': 'sys.path = []',
    'sys.argv': 'sys.argv.append("odd")',
    'sys.modules': 'sys.modules["json"] = None; sys.modules["demo__fake"] = sys',
    'no sys.modules': 'sys.modules.clear()',
    'sys.meta_path': 'sys.meta_path.clear()',
    'sys.stdout': 'sys.stdout = sys.stderr = io.StringIO()',
    'a closed sys.stdout': 'sys.stdout.close(); sys.__stdout__.close(); sys.stdin.close()',
    'sys.excepthook': 'sys.excepthook = sys.displayhook = threading.excepthook = print',
    'a signal handler': 'signal.signal(signal.SIGTERM, lambda *a: None)',
    'the handler of the time limit': 'signal.signal(signal.SIGUSR1, signal.SIG_IGN)',
    'a blocked signal': 'signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])',
    'an alarm': 'signal.setitimer(signal.ITIMER_REAL, 0.2)',
    'closed descriptors 0 to 10':
        '[os.close(n) for n in range(11) if os.path.exists(f"/proc/self/fd/{n}")]',
    'descriptors closed at once': 'os.closerange(0, 11)',
    'other files as descriptors':
        'n = os.open("/dev/zero", os.O_RDONLY); [os.dup2(n, i) for i in range(3)]',
    'a recursion limit': 'sys.setrecursionlimit(50)',
    'a trace function': 'sys.settrace(lambda *a: None); threading.settrace(print)',
    'no collector': 'gc.disable(); gc.set_threshold(1); gc.freeze()',
    'warning filters': 'warnings.simplefilter("error"); warnings.filterwarnings("ignore", "x")',
    'resource limits': 'resource.setrlimit(resource.RLIMIT_NOFILE, (32, 64))',
    'a priority': 'os.nice(5)',
    'processors': 'os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})',
    'a process group': 'os.setpgid(0, os.getppid()) if 0 else os.setpgrp()',
    'a session': 'subprocess.run(["true"]) and None',
    'a child process': 'subprocess.Popen(["sleep", "60"])',
    'a daemon': 'subprocess.Popen(["sleep", "60"], start_new_session=True)',
    'an exit hook': 'atexit.register(os._exit, 7); os.register_at_fork(before=lambda: 1/0)',
    'builtins': 'builtins.open = builtins.len = None; builtins.odd = 1',
    'functions of modules': 'json.dumps = json.loads = None; socket.socket = None',
    'functions of more modules':
        'os.path.join = time.time = math.sqrt = re.sub = random.random = None',
    'logging': 'logging.basicConfig(level=1); logging.disable(50)',
    'a precision': 'decimal.getcontext().prec = 3',
    'values of the call': 'DFF.CTX.set("odd", 1); global odd; odd = 1',
    'values of the configuration': 'DFF.CONFIG.dict()["CUSTOM_ODD"] = 1',
    'memory': 'global odd; odd = bytearray(200 << 20)',
    'memory of a module': 'sys.odd = bytearray(b"x" * (700 << 20))',
}


@pytest.mark.parametrize('what', LEAVES)
def test_the_next_call_is_right_after_one_that_leaves(own, baseline, what):
    assert own.value(f'{IMPORTS}\ndef f():\n    {LEAVES[what]}\n    return "done"') == 'done'
    next_call_is_right(own, baseline)


REFUSED = {
    'DFF.LOG = 1': 'AttributeError', 'del DFF.LOG': 'AttributeError', 'DFF.odd = 1': 'AttributeError',
    'type(DFF).LOG = 1': 'TypeError', 'type(DFF.ENV).get = 1': 'TypeError',
    'type(DFF.STORE).set = 1': 'TypeError', 'DFF.RESP.data = 1': 'TypeError',
    'type(DFF.THREAD).start = 1': 'TypeError', 'DFF.NotFoundException.odd = 1': 'TypeError',
    'type(DFF.SRC).odd = 1': 'TypeError', 'type(DFF.SQL).odd = 1': 'TypeError',
    'type(DFF.CONFIG).odd = 1': 'TypeError', 'type(DFF.CTX).odd = 1': 'TypeError',
    'type(sys.stdout).write = 1': 'TypeError',
}


@pytest.mark.parametrize('what', REFUSED)
def test_what_all_scripts_share_cannot_be_changed(own, baseline, what):
    error = own.error(f'{IMPORTS}\ndef f():\n    {what}')
    assert error['detail']['etype'] == REFUSED[what]
    next_call_is_right(own, baseline)


def test_a_seed_is_of_one_call_and_workers_do_not_share_one(own):
    body = IMPORTS + 'def f():\n    x = random.random()\n    random.seed(1)\n    return x'
    values = {own.value(body) for _ in range(4)}
    own.value(IMPORTS + 'def f():\n    signal.alarm(99)')         # a new worker each time
    values |= {own.value(body) for _ in range(2)}
    own.value(IMPORTS + 'def f():\n    signal.alarm(99)')
    values |= {own.value(body) for _ in range(2)}
    assert len(values) == 8


# --- calls that end badly -------------------------------------------------------------------

FAILS = {
    'os._exit(3)': 'exited with status 3',
    'os.abort()': 'SIGABRT',
    'os.kill(os.getpid(), signal.SIGKILL)': 'SIGKILL',
    'os.kill(os.getpid(), signal.SIGSEGV)': 'SIGSEGV',
    'import ctypes; ctypes.string_at(0)': 'SIGSEGV',
    'sys.exit()': 'SystemExit',
    'sys.exit("text")': 'SystemExit: text',
    'raise SystemExit(0)': 'SystemExit: 0',
    'exit(1)': 'SystemExit: 1',
    'raise KeyboardInterrupt': 'KeyboardInterrupt',
    'os.execv("/bin/true", ["true"])': 'exited with status 0',
    'f()': 'RecursionError: maximum recursion depth exceeded',
    'x = []\n    for _ in range(10**5): x = [x]\n    repr(x)': 'RecursionError',
    'sys.setrecursionlimit(10**6)\n    x = []\n    for _ in range(5 * 10**5): x = [x]\n    repr(x)':
        'SIGSEGV',
}


SEGFAULTS = ('import ctypes; ctypes.string_at(0)', 'sys.setrecursionlimit')


@pytest.mark.parametrize('code', [
    pytest.param(code, marks=sanitized.impossible('segfault') if code.startswith(SEGFAULTS) else ())
    for code in FAILS])
def test_the_error_is_clear_and_the_next_call_right_after(own, baseline, code):
    error = own.error(f'{IMPORTS}\ndef f():\n    {code}\n    return "survived"')
    assert error['error'] in (599.3, 599.30) and error['reason'] == 'EFuncFailed'
    assert FAILS[code] in json.dumps(error), error
    next_call_is_right(own, baseline)


def test_memory_without_end_is_a_memory_error(own, baseline):
    for code in ('x = []\n    while True: x.append(bytearray(1 << 20))',
                 'return "x" * (1 << 40)', 'x = [0]\n    while True: x += x',
                 'x = {}\n    while True: x[len(x)] = str(len(x))'):
        error = own.error(f'def f():\n    {code}', link='auln-run-in-64-mb')
        assert error['detail']['einfoTEXT'].endswith('MemoryError'), error
        next_call_is_right(own, baseline)


def test_a_fork_answers_once(own, baseline):
    for code in ('os.fork()\n    return "x"',
                 'pid = os.fork()\n    if pid == 0: time.sleep(60)\n    return "x"',
                 'pid = os.fork()\n    if pid == 0: raise ValueError\n    return "x"',
                 'pid = os.fork()\n    if pid: os.waitpid(pid, 0)\n    return "x"'):
        assert own.value(f'{IMPORTS}\ndef f():\n    {code}') == 'x'
        next_call_is_right(own, baseline)


def test_a_fork_bomb_is_bounded_and_costs_that_call_alone(own, baseline):
    bomb = f'{IMPORTS}\ndef f():\n    while True:\n        try:\n            os.fork()\n' \
           '        except OSError:\n            time.sleep(0.01)'
    begin = time.monotonic()
    answer = own.run(bomb, link='auln-run-for-a-second')
    assert answer.status == 599 and time.monotonic() - begin < 30
    next_call_is_right(own, baseline)
    wait_until(lambda: len(own.processes('executor')) < 30, 10, 'the end of the bomb')


BUSY = IMPORTS + '''
def f(count):
    read, write = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.close(write)
            os.read(read, 1)
            while True: pass
    os.close(write)
    return 1
'''


def test_busy_children_end_with_their_call(own, baseline):
    """They leave a worker on its way out no time of the processors: it is not asked to go."""
    own.value(BUSY, {'count': 300})
    begin = time.monotonic()
    next_call_is_right(own, baseline)
    wait_until(lambda: len(own.processes('executor')) < 30, 10, 'their end')
    assert time.monotonic() - begin < 2      # when a worker that was asked to go is killed


def test_nothing_that_a_call_has_started_outlives_its_worker(own, baseline):
    mark = '61.7'
    own.value(f'{IMPORTS}\ndef f():\n'
              f'    subprocess.Popen(["sleep", "{mark}"])\n'
              f'    subprocess.Popen(["sleep", "{mark}"], start_new_session=True)\n'
              f'    subprocess.run(["sh", "-c", "setsid sh -c \'setsid sleep {mark} &\' &"])\n'
              '    return 1')
    next_call_is_right(own, baseline)
    wait_until(lambda: own.value(
        'import os\ndef f(mark):\n    n = 0\n    for pid in filter(str.isdigit, os.listdir("/proc")):\n'
        '        try: n += mark.encode() in open(f"/proc/{pid}/cmdline", "rb").read()\n'
        '        except OSError: pass\n    return n', {'mark': mark}) == 0, 10, 'their end')


def test_killing_the_other_processes_of_the_user_heals(own, baseline):
    own.allow('zygote')
    answer = own.run(f'{IMPORTS}\ndef f():\n    os.kill(os.getppid(), signal.SIGKILL)\n'
                     '    time.sleep(0.2)\n    return "x"')
    assert answer.status in (200, 599)
    wait_until(lambda: own.run(PROBE).status == 200, 20, 'a call that works')
    next_call_is_right(own, baseline)
    refused = own.value(f'{IMPORTS}\ndef f(pids):\n    out = []\n    for pid in pids:\n'
                        '        try: os.kill(pid, signal.SIGTERM); out.append(pid)\n'
                        '        except PermissionError: pass\n    return out',
                        {'pids': [own.pid('executor'), own.pid('nginx'), own.pid('redis'), 1]})
    assert refused == []


# --- results and output -----------------------------------------------------------------------

def test_100_mb_of_output_are_cut(own, baseline):
    assert own.value('def f():\n    for _ in range(1000): print("x" * 100000)\n    return 1') == 1
    assert own.value('def f():\n    print("x" * (100 << 20))\n    return 1') == 1
    assert own.value('import os\ndef f():\n    for _ in range(100): os.write(1, b"x" * (1 << 20))\n'
                     '    return 1') == 1
    next_call_is_right(own, baseline)


PRINTS = ['print("\\udcff\\ud800")', 'sys.stdout.write("\\udcff")', 'os.write(1, b"\\xff\\xfe")',
          'sys.stderr.write("\\0\\x1b[31m")', 'DFF.LOG("\\ud800")', 'DFF.LOG(b"\\xff")',
          'sys.__stdout__.write("x")', 'print("x", flush=True, end="")']


@pytest.mark.parametrize('code', PRINTS)
def test_odd_output_is_no_failure(own, baseline, code):
    assert own.value(f'{IMPORTS}\ndef f():\n    {code}\n    return 1') == 1
    next_call_is_right(own, baseline)


def test_a_50_mb_object_is_answered_whole(own, baseline):
    value = own.value('def f(): return ["x" * 1000] * 50000')
    assert len(value) == 50000 and set(value) == {'x' * 1000}
    next_call_is_right(own, baseline)


RESULTS = {
    '(x for x in [1])': '"<generator object f.<locals>.<genexpr> at 0x',
    'float("nan")': 'null', '[float("inf"), -float("inf")]': '[null,null]',
    '10**400': '1' + '0' * 400, '{"a": 10**400}': '{"a":1' + '0' * 400 + '}',
    'object()': '"<object object at 0x', 'f': '"<function f at 0x',
    '{1, 2}': '"{1, 2}"', '[b"\\xff"]': '["b\'\\\\xff\'"]',
}


@pytest.mark.parametrize('code', RESULTS)
def test_odd_results_have_their_text(own, baseline, code):
    answer = own.run(f'def f(): return {code}')
    assert answer.status == 200 and answer.text.startswith(RESULTS[code]), answer
    next_call_is_right(own, baseline)


def test_a_lone_surrogate_is_answered_as_valid_utf_8(own, baseline):
    for code in ('"a\\ud800b"', '["a\\ud800b"]', '{"\\ud800": 1}'):
        answer = own.run(f'def f(): return {code}')
        assert answer.status == 200 and answer.body.decode('utf-8'), answer
        next_call_is_right(own, baseline)


UNWRITABLE = {
    'a = []; a.append(a); return a': 'result[0]: circular reference',
    'a = {"k": [1]}; a["k"].append(a); return a': 'result.k[1]: circular reference',
    'a = []\n    for _ in range(5000): a = [a]\n    return a': 'nested deeper than',
    'class C:\n        def __repr__(self): raise ValueError\n    return {"c": C()}': 'result.c: its repr',
    'class C:\n        def __repr__(self): return 5\n    return [C()]': 'result[0]: its repr',
    'return {"a": "x" * (61 << 20)}': 'larger than 62914560 bytes; DFF.RESP_LARGE_DATA takes more',
    'return "x" * (61 << 20)': 'larger than 62914560 bytes; DFF.RESP_LARGE_DATA takes more',
}


@pytest.mark.parametrize('code', UNWRITABLE)
def test_a_result_that_cannot_be_written_says_which_part(own, baseline, code):
    error = own.error(f'def f():\n    {code}')
    assert UNWRITABLE[code] in error['detail']['einfoTEXT'], error
    next_call_is_right(own, baseline)
