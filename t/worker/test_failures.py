"""Exceptions, deaths, and what is told about them."""

import pytest

import driver

# body -> etype, einfoTEXT
FAILURES = {
    "def f():\n    raise ValueError('x')": ('ValueError', "raise ValueError('x')\nValueError: x"),
    "def f():\n    1/0": ('ZeroDivisionError', '1/0\nZeroDivisionError: division by zero'),
    "def f():\n    return KeyError('k')": ('KeyError', "KeyError: 'k'"),
    "def f():\n    raise SystemExit(3)": ('SystemExit', 'raise SystemExit(3)\nSystemExit: 3'),
    "import sys\ndef f():\n    sys.exit()": ('SystemExit', 'sys.exit()\nSystemExit'),
    "def f():\n    raise KeyboardInterrupt": ('KeyboardInterrupt',
                                              'raise KeyboardInterrupt\nKeyboardInterrupt'),
    "class Odd(Exception): pass\ndef f():\n    raise Odd('中')": (
        'Odd', "raise Odd('中')\ndemo__it.Odd: 中"),
    "def f():\n    try:\n        1/0\n    except OSError: pass\n"
    "    except Exception as e:\n        raise OSError('y') from e":
        ('OSError', "raise OSError('y') from e\nOSError: y"),
    "def f(:\n    pass": ('SyntaxError', 'def f(:\nSyntaxError: invalid syntax'),
    "x = 1\n  y = 2": ('IndentationError', None),
    "raise RuntimeError('at load')\ndef f(): pass": (
        'RuntimeError', "raise RuntimeError('at load')\nRuntimeError: at load"),
    "def f(x): pass": ('TypeError', "TypeError: f() missing 1 required positional argument: 'x'"),
    "def g(): pass": ('NotFoundException',
                      'DFF.NotFoundException: script demo__it has no function "f"'),
    "f = 5": ('NotFoundException', 'DFF.NotFoundException: script demo__it has no function "f"'),
    "def f(): return f()": ('RecursionError', None),
    "def f(): return DFF.NOPE": ('AttributeError', None),
    "class E(Exception):\n    def __str__(self): raise ValueError\ndef f():\n    raise E": (
        'E', 'raise E\ndemo__it.E: <exception str() failed>'),
    "def f():\n    raise billiard_missing": ('NameError', None),
    "from billiard.exceptions import SoftTimeLimitExceeded as S\ndef f():\n    raise S()": (
        'SoftTimeLimitExceeded',
        'raise S()\nbilliard.exceptions.SoftTimeLimitExceeded: SoftTimeLimitExceeded()'),
    "import json\ndef f():\n    json.loads('{')": ('JSONDecodeError', None),
}


@pytest.mark.parametrize('body', FAILURES)
def test_an_exception_is_told_as_type_and_last_lines(worker, body):
    etype, einfo = FAILURES[body]
    reply = worker.run(body)
    assert reply.status == 'failure' and reply.etype == etype
    assert einfo is None or reply.einfo == einfo
    assert etype in reply.log
    assert worker.run('def f(): return 1').value == 1


def test_the_log_has_the_whole_traceback_with_script_lines(worker):
    reply = worker.run('def g():\n    raise ValueError("x")\n\ndef f():\n    g()\n')
    assert '  File "demo__it", line 5, in f\n    g()\n' in reply.log
    assert '  File "demo__it", line 2, in g\n    raise ValueError("x")\n' in reply.log
    assert reply.log.endswith('ValueError: x\n')


def test_the_traceback_shows_the_text_of_the_version_that_ran(worker):
    for word in 'one', 'two':
        reply = worker.run('import traceback\ndef f():\n    try:\n'
                           f'        raise ValueError("{word}")\n    except ValueError:\n'
                           '        return traceback.format_exc()\n')
        assert f'raise ValueError("{word}")' in reply.value


def test_a_missing_attribute_of_dff_says_what_there_is(worker):
    reply = worker.run('def f(): return DFF.NOPE')
    assert "DFF has no 'NOPE' in this version" in reply.einfo and 'LOG' in reply.einfo


def test_a_long_message_is_cut(worker):
    reply = worker.run('def f():\n    raise ValueError("x" * 10**7)')
    assert len(reply.body) < 20000 and reply.einfo.endswith('...')
    assert len(reply.log) < 300000


def test_a_script_that_is_not_published_fails(worker):
    reply = worker.call('demo__nowhere.f')
    assert reply.etype == 'NotFoundException'
    assert reply.einfo == 'DFF.NotFoundException: script demo__nowhere is not published'
    assert worker.asked[-1] == 'demo__nowhere'


def test_a_malformed_envelope_fails_the_job_alone(worker):
    worker.seq += 1
    worker.send(driver.JOB, b'DFF1 nonsense', seq=worker.seq)
    assert worker.result().status == 'failure'
    assert worker.run('def f(): return 1').value == 1


DEATHS = {
    'import os\ndef f(): os._exit(3)': lambda status: status == 3 << 8,
    'import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGKILL)': lambda status: status == 9,
    'import ctypes\ndef f(): ctypes.string_at(0)': lambda status: status & 0x7f != 0,
}


@pytest.mark.parametrize('body', DEATHS)
def test_a_worker_that_dies_is_told_by_its_socket_and_the_zygote(own_worker, body):
    own_worker.script('demo__it', body)
    own_worker.start('demo__it.f')
    assert own_worker.result() is None
    status, rss = own_worker.exit_status()
    assert DEATHS[body](status) and rss > 1000


@pytest.mark.skipif(driver.is_sanitized(), reason='the sanitizer ends the process instead')
def test_a_memory_limit_raises_memoryerror_and_ends_with_the_call(worker):
    body = 'def f(n):\n    return len(bytearray(n << 20))'
    assert worker.run(body, {'n': 200}, maxMemory=50).etype == 'MemoryError'
    assert worker.run(body, {'n': 20}, maxMemory=50).value == 20 << 20
    assert worker.run(body, {'n': 200}).value == 200 << 20


def test_a_worker_ends_when_its_socket_does(own_worker):
    own_worker.close()
    assert own_worker.exit_status()[0] == 0


def test_a_worker_ends_when_it_is_told_to(own_worker):
    own_worker.send(driver.EXIT)
    assert own_worker.receive() is None
    assert own_worker.exit_status()[0] == 0


def test_a_malformed_frame_ends_the_worker(own_worker):
    own_worker.sock.sendall(b'x' * 64)
    assert own_worker.receive() is None
    assert own_worker.exit_status()[0] == 1 << 8
