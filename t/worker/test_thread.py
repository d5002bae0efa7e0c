"""DFF.THREAD: results, and that nothing of it outlives its call."""

import time

import pytest

import driver


def test_results_by_key_and_all(worker):
    reply = worker.run('def g(x, y=0): return x + y\ndef f():\n'
                       '    key = DFF.THREAD.start(g, [1], {"y": 2})\n'
                       '    DFF.THREAD.start(g, (5,), key="five")\n'
                       '    DFF.thread.start(int, key="bad", args=["x"])\n'
                       '    every = DFF.THREAD.get_result()\n'
                       '    return [DFF.THREAD.get_result(key=key), DFF.THREAD.get_result(key="five"),'
                       ' every[key], sorted(every), type(every["bad"]).__name__]')
    assert reply.value == [3, 5, 3, ['bad', 'five', 'thread-1'], 'ValueError']
    assert not reply.recycle


def test_an_exception_is_raised_where_the_result_is_asked_for(worker):
    reply = worker.run('def g(): raise KeyError("k")\ndef f():\n    DFF.THREAD.start(g, key=1)\n'
                       '    DFF.THREAD.get_result(key=1)')
    assert reply.etype == 'KeyError' and not reply.recycle


def test_without_waiting_a_running_one_has_no_result(worker):
    reply = worker.run('import threading\ndef f():\n    e = threading.Event()\n'
                       '    DFF.THREAD.start(e.wait, key=1)\n'
                       '    early = [DFF.THREAD.get_result(False, 1), DFF.THREAD.get_result(wait=False)]\n'
                       '    e.set()\n    return early + [DFF.THREAD.get_result(key=1)]')
    assert reply.value == [None, {}, True] and not reply.recycle


BAD = [('DFF.THREAD.start(5)', 'InvalidOptionException', 'fn must be callable'),
       ('DFF.THREAD.get_result(key="x")', 'NotFoundException', "no key 'x'"),
       ('[DFF.THREAD.start(int, key=1) for _ in range(2)]', 'DuplicationException', 'a key 1')]


@pytest.mark.parametrize('code,etype,says', BAD)
def test_misuse_is_told(worker, code, etype, says):
    reply = worker.run(f'def f(): {code}')
    assert reply.etype == etype and says in reply.einfo


def test_no_more_run_at_once_than_the_pool_has(worker):
    reply = worker.run('import time\nNOW = []\nMOST = []\ndef g():\n    NOW.append(1)\n'
                       '    MOST.append(len(NOW))\n    time.sleep(0.01)\n    NOW.pop()\n'
                       'def f():\n    for _ in range(30): DFF.THREAD.start(g)\n'
                       '    DFF.THREAD.get_result()\n    return max(MOST)')
    assert reply.value == 5


def test_a_call_is_over_when_its_threads_are(worker):
    reply = worker.run('import time\nDONE = []\ndef g():\n    time.sleep(0.2)\n    DONE.append(1)\n'
                       '    print("done")\ndef f():\n    for _ in range(7): DFF.THREAD.start(g)\n'
                       '    return DONE')
    assert reply.value == [1] * 7 and reply.log.count('done') == 7 and not reply.recycle
    assert worker.run('def f(): return DFF.THREAD.get_result()').value == {}


def test_a_failure_that_nobody_asked_for_is_in_the_log(worker):
    reply = worker.run('def g(): raise KeyError("unseen")\ndef f():\n'
                       '    DFF.THREAD.start(g, key="k")\n    return 1')
    assert reply.value == 1 and "'k' has failed" in reply.log and "KeyError: 'unseen'" in reply.log


def test_after_a_failure_a_running_thread_has_the_worker_replaced(own_worker):
    reply = own_worker.run('import time\ndef f():\n'
                           '    for _ in range(9): DFF.THREAD.start(time.sleep, [60])\n'
                           '    raise ValueError("v")')
    assert reply.etype == 'ValueError' and reply.recycle


def test_the_time_limit_ends_the_wait_for_threads(own_worker):
    own_worker.script('demo__it', 'import time\ndef f():\n'
                                  '    for _ in range(9): DFF.THREAD.start(time.sleep, [60])\n'
                                  '    try: import demo__none\n    except ImportError: return 1')
    own_worker.start('demo__it.f')
    assert own_worker.receive()[0] == driver.NEED_SCRIPT      # the threads run by now
    own_worker.answer('demo__none')
    deadline = time.monotonic() + 10
    reply = None
    while reply is None:
        assert time.monotonic() < deadline
        own_worker.soft_limit()
        try:
            reply = own_worker.result(0.1)
        except TimeoutError:
            pass
    assert reply.status == 'timeout' and reply.recycle
