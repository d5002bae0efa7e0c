"""The soft time limit: raised in the call that it is meant for, and in no other."""

import time

import pytest

from driver import NEED_SCRIPT

LIMIT = {'etype': 'SoftTimeLimitExceeded',
         'einfoTEXT': 'raise SoftTimeLimitExceeded()\n'
                      'billiard.exceptions.SoftTimeLimitExceeded: SoftTimeLimitExceeded()'}

WAITS = {
    'sleep': 'import time\ndef f(): time.sleep(30)',
    'busy loop': 'def f():\n    while True: pass',
    'at load': 'import time\ntime.sleep(30)\ndef f(): pass',
    'lock': 'import threading\ndef f(): threading.Event().wait()',
    'pipe': 'import os\ndef f():\n    r, w = os.pipe()\n    os.read(r, 1)',
    'child': 'import subprocess\ndef f(): subprocess.run(["sleep", "30"])',
    'writing': 'class C:\n    def __repr__(self):\n        while True: pass\ndef f(): return [C()]',
}


def reach_limit(worker, body):
    worker.version = getattr(worker, 'version', 0) + 1
    worker.script('demo__it', body, worker.version)
    worker.start('demo__it.f')
    time.sleep(0.2)
    begun = time.monotonic()
    worker.soft_limit()
    reply = worker.result()
    assert time.monotonic() - begun < 2
    return reply


@pytest.mark.parametrize('name', WAITS)
def test_the_limit_ends_a_call_that_waits(own_worker, name):
    reply = reach_limit(own_worker, WAITS[name])
    assert reply.status == 'timeout' and reply.error == LIMIT
    assert 'SoftTimeLimitExceeded' in reply.log
    assert own_worker.run('def f(): return 1').value == 1


def test_a_function_may_catch_the_limit_and_return(worker):
    reply = reach_limit(worker, 'import time\n'
                        'from billiard.exceptions import SoftTimeLimitExceeded\n'
                        'def f():\n    try:\n        time.sleep(30)\n'
                        '    except SoftTimeLimitExceeded:\n        return "late"\n')
    assert reply.value == 'late'


def test_the_limit_is_an_exception(worker):
    reply = reach_limit(worker, 'import time\ndef f():\n    try:\n        time.sleep(30)\n'
                        '    except Exception as e:\n        return type(e).__name__\n')
    assert reply.value == 'SoftTimeLimitExceeded'


def test_another_exception_after_the_limit_is_a_failure(worker):
    reply = reach_limit(worker, 'import time\ndef f():\n    try:\n        time.sleep(30)\n'
                        '    except Exception as e:\n        raise KeyError(1)\n')
    assert (reply.status, reply.etype) == ('failure', 'KeyError')


def test_a_limit_for_another_run_is_ignored(worker):
    worker.version = getattr(worker, 'version', 0) + 1
    worker.script('demo__it', 'import time\ndef f():\n    time.sleep(0.4)\n    return 1',
                  worker.version)
    worker.start('demo__it.f')
    for seq in (worker.seq - 1, worker.seq + 1, 0):
        worker.soft_limit(seq)
    assert worker.result().value == 1


def test_limits_between_calls_hit_none(worker):
    worker.version = getattr(worker, 'version', 0) + 1
    worker.script('demo__it', 'def f():\n    return sum(range(20000))', worker.version)
    for _ in range(300):
        worker.soft_limit()                    # the call before
        worker.start('demo__it.f')
        worker.soft_limit(worker.seq - 1)      # late
        assert worker.result().value == sum(range(20000))


def test_limits_race_with_the_end_of_calls(worker):
    """Whatever the outcome of the call that is hit, the next is not hit."""
    worker.version = getattr(worker, 'version', 0) + 1
    worker.script('demo__it', 'def f(n):\n    return sum(range(n))', worker.version)
    outcomes = set()
    for i in range(400):
        worker.start('demo__it.f', {'n': i * 20})
        worker.soft_limit()
        outcomes.add(worker.result().status)
        assert worker.call('demo__it.f', {'n': 2000}).value == sum(range(2000))
    assert outcomes <= {'success', 'timeout'}


def test_a_limit_while_the_master_is_asked_for_a_script_is_raised_after(own_worker):
    own_worker.published['demo__slow'] = (1, 'x = 1')
    own_worker.script('demo__it', 'import demo__slow\ndef f(): return 1')
    own_worker.start('demo__it.f')
    kind, _, payload = own_worker.receive()
    assert kind == NEED_SCRIPT
    own_worker.soft_limit()
    time.sleep(0.1)
    own_worker.answer('demo__slow')
    assert own_worker.result().status == 'timeout'
    assert own_worker.call('demo__it.f').value == 1


def test_sequence_numbers_beyond_31_bits_work(own_worker):
    own_worker.seq = (5 << 31) + 7
    assert reach_limit(own_worker, WAITS['sleep']).status == 'timeout'
