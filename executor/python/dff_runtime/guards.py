"""What calls may change of the process, and how it is put back.

Each function of the table is replaced by a guard of _dff, which notes its flag and
calls it. After a call that has touched something, restore() is asked."""

import _locale
import _posixsubprocess
import _signal
import faulthandler
import gc
import locale
import os
import posix
import signal
import subprocess
import sys
import time

import _dff

FOLDER, UMASK, LOCALE, ENVIRONMENT, INTERPRETER, SIGNALS, PROCESSES = (1 << n for n in range(7))

TABLE = (
    (FOLDER, (os, posix), ('chdir', 'fchdir')),
    (UMASK, (os, posix), ('umask',)),
    (LOCALE, (_locale,), ('setlocale',)),
    (LOCALE, (locale,), ('_setlocale',)),
    (ENVIRONMENT, (os, posix), ('putenv', 'unsetenv')),
    (ENVIRONMENT, (time,), ('tzset',)),
    (INTERPRETER, (sys,), ('settrace', 'setprofile', 'setrecursionlimit', 'setswitchinterval')),
    (INTERPRETER, (gc,), ('disable', 'enable', 'set_threshold', 'set_debug')),
    (SIGNALS, (_signal,), ('signal', 'alarm', 'setitimer', 'set_wakeup_fd', 'siginterrupt',
                           'pthread_sigmask')),
    (SIGNALS, (signal,), ('alarm', 'setitimer', 'set_wakeup_fd', 'siginterrupt')),
    (SIGNALS, (faulthandler,), ('enable', 'disable', 'register', 'dump_traceback_later')),
    (PROCESSES, (os, posix), ('fork', 'forkpty', 'posix_spawn', 'posix_spawnp')),
    (PROCESSES, (_posixsubprocess,), ('fork_exec',)),
    (PROCESSES, (subprocess,), ('_fork_exec',)),
)


class _Original:
    """State and functions as they were before the guards."""

    def __init__(self):
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.set_umask = os.umask
        self.folder = os.getcwd()
        self.chdir = os.chdir
        self.locale = _locale.setlocale(_locale.LC_ALL, None)
        self.setlocale = _locale.setlocale
        self.environ = dict(os.environ)
        self.tzset = time.tzset
        self.settrace, self.setprofile = sys.settrace, sys.setprofile
        self.recursion_limit = sys.getrecursionlimit()
        self.setrecursionlimit = sys.setrecursionlimit
        self.interval = sys.getswitchinterval()
        self.setswitchinterval = sys.setswitchinterval
        self.gc_enable, self.gc_set_threshold = gc.enable, gc.set_threshold
        self.gc_threshold, self.gc_set_debug = gc.get_threshold(), gc.set_debug


_original = None


def install():
    global _original
    _original = _Original()
    for flag, modules, names in TABLE:
        for module in modules:
            for name in names:
                function = getattr(module, name, None)
                if function is not None:
                    setattr(module, name, _dff.guard(function, flag))
    # Sets of functions, by which the standard library asks what the system can.
    for supported in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks,
                      os.supports_effective_ids):
        if _original.chdir in supported:
            supported.add(os.chdir)


def _restore_environment():
    for name in os.environ.keys() - _original.environ.keys():
        del os.environ[name]
    for name, value in _original.environ.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    _original.tzset()


def _restore_interpreter():
    _original.settrace(None)
    _original.setprofile(None)
    _original.setrecursionlimit(_original.recursion_limit)
    _original.setswitchinterval(_original.interval)
    _original.gc_set_threshold(*_original.gc_threshold)
    _original.gc_set_debug(0)
    _original.gc_enable()


def _has_children():
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def restore(touched):
    """True when the worker is to be replaced: some things cannot be put back."""
    if touched & FOLDER:
        _original.chdir(_original.folder)
    if touched & UMASK:
        _original.set_umask(_original.umask)
    if touched & LOCALE:
        _original.setlocale(_locale.LC_ALL, _original.locale)
    if touched & ENVIRONMENT:
        _restore_environment()
    if touched & INTERPRETER:
        _restore_interpreter()
    return bool(touched & SIGNALS) or bool(touched & PROCESSES and _has_children())
