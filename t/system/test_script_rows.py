"""Every row of the tables about scripts, through HTTP: t/scripting.md names them."""

import json
import re
import time

import pytest

import script_node
from node import wait_until

CUSTOM = {'CUSTOM_TEXT': "'t'", 'CUSTOM_NUMBER': 5}


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node, **CUSTOM) as node:
        node.allow('t__')            # failures of functions are ERROR lines
        yield node


@pytest.fixture
def publish(own):
    """publish(code, id): publishes a script and makes a link auln-<function> for each of
    its exports."""
    def publish(code, script_id='t__rows', *links):
        own.ctl('script', 'publish', '-', '--id', script_id, stdin=code)
        for name in links:
            own.ctl('link', 'add', f'{script_id}.{name}', '--id', 'auln-' + name.replace('_', '-'),
                    '--update')
    return publish


def refused(own, code, *texts):
    done = own.ctl('script', 'publish', '-', '--id', 't__refused', stdin=code, check=False)
    assert done.returncode != 0
    for text in texts:
        assert text in done.stderr, done.stderr
    assert 't__refused' not in own.ctl('script', 'list').stdout


def func_row(own, script_id='t__rows'):
    return {row['name']: row for row in
            json.loads(own.redis('HGET', 'dff:scripts', script_id))['funcs']}


# --- names in every script ---------------------------------------------------------------

def test_names_of_a_call_through_a_link(own, publish):
    publish('import time\n@DFF.API("T", queue=3)\ndef names(**kwargs):\n'
            '    return {k: v for k, v in globals().items() if k.startswith("_DFF")'
            ' and k != "_DFF_HTTP_REQUEST"}', 't__rows', 'names')
    answer = own.call('auln-names')
    names = answer.json
    task = answer.headers['x-dff-task-id']
    for name in ('START', 'TRIGGER'):
        assert abs(time.time() - names.pop(f'_DFF_{name}_TIME')) < 20
        assert abs(time.time() * 1000 - names.pop(f'_DFF_{name}_TIME_MS')) < 20000
    assert names == {
        '_DFF_DEBUG': False, '_DFF_ROOT_TASK_ID': task, '_DFF_TASK_ID': task,
        '_DFF_SCRIPT_SET_ID': 't', '_DFF_SCRIPT_ID': 't__rows', '_DFF_FUNC_ID': 't__rows.names',
        '_DFF_FUNC_NAME': 'names', '_DFF_FUNC_CHAIN': ['t__rows.names'], '_DFF_ORIGIN': 'authLink',
        '_DFF_ORIGIN_ID': 'auln-names', '_DFF_EXEC_MODE': 'sync', '_DFF_CRONTAB': None,
        '_DFF_CRONTAB_DELAY': None, '_DFF_QUEUE': 3,
        '_DFF_TRACE_ID': answer.headers['x-trace-id']}


def test_the_http_request_of_a_call(own, publish):
    publish('@DFF.API("T")\ndef request(**kwargs):\n    r = _DFF_HTTP_REQUEST\n'
            '    return [dict(r), r["headers"]["X-OWN"], r["headers"].get("x-Own"),'
            ' "X-own" in r["headers"]]', 't__rows', 'request')
    answer = own.request('POST', '/api/v1/al/auln-request?a=1', json.dumps({'kwargs': {'x': 2}}),
                         {'Content-Type': 'application/json', 'X-Own': 'value'})
    request, *own_header = answer.json
    assert own_header == ['value', 'value', True]
    assert set(request) >= {'method', 'originalUrl', 'url', 'headers', 'query', 'body', 'hostname',
                            'ip', 'ips', 'xhr'}
    assert request['method'] == 'POST' and request['originalUrl'] == '/api/v1/al/auln-request?a=1'
    assert request['query'] == {'a': '1'} and request['body'] == {'kwargs': {'x': 2}}
    assert request['ip'] == '127.0.0.1' and request['xhr'] is False
    assert request['hostname'] == '127.0.0.1'


def test_globals_are_fresh_and_name_and_file_are_the_script(own, publish):
    publish('SEEN = []\n@DFF.API("T")\ndef fresh():\n    SEEN.append(1)\n'
            '    return [SEEN, __name__, __file__]', 't__rows', 'fresh')
    for _ in range(3):
        assert own.call('auln-fresh').json == [[1], 't__rows', 't__rows']


def test_printed_lines_are_in_the_log_of_the_call(own, publish):
    own.set(LOG_LEVEL='ALL')
    own.restart('executor')
    try:
        publish('@DFF.API("T")\ndef prints():\n    print("printed-a\\nprinted-b")\n'
                '    DFF.LOG("logged-c")', 't__rows', 'prints')
        wait_until(lambda: own.call('auln-prints').status == 200, 10, 'a call')
        wait_until(lambda: all(re.search(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] ' + word,
                                         own.log_text())
                               for word in ('printed-a', 'printed-b', 'logged-c')), 10, 'the lines')
    finally:
        own.set(LOG_LEVEL='INFO')
        own.restart('executor')
        wait_until(lambda: own.run('def f(): return 1').status == 200, 10, 'a call')


# --- imports -----------------------------------------------------------------------------

def test_scripts_import_each_other_in_all_forms(own, publish):
    publish('def f(): return "tools"', 't__tools')
    publish('def g(): return "other"', 'u__tools')
    publish('import t__tools, __tools as short, u__tools\nfrom __tools import f as f1\n'
            'from t__tools import f as f2\nfrom u__tools import g\n'
            '@DFF.API("T")\ndef imports():\n'
            '    return [t__tools.f(), short.f(), f1(), f2(), u__tools.g(), g(), __tools_is()]\n'
            'def __tools_is():\n    import __tools\n    return __tools is t__tools',
            't__rows', 'imports')
    assert own.call('auln-imports').json == ['tools'] * 4 + ['other'] * 2 + [True]


def test_packages_of_the_resource_folder_are_found(own):
    folder = own.install / 'data/resources/extra-python-packages'
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / 'extra_one.py').write_text('WORD = "extra"')
    (own.install / 'data/resources/plain_one.py').write_text('WORD = "plain"')
    for path in (folder / 'extra_one.py', own.install / 'data/resources/plain_one.py'):
        path.chmod(0o644)
    assert own.value('import extra_one, plain_one\ndef f():\n'
                     '    return [extra_one.WORD, plain_one.WORD]') == ['extra', 'plain']


# --- the decorator ------------------------------------------------------------------------

def test_title_category_tags_and_what_publishing_records(own, publish):
    publish("@DFF.API('Add', category='math', tags=['b', 'a'])\ndef plus(x, y=1, *, z=None):\n"
            "    '''\n    Adds.\n\n      More.\n    '''\n    return x + y\n"
            "@DFF.API(title='Second')\ndef second(): pass\ndef helper(): pass", 't__rows', 'plus')
    rows = func_row(own)
    assert rows['plus'] == {
        'name': 'plus', 'title': 'Add', 'description': 'Adds.\n\n  More.',
        'definition': 'plus(x, y=1, *, z=None)', 'args': ['x', 'y', 'z'],
        'kwargs': {'x': {}, 'y': {'default': 1}, 'z': {'default': None}}, 'extraConfig': {},
        'category': 'math', 'tags': ['a', 'b'], 'integration': None, 'defOrder': 0}
    assert (rows['second']['category'], rows['second']['defOrder']) == ('general', 1)
    assert set(rows) == {'plus', 'second'} and own.call('auln-plus', x=1).json == 2
    refused(own, '@DFF.API()\ndef f(): pass', 'title')
    refused(own, '@DFF.API(5)\ndef f(): pass', '"title" must be a str')
    refused(own, '@DFF.API("T", category=1)\ndef f(): pass', '"category" must be a str')
    refused(own, '@DFF.API("T", tags="a")\ndef f(): pass', '"tags" must be a list of str')
    refused(own, '@DFF.API("T", odd=1)\ndef f(): pass', 'unknown argument "odd"')


def test_timeout(own, publish):
    publish('import time\n@DFF.API("T", timeout=1)\ndef timeout():\n    time.sleep(20)',
            't__rows', 'timeout')
    answer = own.call('auln-timeout')
    assert answer.json['error'] == 599.31 and answer.seconds < 4
    for value in ('0', '3601', '"1"', 'True', '1.5'):
        refused(own, f'@DFF.API("T", timeout={value})\ndef f(): pass', '"timeout" must be an int')


def test_api_timeout(own, publish):
    publish('import time\n@DFF.API("T", api_timeout=1)\ndef api_timeout():\n    time.sleep(1.5)',
            't__rows', 'api_timeout')
    answer = own.call('auln-api-timeout')
    assert answer.json['reason'] == 'EAPITimeout' and 0.9 < answer.seconds < 3
    for value in ('0', '181', 'None or 0.5'):
        refused(own, f'@DFF.API("T", api_timeout={value})\ndef f(): pass', '"api_timeout" must be')


def test_cache_result(own, publish):
    publish('import uuid\n@DFF.API("T", cache_result=60)\ndef cached():\n    return uuid.uuid4().hex',
            't__rows', 'cached')
    first = own.call('auln-cached').text
    wait_until(lambda: own.call('auln-cached').headers.get('x-dataflux-func-cache') == 'Cached', 5)
    assert own.call('auln-cached').text == first
    for value in ('-1', '"1"', 'float("nan")'):
        refused(own, f'@DFF.API("T", cache_result={value})\ndef f(): pass', '"cache_result" must be')


def test_queue(own, publish):
    publish('@DFF.API("T", queue=5)\ndef queue(): return _DFF_QUEUE', 't__rows', 'queue')
    assert own.call('auln-queue').json == 5
    for value in ('10', '-1', '"nonesuch"'):
        refused(own, f'@DFF.API("T", queue={value})\ndef f(): pass', '"queue" must be an int')


def test_crontabs_are_recorded_and_checked(own, publish):
    publish('@DFF.API("T", fixed_crontab="*/5 * * * *", delayed_crontab=[20, 10])\ndef cron(): pass\n'
            '@DFF.API("T", delayed_crontab=5)\ndef delayed(): pass')
    rows = func_row(own)
    assert rows['cron']['extraConfig'] == {'fixedCrontab': '*/5 * * * *',
                                           'delayedCrontab': [10, 20]}
    assert rows['delayed']['extraConfig'] == {'delayedCrontab': [5]}
    for value in ('"* * * *"', '"60 * * * *"', '"* * * * * *"', '5'):
        refused(own, f'@DFF.API("T", fixed_crontab={value})\ndef f(): pass', '"fixed_crontab" must')
    for value in ('"5"', '-1', '[]', '[1, "x"]'):
        refused(own, f'@DFF.API("T", delayed_crontab={value})\ndef f(): pass', '"delayed_crontab"')


def test_integration(own, publish):
    publish('@DFF.API("T", integration="signIn")\ndef sign_in(username, password): return True\n'
            '@DFF.API("T", integration="autoRun", integration_config={"crontab": "0 * * * *",'
            ' "onLaunch": True, "onPublish": False})\ndef auto(): pass')
    rows = func_row(own)
    assert rows['sign_in']['integration'] == 'signIn'
    assert rows['auto']['extraConfig']['integrationConfig'] == {
        'crontab': '0 * * * *', 'onLaunch': True, 'onPublish': False}
    refused(own, '@DFF.API("T", integration="odd")\ndef f(): pass', '"integration" must be one of')
    refused(own, '@DFF.API("T", integration="signIn")\ndef f(): pass', 'username and password')
    refused(own, '@DFF.API("T", integration="autoRun", integration_config={"x": 1})\ndef f(): pass',
            '"integration_config" must be')


def test_is_hidden_and_retry_on_lost(own, publish):
    publish('@DFF.API("T", is_hidden=True, retry_on_lost=True)\ndef hidden(): return 1', 't__rows',
            'hidden')
    assert func_row(own)['hidden']['extraConfig'] == {'isHidden': True, 'retryOnLost': True}
    assert own.call('auln-hidden').json == 1
    refused(own, '@DFF.API("T", is_hidden=1)\ndef f(): pass', '"is_hidden" must be a bool')
    refused(own, '@DFF.API("T", retry_on_lost="x")\ndef f(): pass', '"retry_on_lost" must be a bool')


def test_retry_on_lost_runs_again_when_its_worker_dies(own, publish):
    publish('import os\n@DFF.API("T", retry_on_lost=True, timeout=20, api_timeout=30)\n'
            'def again(mark):\n    if DFF.CACHE.incr(mark) == 1: os._exit(3)\n    return "again"',
            't__rows', 'again')
    assert own.call('auln-again', mark=f'm{time.time()}').text == 'again'


def test_max_memory(own, publish):
    publish('@DFF.API("T", max_memory=50)\ndef memory(mb): return len(bytearray(mb << 20))',
            't__rows', 'memory')
    assert own.call('auln-memory', mb=10).json == 10 << 20
    answer = own.call('auln-memory', mb=200)
    assert answer.json['detail']['einfoTEXT'].endswith('MemoryError')
    refused(own, '@DFF.API("T", max_memory=0)\ndef f(): pass', '"max_memory" must be an int')


def test_a_refused_script_leaves_the_published_one(own, publish):
    publish('@DFF.API("T")\ndef stays(): return "old"', 't__stays', 'stays')
    done = own.ctl('script', 'publish', '-', '--id', 't__stays', check=False,
                   stdin='@DFF.API("T", timeout=0)\ndef stays(): return "new"')
    assert done.returncode != 0 and own.call('auln-stays').text == 'old'


# --- DFF ------------------------------------------------------------------------------------

def test_every_name_exists_in_lower_case(own):
    assert own.value('def f():\n    names = [n for n in dir(DFF) if n.isupper() and n[0] != "_"]\n'
                     '    return [names, [n for n in names\n'
                     '            if getattr(DFF, n) is not getattr(DFF, n.lower())]]') == [
        ['API', 'CACHE', 'CONFIG', 'CTX', 'ENV', 'EVAL', 'EXEC', 'FUNC', 'LOG', 'RESP',
         'RESP_FILE', 'RESP_LARGE_DATA', 'RSRC', 'SQL', 'SRC', 'STORE', 'THREAD'], []]


def test_log_eval_and_exec(own):
    assert own.value('def f():\n    names = {}\n    DFF.EXEC("y = 5", names)\n'
                     '    return [DFF.LOG({"a": 1}), DFF.EVAL("x + 1", {"x": 2}), names["y"]]'
                     ) == [None, 3, 5]


def test_env(own):
    for id, type, value in (('e_s', 'string', ' 1 '), ('e_i', 'integer', '7'),
                            ('e_f', 'float', '1.5'), ('e_b', 'boolean', 'yes'),
                            ('e_j', 'json', '{"a": [1]}'), ('e_c', 'commaArray', 'a, b')):
        own.ctl('env', 'set', id, value, '--type', type)
    time.sleep(1)
    assert own.value('def f(): return [DFF.ENV("e_" + c) for c in "sifbjc"]') == [
        ' 1 ', 7, 1.5, True, {'a': [1]}, ['a', 'b']]
    assert own.value('def f():\n    return [DFF.ENV.get("none"), DFF.ENV.get("none", 1),'
                     ' sorted(row["id"] for row in DFF.ENV.list())]') == [
        None, 1, ['e_b', 'e_c', 'e_f', 'e_i', 'e_j', 'e_s']]
    assert 'NotFoundException' in own.einfo('def f(): return DFF.ENV("none")')
    own.ctl('env', 'set', 'e_i', '8')
    changed = time.monotonic()
    wait_until(lambda: own.value('def f(): return DFF.ENV("e_i")') == 8, 5)
    assert time.monotonic() - changed < 1.5        # one second, and a call


def test_config(own):
    assert own.value('def f():\n    return [DFF.CONFIG("CUSTOM_TEXT"), DFF.CONFIG.get("CUSTOM_X", 1),'
                     ' DFF.CONFIG.dict(), DFF.CONFIG.list()]') == [
        't', 1, {'CUSTOM_NUMBER': 5, 'CUSTOM_TEXT': 't'},
        [{'key': 'CUSTOM_TEXT', 'value': 't'}, {'key': 'CUSTOM_NUMBER', 'value': 5}]]
    for key in ('SECRET', 'MYSQL_PASSWORD', 'LOG_LEVEL', 'custom_text'):
        assert 'AccessDenyException' in own.einfo(f'def f(): return DFF.CONFIG.get("{key}")')


def test_ctx(own, publish):
    publish('def put(): DFF.CTX.set("from", "lib")', 't__ctx')
    assert own.value('import t__ctx\ndef f():\n    t__ctx.put()\n    before = DFF.CTX.get_all()\n'
                     '    DFF.CTX.set("a", 1); DFF.CTX.delete("from")\n'
                     '    seen = [DFF.CTX.get("a"), DFF.CTX.get("b", 2), DFF.CTX.has("from")]\n'
                     '    DFF.CTX.clear()\n    return [before, seen, DFF.CTX.get_all()]') == [
        {'from': 'lib'}, [1, 2, False], {}]


def test_store(own, publish):
    publish('def get(): return DFF.STORE.get("k")', 't__store')
    value = {'a': [1, None, 'ä'], 'big': 10 ** 30}
    assert own.value('import t__store\ndef f(value):\n'
                     '    return [DFF.STORE.set("k", value), DFF.STORE.get("k"), t__store.get(),'
                     ' DFF.STORE.get("k", scope="t__run"), DFF.STORE.set("k", 1, not_exists=True)]',
                     {'value': value}) == [True, value, None, value, False]
    assert own.value('def f(): return DFF.STORE.get("k")') == value       # another call
    own.restart('executor')
    wait_until(lambda: own.run('def f(): return 1').status == 200, 10)
    assert own.value('def f(): return [DFF.STORE.get("k"), DFF.STORE.delete("k"),'
                     ' DFF.STORE.get("k")]') == [value, True, None]
    own.value('def f(): DFF.STORE.set("short", 1, expire=1)')
    wait_until(lambda: own.value('def f(): return DFF.STORE.get("short")') is None, 5)
    long = 'ä' * 256
    assert own.value('def f(k):\n    DFF.STORE.set(k, 1, k)\n    return DFF.STORE.get(k, k)',
                     {'k': long}) == 1
    for code in ('DFF.STORE.get("k" * 257)', 'DFF.STORE.get("k", "s" * 257)', 'DFF.STORE.get("")'):
        assert 'InvalidOptionException' in own.einfo(f'def f(): return {code}')


CACHE = [
    ('c.set("k", {"a": 1})', True), ('c.get("k")', {'a': 1}), ('c.get("none")', None),
    ('c.getset("k", "new")', {'a': 1}), ('c.get("k")', 'new'), ('c.get("k", scope="other")', None),
    ('c.set("k", 1, not_exists=True)', False), ('c.expire("k", 100)', True),
    ('c.delete("k")', True), ('c.get("k")', None), ('c.incr("n")', 1), ('c.incr("n", 5)', 6),
    ('c.get("n")', 6), ('c.hset("h", "f", [1])', True), ('c.hget("h", "f")', [1]),
    ('c.hmset("h", {"g": "x", "i": 1})', True), ('c.hget("h")', {'f': [1], 'g': 'x', 'i': 1}),
    ('sorted(c.hkeys("h"))', ['f', 'g', 'i']), ('c.hkeys("h", "g*")', ['g']),
    ('c.hincr("h", "i", 2)', 3), ('c.hdel("h", "i")', True), ('c.hget("h", "i")', None),
    ('c.lpush("l", 2)', 1), ('c.lpush("l", 1)', 2), ('c.rpush("l", {"x": 3})', 3),
    ('c.llen("l")', 3), ('c.lrange("l")', [1, 2, {'x': 3}]), ('c.lrange("l", 0, 0)', [1]),
    ('c.rpoplpush("l")', {'x': 3}), ('c.lpop("l")', {'x': 3}), ('c.rpop("l")', 2),
    ('c.rpoplpush("l", "m")', 1), ('c.lrange("m")', [1]), ('c.rpush("m", 2)', 2),
    ('c.ltrim("m", 1, 1)', True), ('c.lrange("m")', [2]), ('c.lpop("none")', None),
    ('c.set("e", 1, expire=0.2)', True),
]


def test_cache(own):
    code = 'def f():\n    c = DFF.CACHE\n    return [' + ', '.join(code for code, _ in CACHE) + ']'
    for (code, value), got in zip(CACHE, own.value(code)):
        assert got == value, code
    wait_until(lambda: own.value('def f(): return DFF.CACHE.get("e")') is None, 5)
    assert own.value('def f(): return DFF.CACHE.get("n")') == 6         # another call


def test_func(own, publish):
    publish('@DFF.API("T")\ndef done(mark, **kwargs):\n    DFF.CACHE.set(mark, {"kwargs": kwargs, "names": {\n'
            '        n: globals()[n] for n in globals() if n.startswith("_DFF_") and\n'
            '        n in ("_DFF_ROOT_TASK_ID", "_DFF_TASK_ID", "_DFF_FUNC_CHAIN", "_DFF_ORIGIN",\n'
            '              "_DFF_ORIGIN_ID", "_DFF_EXEC_MODE", "_DFF_QUEUE", "_DFF_TRACE_ID")}},\n'
            '        scope="rows")\n', 't__done')
    publish('@DFF.API("T", queue=2)\ndef starts(mark):\n'
            '    return [_DFF_TASK_ID, DFF.FUNC("t__done.done", {"mark": mark, "x": [1]})]',
            't__rows', 'starts')
    mark = f'f{time.time()}'
    answer = own.call('auln-starts', mark=mark)
    assert answer.status == 200, answer.json
    caller, started = answer.json
    seen = wait_until(lambda: own.value('def f(m): return DFF.CACHE.get(m, scope="rows")',
                                        {'m': mark}), 10, 'the started function')
    assert seen == {'kwargs': {'x': [1]}, 'names': {
        '_DFF_ROOT_TASK_ID': caller, '_DFF_TASK_ID': started, '_DFF_ORIGIN': 'authLink',
        '_DFF_FUNC_CHAIN': ['t__rows.starts', 't__done.done'], '_DFF_ORIGIN_ID': 'auln-starts',
        '_DFF_EXEC_MODE': 'async', '_DFF_QUEUE': 2, '_DFF_TRACE_ID': answer.headers['x-trace-id']}}
    assert 'NotFoundException' in own.einfo('def f(): DFF.FUNC("t__none.f")')
    assert 'NotFoundException' in own.einfo('def f(): DFF.FUNC("t__run._run")')     # not exported
    assert 'DuplicationException' in own.einfo('def f(): DFF.FUNC("t__run.run")')


def test_a_chain_of_functions_is_bounded(own, publish):
    publish(''.join(f'@DFF.API("T")\ndef c{n}(mark):\n    try: DFF.FUNC("t__chain.c{n + 1}", {{"mark": mark}})\n'
                    '    except DFF.FuncChainTooLongException as e: DFF.CACHE.set(mark, str(e), "rows")\n'
                    for n in range(7)), 't__chain')
    publish('@DFF.API("T")\ndef chain(mark): DFF.FUNC("t__chain.c0", {"mark": mark})', 't__rows',
            'chain')
    mark = f'c{time.time()}'
    answer = own.call('auln-chain', mark=mark)
    assert answer.status == 200, answer.json
    text = wait_until(lambda: own.value('def f(m): return DFF.CACHE.get(m, "rows")', {'m': mark}),
                      20, 'the end of the chain')
    assert text.endswith('at most 5 functions: ' + ' -> '.join(
        ['t__rows.chain', *(f't__chain.c{n}' for n in range(5))]))


def test_thread(own):
    assert own.value('def g(x): return x * 2\ndef f():\n    DFF.THREAD.start(g, [1], key="a")\n'
                     '    DFF.THREAD.start(g, kwargs={"x": 2}, key="b")\n'
                     '    return [DFF.THREAD.get_result(key="a"), DFF.THREAD.get_result(),'
                     ' DFF.THREAD.get_result(wait=False, key="b")]') == [2, {'a': 2, 'b': 4}, 4]


def test_rsrc(own):
    (own.install / 'data/resources/r.txt').write_text('text')
    (own.install / 'data/resources/r.txt').chmod(0o644)
    assert own.value('def f(): return open(DFF.RSRC("r.txt")).read()') == 'text'
    for path in ('../user-config.yaml', '/../../etc/passwd', 'a/../../x'):
        assert 'AccessDenyException' in own.einfo(f'def f(): return DFF.RSRC("{path}")')


def test_sql(own):
    assert own.value('def f(v): return DFF.SQL("SELECT ?? FROM t WHERE a = ? AND b IN (?)",'
                     ' ["c`d", v, [1, None]])', {'v': "x' OR '1'='1\\"}) == \
        "SELECT `c``d` FROM t WHERE a = 'x'' OR ''1''=''1\\\\' AND b IN (1, NULL)"


def test_resp(own):
    answer = own.run('def f(): return DFF.RESP("<p>ä", status_code=201, content_type="html",'
                     ' headers={"X-Own": "1"})')
    assert answer.status == 201 and answer.text == '<p>ä' and answer.headers['x-own'] == '1'
    assert answer.headers['content-type'] == 'text/html; charset=utf-8'
    for short, full in (('json', 'application/json'), ('text', 'text/plain'),
                        ('xml', 'application/xml'), ('image/x-own', 'image/x-own')):
        answer = own.run(f'def f(): return DFF.RESP("x", content_type="{short}")')
        assert answer.headers['content-type'].startswith(full)
    answer = own.run('def f(): return DFF.RESP(b"x", download="a.bin")')
    assert 'a.bin' in answer.headers['content-disposition']
    answer = own.run('def f(): return DFF.RESP("x", allow_304=True)')
    assert 'etag' in answer.headers
    assert 'status_code must be' in own.einfo('def f(): return DFF.RESP("x", status_code=99)')


def test_resp_file_and_large_data(own):
    assert own.value('import os\ndef f():\n    path = DFF.RSRC("made.txt")\n'
                     '    open(path, "w").write("content")\n    return 1') == 1
    answer = own.run('def f(): return DFF.RESP_FILE("made.txt", headers={"X-Own": "1"})')
    assert answer.text == 'content' and 'made.txt' in answer.headers['content-disposition']
    assert 'NotFoundException' in own.einfo('def f(): return DFF.RESP_FILE("none.txt")')
    assert 'AccessDenyException' in own.einfo('def f(): return DFF.RESP_FILE("../x")')
    answer = own.run('def f(): return DFF.RESP_FILE("made.txt", auto_delete=True)')
    assert answer.text == 'content'
    wait_until(lambda: not (own.install / 'data/resources/made.txt').exists(), 5)
    answer = own.run('def f(): return DFF.RESP_LARGE_DATA("x" * (20 << 20), content_type="text")')
    assert len(answer.body) == 20 << 20 and answer.headers['content-type'].startswith('text/plain')


# --- exceptions ------------------------------------------------------------------------------

@pytest.mark.parametrize('name', [
    'DataFluxFuncBaseException', 'NotFoundException', 'DuplicationException',
    'NotSupportException', 'InvalidOptionException', 'AccessDenyException',
    'FuncChainTooLongException'])
def test_exceptions_of_the_platform(own, name):
    error = own.error(f'def f(): raise DFF.{name}("why")')
    assert error['detail']['etype'] == name
    assert error['detail']['einfoTEXT'].endswith(f'DFF.{name}: why')
    assert own.value(f'def f(): return issubclass(DFF.{name}, DFF.DataFluxFuncBaseException)')


def test_the_time_limit_can_be_caught_by_its_name(own):
    assert own.value('import time\nfrom billiard.exceptions import SoftTimeLimitExceeded\ndef f():\n'
                     '    try: time.sleep(20)\n    except SoftTimeLimitExceeded as e:\n'
                     '        return [isinstance(e, Exception), str(e)]',
                     link='auln-run-for-a-second') == [True, 'SoftTimeLimitExceeded()']


def test_a_returned_exception_is_raised(own):
    assert own.error('def f(): return KeyError("k")')['detail']['einfoTEXT'] == "KeyError: 'k'"


def test_uploads_are_files(own, publish):
    publish('@DFF.API("T")\ndef upload(files, note=None):\n'
            '    return [note, [[sorted(x), open(x["filePath"], "rb").read().decode()]\n'
            '            if "filePath" in x else sorted(x) for x in files]]', 't__rows', 'upload')
    body = (b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
            b'--B\r\nContent-Disposition: form-data; name="x"; filename="a.txt"\r\n'
            b'Content-Type: text/plain\r\n\r\ncontent\r\n--B--\r\n')
    answer = own.request('POST', '/api/v1/al/auln-upload/simplified', body,
                         {'Content-Type': 'multipart/form-data; boundary=B'})
    assert answer.status == 200, answer
    note, files = answer.json
    assert note == 'hello' and len(files) == 1
