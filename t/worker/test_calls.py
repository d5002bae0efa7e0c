"""What a script finds, what it may import, and what is left of it: nothing."""

import json

import pytest

from driver import DROP, JOB, envelope, text


def test_globals_are_fresh_for_each_call(worker):
    body = ('count = 0\ncache = []\ndef f():\n    global count\n    count += 1\n'
            '    cache.append(1)\n    globals()["odd"] = 1\n    return [count, len(cache)]')
    worker.script('demo__same', body)
    for _ in range(3):
        assert worker.call('demo__same.f').value == [1, 1]
    assert worker.run('def f(): return "odd" in globals()').value is False


def test_packages_stay_scripts_do_not(worker):
    worker.published['demo__tools'] = (1, 'def g(): return 1')
    assert worker.run('import demo__tools, wave\ndef f(): return 1').value == 1
    reply = worker.run('import sys\ndef f():\n    return [n in sys.modules for n in '
                       '("wave", "demo__tools", "demo__it")]')
    assert reply.value == [True, False, True]


def test_the_names_of_the_call(worker):
    names = ['_DFF_DEBUG', '_DFF_ROOT_TASK_ID', '_DFF_TASK_ID', '_DFF_SCRIPT_SET_ID',
             '_DFF_SCRIPT_ID', '_DFF_FUNC_ID', '_DFF_FUNC_NAME', '_DFF_FUNC_CHAIN', '_DFF_ORIGIN',
             '_DFF_ORIGIN_ID', '_DFF_EXEC_MODE', '_DFF_QUEUE', '_DFF_TRACE_ID', '_DFF_CRONTAB',
             '_DFF_CRONTAB_DELAY', '__name__', '__file__', '_DFF_HTTP_REQUEST']
    worker.script('demo__it', f'def f(): return [{", ".join(names)}]', 99)
    worker.version = 99
    reply = worker.call('demo__it.f', id='task-42', origin='authLink', originId='auln-x', queue=3,
                        trace='TRACE-1', mode='async')
    assert reply.head['id'] == 'task-42'
    assert dict(zip(names, reply.value)) == {
        '_DFF_DEBUG': False, '_DFF_ROOT_TASK_ID': 'task-42', '_DFF_TASK_ID': 'task-42',
        '_DFF_SCRIPT_SET_ID': 'demo', '_DFF_SCRIPT_ID': 'demo__it', '_DFF_FUNC_ID': 'demo__it.f',
        '_DFF_FUNC_NAME': 'f', '_DFF_FUNC_CHAIN': ['demo__it.f'], '_DFF_ORIGIN': 'authLink',
        '_DFF_ORIGIN_ID': 'auln-x', '_DFF_EXEC_MODE': 'async', '_DFF_QUEUE': 3,
        '_DFF_TRACE_ID': 'TRACE-1', '_DFF_CRONTAB': None, '_DFF_CRONTAB_DELAY': None,
        '__name__': 'demo__it', '__file__': 'demo__it', '_DFF_HTTP_REQUEST': None}


def test_names_follow_each_change_from_call_to_call(worker):
    body = 'def {0}(): return [_DFF_FUNC_ID, _DFF_FUNC_NAME, _DFF_SCRIPT_ID, _DFF_FUNC_CHAIN,' \
           ' _DFF_ORIGIN, _DFF_ORIGIN_ID, _DFF_EXEC_MODE, _DFF_QUEUE, _DFF_DEBUG]\n'
    worker.script('demo__it', body.format('f') + body.format('g'), 500)
    worker.script('other__it', body.format('f'), 500)
    worker.version = 500
    heads = [{}, {'origin': 'authLink', 'originId': 'auln-1'}, {'originId': 'auln-2'},
             {'queue': 2}, {'mode': 'async'}, {'origin': 'debug'}, {'originId': 'auln-22'}]
    for head in heads * 2:
        for func in 'demo__it.f', 'demo__it.f', 'demo__it.g', 'other__it.f':
            script, name = func.split('.')
            assert worker.call(func, **head).value == [
                func, name, script, [func], head.get('origin', 'direct'),
                head.get('originId', ''), head.get('mode', 'sync'), head.get('queue', 1),
                head.get('origin') == 'debug']


def test_the_names_of_a_triggered_call(worker):
    body = 'def f(): return [_DFF_CRONTAB, _DFF_CRONTAB_DELAY, _DFF_TRIGGER_TIME,' \
           ' _DFF_TRIGGER_TIME_MS, _DFF_EXEC_MODE, _DFF_ORIGIN, _DFF_ROOT_TASK_ID, _DFF_FUNC_CHAIN]'
    triggered = {'origin': 'crontab', 'mode': 'crontab', 'queuedAt': 1600000000123}
    assert worker.run(body, crontab='*/5 * * * mon-fri', crontabDelay=10,
                      triggeredAt=1600000000000, root='task-0', chain='demo__a.f,demo__b.g',
                      **triggered).value == [
        '*/5 * * * mon-fri', 10, 1600000000, 1600000000000, 'crontab', 'crontab', 'task-0',
        ['demo__a.f', 'demo__b.g', 'demo__it.f']]
    assert worker.run(body, crontab='0 0 1 1 *', **triggered).value == [
        '0 0 1 1 *', 0, 1600000000, 1600000000123, 'crontab', 'crontab', 'task-1', ['demo__it.f']]
    assert worker.run(body).value[:2] == [None, None]       # nothing of it is left


def test_the_times_of_the_call(worker):
    reply = worker.run('def f(): return [_DFF_START_TIME, _DFF_START_TIME_MS, _DFF_TRIGGER_TIME,'
                       ' _DFF_TRIGGER_TIME_MS]', queuedAt=1600000000123)
    start, start_ms, trigger, trigger_ms = reply.value
    assert start_ms == reply.head['startedAt'] and start == start_ms // 1000
    assert (trigger, trigger_ms) == (1600000000, 1600000000123)


REQUEST = {'method': 'POST', 'originalUrl': '/a?b=1', 'url': '/a',
           'headers': {'host': 'h', 'x-y': 'z'}, 'query': {'b': '1'}, 'body': {'c': [1]},
           'hostname': 'h', 'ip': '1.2.3.4', 'ips': [], 'xhr': False}

REQUEST_USES = {
    'R["method"]': 'POST',
    'R.get("url"), R.get("nope", 5), "ip" in R, "nope" in R': ['/a', 5, True, False],
    'R["headers"]["X-Y"], R["headers"].get("HOST"), "X-y" in R["headers"]': ['z', 'h', True],
    'R': REQUEST,
    'dict(R)': REQUEST,
    '{**R}': REQUEST,
    'json.loads(json.dumps(R))': REQUEST,
    'list(R)': list(REQUEST),
    'len(R), bool(R), sorted(R.keys()) == sorted(dict(R.items()))': [10, True, True],
    'R == dict(R), isinstance(R, dict)': [True, True],
    '[R.setdefault("new", 1), R["new"], len(R)]': [1, 1, 11],
    'copy.deepcopy(R) == R, copy.copy(R) == R': [True, True],
    'R | {"z": 1} == {**R, "z": 1}': True,
}


@pytest.mark.parametrize('use', REQUEST_USES)
def test_the_request_is_a_dict(worker, use):
    worker.version = getattr(worker, 'version', 0) + 1
    worker.script('demo__it', f'import copy, json\nR = _DFF_HTTP_REQUEST\ndef f(): return {use}',
                  worker.version)
    worker.seq += 1
    worker.send(JOB, envelope('demo__it.f', request=json.dumps(REQUEST).encode()), seq=worker.seq)
    assert worker.result().value == REQUEST_USES[use]


IMPORTS = {
    'import demo__tools\ndef f(): return demo__tools.g(1)': ['demo__tools', 1],
    'from demo__tools import g\ndef f(): return g(2)': ['demo__tools', 2],
    'import __tools\ndef f(): return __tools.g(3)': ['demo__tools', 3],
    'from __tools import g as h\ndef f(): return h(4)': ['demo__tools', 4],
    'def f():\n    from __tools import g\n    return g(5)': ['demo__tools', 5],
    'from demo__tools import *\ndef f(): return g(6)': ['demo__tools', 6],
    'import importlib\ndef f(): return importlib.import_module("demo__tools").g(7)':
        ['demo__tools', 7],
    'import other__far\ndef f(): return other__far.g()': ['other__near', 'other__far'],
    'import demo__a\ndef f(): return demo__a.g()': 'circular',
    'import demo__tools as x, __tools as y\ndef f(): return x is y': True,
    'def f(): return __import__("demo__tools").g(8)': ['demo__tools', 8],
}

PUBLISHED = {
    'demo__tools': 'def g(x): return [__name__, x]',
    'other__near': 'name = __name__',
    'other__far': 'from __near import name\ndef g(): return [name, __name__]',
    'demo__a': 'import demo__b\ndef g(): return demo__b.h()\ndef i(): return "circular"',
    'demo__b': 'import demo__a\ndef h(): return demo__a.i()',
    'demo__broken': 'x = 1/0',
}


@pytest.mark.parametrize('body', IMPORTS)
def test_scripts_import_each_other(own_worker, body):
    own_worker.published = {key: (1, code) for key, code in PUBLISHED.items()}
    for _ in range(2):
        reply = own_worker.run(body)
        assert reply.value == IMPORTS[body] and not reply.recycle
    assert len(own_worker.asked) == len(set(own_worker.asked)), 'asked once for each'


def test_an_imported_script_is_fresh_for_each_call(worker):
    worker.script('demo__state', 'seen = []\ndef add(x):\n    seen.append(x)\n    return len(seen)')
    worker.script('demo__user', 'import demo__state, __state\ndef f():\n    demo__state.add(1)\n'
                  '    return __state.add(2)')
    for _ in range(3):
        assert worker.call('demo__user.f').value == 2


BAD_IMPORTS = {
    'import demo__absent\ndef f(): pass': ('ModuleNotFoundError', "No module named 'demo__absent'"),
    'import __absent\ndef f(): pass':
        ('ModuleNotFoundError', 'no script demo__absent is published'),
    'from demo__tools import nothing\ndef f(): pass':
        ('ImportError', "cannot import name 'nothing'"),
    'import demo__broken\ndef f(): pass': ('ZeroDivisionError', 'x = 1/0'),
    'import importlib\ndef f(): importlib.import_module("demo__absent")':
        ('ModuleNotFoundError', "No module named 'demo__absent'"),
    'import no_such_package\ndef f(): pass': ('ModuleNotFoundError', 'no_such_package'),
}


@pytest.mark.parametrize('body', BAD_IMPORTS)
def test_a_bad_import_fails_as_python_has_it(own_worker, body):
    own_worker.published = {key: (1, code) for key, code in PUBLISHED.items()}
    etype, text = BAD_IMPORTS[body]
    reply = own_worker.run(body)
    assert reply.etype == etype and text in reply.einfo
    assert own_worker.run('from __future__ import annotations\ndef f(): return 1').value == 1


def test_a_newer_version_takes_over_and_an_older_is_refused(own_worker):
    own_worker.script('demo__it', 'def f(): return 1', 1)
    assert own_worker.call('demo__it.f').value == 1
    own_worker.script('demo__it', 'def f(): return 2', 2)
    assert own_worker.call('demo__it.f', scriptVersion=2).value == 2
    own_worker.published['demo__it'] = (3, 'def f(): return 3')
    assert own_worker.call('demo__it.f', scriptVersion=3).value == 3
    reply = own_worker.call('demo__it.f', scriptVersion=4)
    assert reply.etype == 'NotFoundException'
    assert 'version 4 is wanted, 3 is the newest' in reply.einfo


def test_dropped_scripts_are_asked_for_again(own_worker):
    own_worker.published['demo__it'] = (1, 'def f(): return 1')
    for dropped in ('demo__it', ''):
        assert own_worker.call('demo__it.f').value == 1
        own_worker.send(DROP, text(dropped))
    assert own_worker.call('demo__it.f').value == 1
    assert own_worker.asked == ['demo__it'] * 3


PRINTS = {
    'print("a")': ['a'],
    'print("a", "b", end="")': ['a b'],
    'print("a\\nb")': ['a', 'b'],
    'print()': [''],
    'print("中é\\ud800")': ['中é\\ud800'],
    'import sys; sys.stderr.write("e"); sys.stdout.write("o\\n")': ['eo'],
    'DFF.LOG("l"); DFF.log({"a": 1})': ['l', "{'a': 1}"],
    'print("a", end=""); DFF.LOG("l")': ['a', 'l'],
    'DFF.LOG("")': [''],
    'import contextlib, io\n    with contextlib.redirect_stdout(io.StringIO()): print("x")': [],
    'import logging; logging.warning("w")': ['WARNING:root:w'],
    'import sys; sys.stdout.close(); sys.stdout.flush(); print(sys.stdout.isatty())': ['False'],
}


@pytest.mark.parametrize('line', PRINTS)
def test_printed_lines_go_into_the_log(own_worker, line):
    reply = own_worker.run(f'def f():\n    {line}\n')
    assert reply.status == 'success'
    lines = reply.log.split('\n')
    assert lines.pop() == ''
    assert [each[26:] for each in lines] == PRINTS[line]
    assert all(each[0] == '[' and each[20] == '.' and each[24:26] == '] ' for each in lines)


def test_the_log_is_bounded(worker):
    reply = worker.run('def f():\n    for i in range(100000): print("中" * 20)\n'
                       '    raise ValueError("end")')
    assert 1 << 20 < len(reply.log.encode()) < (1 << 20) + 1000
    assert '(log cut: over 1048576 bytes)\n' in reply.log
    assert reply.log.endswith('ValueError: end\n')
    assert worker.run('def f(): pass').log == ''


OBJECTS = {
    'DFF.EVAL("1 + x", {"x": 2})': 3,
    '[DFF.EXEC("y = 5", (s := {})), s["y"]][1]': 5,
    'DFF.CONFIG("CUSTOM_NUMBER")': 7,
    'DFF.config.get("CUSTOM_NONE", 5)': 5,
    'DFF.CONFIG.dict()': {'CUSTOM_NUMBER': 7, 'CUSTOM_LIST': [1, 2]},
    'DFF.CONFIG.list()': [{'key': 'CUSTOM_NUMBER', 'value': 7},
                          {'key': 'CUSTOM_LIST', 'value': [1, 2]}],
    'DFF.CONFIG("CUSTOM_LIST").append(3) or DFF.CONFIG("CUSTOM_LIST")': [1, 2],
    '[DFF.CTX.has("a"), DFF.CTX.set("a", 1), DFF.ctx.get("a"), DFF.CTX.get_all(),'
    ' DFF.CTX.delete("a"), DFF.CTX.get("a", 2)]': [False, None, 1, {'a': 1}, None, 2],
    'DFF.CTX.set("left", 1)': None,
    'DFF.CTX.get_all()': {},
    'issubclass(DFF.NotFoundException, DFF.DataFluxFuncBaseException)': True,
    'DFF.notfoundexception is DFF.NotFoundException': True,
}


@pytest.mark.parametrize('expression', OBJECTS)
def test_dff_has(worker, expression):
    assert worker.run(f'def f(): return {expression}').value == OBJECTS[expression]


DENIED = {
    'DFF.CONFIG("MYSQL_PASSWORD")': 'AccessDenyException',
    'DFF.CONFIG.get("SECRET")': 'AccessDenyException',
    'DFF.CONFIG("CUSTOM_NONE")': 'NotFoundException',
    'DFF.RSRC("../x")': 'AccessDenyException',
    'DFF.RSRC("a/../../x")': 'AccessDenyException',
    'DFF.RSRC("link/passwd")': 'AccessDenyException',
    'setattr(DFF, "X", 1)': 'AttributeError',
    'setattr(DFF, "LOG", 1)': 'AttributeError',
}


@pytest.mark.parametrize('expression', DENIED)
def test_dff_denies(zygote, worker, expression):
    import os
    link = os.path.join(zygote.resources, 'link')
    if not os.path.islink(link):
        os.symlink('/etc', link)
    assert worker.run(f'def f(): return {expression}').etype == DENIED[expression]


def test_paths_of_resources(zygote, worker):
    root = zygote.resources
    reply = worker.run('def f(): return [DFF.RSRC(p) for p in ("a.txt", "/b/c", "", "x/../y")]')
    assert reply.value == [root + '/a.txt', root + '/b/c', root, root + '/y']


def test_the_path_has_the_folders_of_packages(zygote, worker):
    path = worker.run('import sys\ndef f(): return sys.path').value
    extra = zygote.resources + '/extra-python-packages'
    assert path[-1] == zygote.resources
    stdlib = next(i for i, p in enumerate(path) if p.endswith('lib-dynload'))
    packages = next(i for i, p in enumerate(path) if p.endswith('dist-packages'))
    assert stdlib < path.index(extra) < packages
    assert '' not in path and '/usr/lib/python3/dist-packages' in path
