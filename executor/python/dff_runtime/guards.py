"""What calls may change of the process, and how it is put back.

Each function of TABLE is replaced by a guard of _dff, which notes its flag and calls it.
WATCHED are dicts and lists of which _dff sees whether they have changed. After a call
that has touched something, restore() is asked. What it cannot put back has the worker
replaced, which is forked again in a few milliseconds."""

import _locale
import _posixsubprocess
import _signal
import _socket
import _thread
import builtins
import datetime
import faulthandler
import functools
import gc
import io
import json
import locale
import logging
import math
import os
import posix
import random
import re
import resource
import signal
import socket
import string
import struct
import subprocess
import sys
import threading
import time
import types
import warnings

import _dff

(FOLDER, UMASK, LOCALE, ENVIRONMENT, INTERPRETER, PROCESSES, DESCRIPTORS, RANDOM, SYS, WARNINGS,
 LOGGING, TIME, LASTING) = (1 << n for n in range(13))      # LASTING: cannot be put back

TABLE = (
    (FOLDER, (os, posix), ('chdir', 'fchdir')),
    (UMASK, (os, posix), ('umask',)),
    (LOCALE, (_locale,), ('setlocale',)),
    (LOCALE, (locale,), ('_setlocale',)),
    (ENVIRONMENT, (os, posix), ('putenv', 'unsetenv')),
    (ENVIRONMENT, (time,), ('tzset',)),
    (INTERPRETER, (sys,), ('settrace', 'setprofile', 'setrecursionlimit', 'setswitchinterval',
                           'set_int_max_str_digits')),
    (INTERPRETER, (_socket, socket), ('setdefaulttimeout',)),
    (INTERPRETER, (_thread, threading), ('stack_size',)),
    (INTERPRETER, (gc,), ('disable', 'enable', 'set_threshold', 'set_debug')),
    (LASTING, (_signal,), ('signal', 'alarm', 'setitimer', 'set_wakeup_fd', 'siginterrupt',
                           'pthread_sigmask')),
    (LASTING, (signal,), ('alarm', 'setitimer', 'set_wakeup_fd', 'siginterrupt')),
    (LASTING, (os, posix), ('nice', 'setpriority', 'sched_setaffinity', 'sched_setscheduler',
                            'sched_setparam', 'setpgid', 'setpgrp', 'setsid',
                            'register_at_fork')),
    (LASTING, (resource,), ('setrlimit', 'prlimit')),
    (LASTING, (gc,), ('freeze', 'unfreeze')),
    (LASTING, (sys,), ('addaudithook',)),
    (LASTING, (faulthandler,), ('enable', 'disable', 'register', 'dump_traceback_later')),
    (PROCESSES, (os, posix), ('fork', 'forkpty', 'posix_spawn', 'posix_spawnp')),
    (PROCESSES, (_posixsubprocess,), ('fork_exec',)),
    (PROCESSES, (subprocess,), ('_fork_exec',)),
    (DESCRIPTORS, (os, posix), ('close', 'closerange', 'dup2')),
    (RANDOM, (random,), ('seed', 'setstate')),
    (WARNINGS, (warnings,), ('_filters_mutated',)),
)

# Modules that nearly every script uses: their names are as they were, or the worker goes.
KEPT = (builtins, datetime, functools, io, json, math, os, os.path, posix, random, re, signal,
        socket, string, struct, threading, time)


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
        self.max_str_digits = sys.get_int_max_str_digits()
        self.set_max_str_digits = sys.set_int_max_str_digits
        self.setdefaulttimeout, self.stack_size = socket.setdefaulttimeout, threading.stack_size
        self.gc_enable, self.gc_set_threshold = gc.enable, gc.set_threshold
        self.gc_threshold, self.gc_set_debug = gc.get_threshold(), gc.set_debug
        self.dup2, self.close, self.open, self.stat = os.dup2, os.close, os.open, os.fstat
        self.readlink = os.readlink
        self.seed = random.seed


class _Modules:
    """What the watched modules had when the first worker was forked."""

    def __init__(self):
        self.sys = dict(vars(sys))
        self.meta_path, self.path_hooks = list(sys.meta_path), list(sys.path_hooks)
        self.argv = list(sys.argv)
        self.time = {name: value for name, value in vars(time).items()
                     if name not in ('tzname', 'timezone', 'altzone', 'daylight')}
        self.warnings = dict(vars(warnings))
        self.filters = list(warnings.filters)
        self.filters_mutated = warnings._filters_mutated
        root = logging.root
        self.root, self.manager = dict(vars(root)), dict(vars(root.manager))
        self.handlers, self.log_filters = list(root.handlers), list(root.filters)


_original = None
_modules = None


def seal(module):
    """The classes of a module of ours are as all scripts find them."""
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ in (module.__name__, 'DFF'):
            _dff.seal(value)


def watch():
    """The last of what is done before the first fork."""
    global _modules
    _modules = _Modules()
    root = logging.root
    for flag, watched in (
            *((LASTING, vars(module)) for module in KEPT if module is not time),
            (TIME, vars(time)),
            (SYS, vars(sys)), (SYS, sys.meta_path), (SYS, sys.path_hooks), (SYS, sys.argv),
            (WARNINGS, vars(warnings)), (WARNINGS, warnings.filters),
            (LOGGING, vars(root)), (LOGGING, vars(root.manager)), (LOGGING, root.handlers),
            (LOGGING, root.filters)):
        _dff.watch(watched, flag)


def kept_modules():
    """(names, modules): what must be under which name in sys.modules."""
    kept = {module.__name__: module for module in (*KEPT, sys, types)}
    # The very strings that are keys there: they are found without being compared.
    names = tuple(name for name in sys.modules if name in kept)
    return names, tuple(kept[name] for name in names)


def install():
    global _original
    _original = _Original()
    # The same, but another object: in the place of that one asyncio.run puts a handler of its
    # own while it runs, and a worker whose handlers were touched is replaced.
    signal.signal(signal.SIGINT, functools.partial(signal.default_int_handler))
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
    _original.set_max_str_digits(_original.max_str_digits)
    _original.setdefaulttimeout(None)
    _original.stack_size(0)
    _original.gc_set_threshold(*_original.gc_threshold)
    _original.gc_set_debug(0)
    _original.gc_enable()


def _has_children():
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _restore_descriptors():
    """0 and 1 are /dev/null, 2 is where the executor's errors go."""
    null = None
    for number in (0, 1):
        try:
            is_null = _original.readlink(f'/proc/self/fd/{number}') == os.devnull
        except OSError:
            is_null = False
        if not is_null:
            null = _original.open(os.devnull, os.O_RDWR) if null is None else null
            _original.dup2(null, number, inheritable=True)
    if null is not None and null > 2:
        _original.close(null)
    _original.dup2(_dff.STDERR, 2, inheritable=True)


def _restore_names(names, before):
    for name, value in before.items():
        if names.get(name, names) is not value:
            names[name] = value


def _restore_list(items, before):
    """What was there is there again, in front; packages may have added to it."""
    if items[:len(before)] != before:
        items[:] = before + [item for item in items if item not in before]


def _restore_sys():
    _restore_names(vars(sys), _modules.sys)
    _restore_list(sys.meta_path, _modules.meta_path)
    _restore_list(sys.path_hooks, _modules.path_hooks)
    sys.argv[:] = _modules.argv


def _restore_warnings():
    _restore_names(vars(warnings), {
        name: value for name, value in _modules.warnings.items() if name != '_filters_version'})
    if warnings.filters != _modules.filters:
        warnings.filters[:] = _modules.filters
        _modules.filters_mutated()


def _restore_logging():
    """The root of all loggers; those of packages are theirs."""
    root = logging.root
    _restore_names(vars(root), {
        name: value for name, value in _modules.root.items() if name != '_cache'})
    _restore_names(vars(root.manager), _modules.manager)
    root.handlers[:] = _modules.handlers
    root.filters[:] = _modules.log_filters
    root.manager._clear_cache()


# In this order; what is not here and not PROCESSES is LASTING.
RESTORE = {
    FOLDER: lambda: _original.chdir(_original.folder),
    UMASK: lambda: _original.set_umask(_original.umask),
    LOCALE: lambda: _original.setlocale(_locale.LC_ALL, _original.locale),
    ENVIRONMENT: _restore_environment,
    INTERPRETER: _restore_interpreter,
    DESCRIPTORS: _restore_descriptors,
    RANDOM: lambda: _original.seed(),
    SYS: _restore_sys,
    TIME: lambda: _restore_names(vars(time), _modules.time),
    WARNINGS: _restore_warnings,
    LOGGING: _restore_logging,
}


def restore(touched):
    """True when the worker is to be replaced: some things cannot be put back."""
    if touched & LASTING or touched & PROCESSES and _has_children():
        return True
    for flag, put_back in RESTORE.items():
        if touched & flag:
            put_back()
    return False
