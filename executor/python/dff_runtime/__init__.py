"""The Python side of a worker. Started once by the zygote: start(settings).

Everything here runs before the first fork or between a script and C; nothing of it
keeps state of a call except DFF.CTX, which the worker empties."""

import _thread
import builtins
import gc
import importlib
import json
import os
import sys
import types

import _dff
from billiard.exceptions import SoftTimeLimitExceeded

from . import check, ending, exceptions, failure, finder, guards, http_request, objects, options
from . import response, stream, system

# What many scripts import: loaded once, its memory shared by all workers.
WARM = (
    '_strptime', 'base64', 'calendar', 'collections.abc', 'concurrent.futures.thread',
    'contextlib', 'copy', 'csv', 'dataclasses', 'datetime', 'decimal', 'enum', 'functools',
    'hashlib', 'hmac', 'inspect', 'io', 'itertools', 'json', 'linecache', 'logging', 'math',
    'operator', 'pathlib', 'queue', 'random', 're', 'secrets', 'statistics', 'string', 'struct',
    'tempfile', 'textwrap', 'threading', 'time', 'traceback', 'typing', 'urllib.parse', 'uuid',
    'warnings', 'weakref', 'zoneinfo',
)


def _extend_path(resources):
    """Our folder is first already; extra packages come before the distribution's but
    after the standard library, which a stray package must not replace."""
    extra = os.path.join(resources, 'extra-python-packages')
    at = next((i for i, path in enumerate(sys.path)
               if path.endswith(('/dist-packages', '/site-packages'))), len(sys.path))
    sys.path.insert(at, extra)
    sys.path.append(resources)


def start(settings_text):
    settings = json.loads(settings_text)
    for name in WARM:
        importlib.import_module(name)
    _extend_path(settings['resourceRoot'])
    guards.install()

    ctx_values = {}
    names = objects.names(settings, ctx_values)
    checks = options.Options(settings)
    loader = finder.ScriptLoader()
    output = stream.LogStream()

    builtins.__import__ = _dff.import_
    sys.meta_path.append(loader)
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = output
    sys.stdin = sys.__stdin__ = stream.NoInput()
    dff = objects.make(names)
    _dff.seal(type(dff))
    for module in [module for name, module in sys.modules.items()
                   if name.startswith((__name__ + '.', 'billiard.'))]:
        guards.seal(module)
    guards.watch()
    module_names, module_items = guards.kept_modules()
    return types.SimpleNamespace(
        dff=dff,
        loader=loader,
        describe=failure.describe,
        report=failure.report,
        finish=ending.finish,
        run_task=system.System(settings, names['SRC']),
        new_check=lambda script_id: check.Check(names, checks, script_id),
        restore=guards.restore,
        ctx_values=ctx_values,
        response_type=response.Response,
        request_type=http_request.HttpRequest,
        soft_limit_class=SoftTimeLimitExceeded,
        not_found_class=exceptions.NotFoundException,
        scan_json=json.JSONDecoder().scan_once,
        collect=gc.collect,
        count_threads=_thread._count,
        stream=output,
        sys_names=vars(sys),
        sys_path=sys.path,
        sys_path_items=tuple(sys.path),
        module_names=module_names,
        module_items=module_items,
    )
