"""DFF.THREAD: functions of a call in a pool of threads.

A call is over when what it has started here is: until then the function's time limit
counts. After a failure or the limit what has not begun never begins, and a worker with a
thread that still runs is replaced, so that it meets no other call.
"""

import concurrent.futures
import threading
import traceback

import _dff

from . import ending
from .exceptions import DuplicationException, InvalidOptionException, NotFoundException

_Executor = concurrent.futures.ThreadPoolExecutor
_wait = concurrent.futures.wait


class Pool:
    """The same object for all calls; between two of them it is empty."""

    def __init__(self, size):
        self._size = size
        self._reset()

    def _reset(self):
        self._executor = None
        self._lock = threading.Lock()
        self._tasks = {}          # key -> future
        self._unseen = set()      # keys whose result nobody has asked for
        self._count = 0

    def start(self, fn, args=None, kwargs=None, key=None):
        """The key under which the result is had, made if there is none given."""
        if not callable(fn):
            raise InvalidOptionException(f'DFF.THREAD: fn must be callable, got {fn!r:.100}')
        with self._lock:
            self._count += 1
            key = f'thread-{self._count}' if key is None else key
            if key in self._tasks:
                raise DuplicationException(f'DFF.THREAD: there is a key {key!r} already')
            if self._executor is None:
                self._executor = _Executor(self._size, 'dff')
                ending.register(self._end)
            self._tasks[key] = self._executor.submit(fn, *(args or ()), **(kwargs or {}))
            self._unseen.add(key)
        return key

    def get_result(self, wait=True, key=None):
        """With a key: what that function returned, or raises what it raised; None when it
        still runs and wait is false. Without: a dict of all that have ended, an exception
        as the value of one that raised."""
        if key is not None:
            if key not in self._tasks:
                raise NotFoundException(f'DFF.THREAD: there is no key {key!r}')
            future = self._tasks[key]
            if not wait and not future.done():
                return None
            self._unseen.discard(key)
            return future.result()
        if wait:
            _wait(list(self._tasks.values()))
        results = {}
        for each, future in list(self._tasks.items()):
            if future.done():
                self._unseen.discard(each)
                error = future.exception()
                results[each] = future.result() if error is None else error
        return results

    def _log_unseen(self):
        for key in sorted(self._unseen, key=str):
            future = self._tasks[key]
            error = future.exception() if future.done() and not future.cancelled() else None
            if error is not None:
                _dff.log(f'DFF.THREAD: {key!r} has failed, and nobody has asked for its result:\n'
                         + ''.join(traceback.format_exception(error)).rstrip('\n'))

    def _end(self, in_order):
        executor = self._executor
        try:
            if in_order:
                _wait(list(self._tasks.values()))
                self._log_unseen()
        finally:
            # Threads that are idle end at once, and are waited for then: one that is
            # still there would have the worker replaced.
            idle = all(future.done() for future in self._tasks.values())
            executor.shutdown(wait=idle, cancel_futures=True)
            self._reset()
