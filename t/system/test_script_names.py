"""The names that a call finds, by what has started it; drafts, tracebacks, what stays in a
worker: through HTTP."""

import re
import time

import pytest

import script_node
from api import administrator, bad, good
from node import wait_until

# Its functions leave the names that they saw in the cache.
KEEPS_NAMES = '''
@DFF.API('T'{options})
def {name}(mark, **kwargs):
    DFF.CACHE.rpush(mark, {{k: v for k, v in globals().items() if k.startswith('_DFF')
                           and k != '_DFF_HTTP_REQUEST'}}, scope='names')
    return True
'''


@pytest.fixture(scope='module')
def own(test_folder, session_node):
    with script_node.running(test_folder, session_node) as node:
        node.allow('t__', 'd__')            # failures of functions are ERROR lines
        yield node


@pytest.fixture(scope='module')
def admin(own):
    return administrator(own)


def publish(own, script_id, code):
    own.ctl('script', 'publish', '-', '--id', script_id, stdin=code)


def draft(admin, func_id):
    return good(admin.post(f'/api/v1/func-draft/{func_id}', {}))['data']['result']


def seen_names(own, mark, count=1):
    """What that many calls have seen, oldest first."""
    def enough():
        names = own.value('def f(m): return DFF.CACHE.lrange(m, scope="names")', {'m': mark})
        return names if len(names) == count else None
    return wait_until(enough, 20, f'{count} calls with mark {mark}')


# --- what has started the call -----------------------------------------------------------


@pytest.mark.parametrize('name,options,crontab,delays', [
    ('plain', '', '0 0 1 1 *', [0]),
    ('fixed', ', fixed_crontab="*/5 * * * *", delayed_crontab=[0, 2]', '*/5 * * * *', [0, 2])])
def test_names_of_a_crontab_config_that_is_run(own, admin, name, options, crontab, delays):
    publish(own, 't__cron', KEEPS_NAMES.format(options=options, name=name))
    mark = f'{name}{time.time()}'
    config = admin.add('crontab-configs', funcId=f't__cron.{name}', crontab='0 0 1 1 *',
                       funcCallKwargsJSON={'mark': mark})
    before_ms = int(time.time() * 1000)
    answer = admin.get(f'/api/v1/cron/{config}')
    after_ms = int(time.time() * 1000)
    assert good(answer)['data'] is None
    for names, delay in zip(seen_names(own, mark, len(delays)), delays):
        task, trigger_ms = names['_DFF_TASK_ID'], names.pop('_DFF_TRIGGER_TIME_MS')
        start_ms = names.pop('_DFF_START_TIME_MS')
        assert before_ms <= trigger_ms <= after_ms
        assert names.pop('_DFF_TRIGGER_TIME') == trigger_ms // 1000
        assert names.pop('_DFF_START_TIME') == start_ms // 1000
        assert start_ms >= trigger_ms + delay * 1000
        assert names == {
            '_DFF_DEBUG': False, '_DFF_ROOT_TASK_ID': task, '_DFF_TASK_ID': task,
            '_DFF_SCRIPT_SET_ID': 't', '_DFF_SCRIPT_ID': 't__cron', '_DFF_FUNC_NAME': name,
            '_DFF_FUNC_ID': f't__cron.{name}', '_DFF_FUNC_CHAIN': [f't__cron.{name}'],
            '_DFF_ORIGIN': 'crontab', '_DFF_ORIGIN_ID': config, '_DFF_EXEC_MODE': 'crontab',
            '_DFF_CRONTAB': crontab, '_DFF_CRONTAB_DELAY': delay, '_DFF_QUEUE': 8,
            '_DFF_TRACE_ID': answer.headers['x-trace-id']}
    # the next call of that worker, which has queue 9, too, finds none of it
    mark += '-next'
    own.ctl('batch', 'add', f't__cron.{name}', '--id', f'bat-{name}')
    assert own.post(f'/api/v1/bat/bat-{name}', {'kwargs': {'mark': mark}}).status == 200
    [names] = seen_names(own, mark)
    assert (names['_DFF_CRONTAB'], names['_DFF_CRONTAB_DELAY']) == (None, None)


def test_origins_of_calls(own, admin):
    publish(own, 't__origin', KEEPS_NAMES.format(options='', name='f'))
    own.ctl('batch', 'add', 't__origin.f', '--id', 'bat-origin')
    path = '/api/v1/func/t__origin.f'
    for mark, call, expected in (
            ('o-batch', lambda body: own.post('/api/v1/bat/bat-origin', body),
             ['batch', 'bat-origin', 'async', 9]),
            ('o-direct', lambda body: admin.post(path, body), ['direct', '', 'sync', 1]),
            ('o-async', lambda body: admin.post(path, {**body, 'options': {'execMode': 'async'}}),
             ['direct', '', 'async', 9])):
        answer = call({'kwargs': {'mark': mark}})
        assert answer.status == 200, answer
        [names] = seen_names(own, mark)
        assert [names[f'_DFF_{name}'] for name in ('ORIGIN', 'ORIGIN_ID', 'EXEC_MODE', 'QUEUE')
                ] == expected


def test_the_origin_of_a_function_that_guards_a_link(own, admin):
    publish(own, 't__guard', KEEPS_NAMES.format(options='', name='f').replace(
        '(mark, **kwargs)', '(req, mark="o-guard")'))
    auth = admin.add('api-auth', name='guard', type='func', configJSON={'funcId': 't__guard.f'})
    admin.add('auth-links', id='auln-guarded', funcId='t__run.run', apiAuthId=auth,
              funcCallKwargsJSON={'code': 'def f(): return 1'})
    assert own.call('auln-guarded').json == 1
    [names] = seen_names(own, 'o-guard')
    assert (names['_DFF_ORIGIN'], names['_DFF_ORIGIN_ID']) == ('apiAuth', auth)


def test_the_origin_of_a_function_that_runs_when_it_is_published(own, admin):
    admin.add('script-sets', id='auto', title='auto')
    admin.add('scripts', id='auto__run', codeDraft=KEEPS_NAMES.format(
        name='f', options=', integration="autoRun", integration_config={"onPublish": True}'
    ).replace('(mark, **kwargs)', '(mark="o-auto")'))
    good(admin.post('/api/v1/scripts/auto__run/do/publish', {}))
    [names] = seen_names(own, 'o-auto')
    assert (names['_DFF_ORIGIN'], names['_DFF_EXEC_MODE']) == ('integration', 'async')


# --- drafts, tracebacks -------------------------------------------------------------------


def test_names_of_a_draft(own, admin):
    admin.add('script-sets', id='d', title='drafts')
    admin.add('scripts', id='d__names', codeDraft='''
print(_DFF_FUNC_NAME == '', __name__)
def f():
    return [_DFF_DEBUG, _DFF_ORIGIN, _DFF_FUNC_ID, _DFF_QUEUE, _DFF_EXEC_MODE]
''')
    result = draft(admin, 'd__names.f')
    assert result['funcResult']['raw'] == [True, 'debug', 'd__names.f', 7, 'sync']
    result = draft(admin, 'd__names')
    assert result['logMessages'][0].endswith('] True d__names')


def test_a_draft_sees_drafts_of_its_set_and_other_scripts_as_published(own, admin):
    for name in ('e', 'o'):
        admin.add('script-sets', id=name, title='imports')
        admin.add('scripts', id=f'{name}__lib', codeDraft='def g(): return "published"')
        good(admin.post(f'/api/v1/scripts/{name}__lib/do/publish', {}))
        admin.modify('scripts', f'{name}__lib', codeDraft='def g(): return "draft"')
    admin.add('scripts', id='e__one', codeDraft='import __lib, o__lib\nfrom e__lib import g\n'
              'def f(): return [__lib.g(), g(), o__lib.g()]')
    result = draft(admin, 'e__one.f')
    assert result['funcResult']['raw'] == ['draft', 'draft', 'published']
    # and a call sees none of them
    assert own.value('import e__lib\ndef f(): return e__lib.g()') == 'published'


FAILS = '''import t__deep
@DFF.API('T')
def fails(x):
    return t__deep.g(x)
'''


def test_a_draft_that_fails_has_the_traceback_by_scripts_and_lines(own, admin):
    publish(own, 't__deep', 'import json\ndef g(x):\n    return json.loads(x)')
    admin.add('scripts', id='t__fails', codeDraft=FAILS)
    value = bad(admin.post('/api/v1/func-draft/t__fails.fails', {'kwargs': {'x': '{'}}),
                'EScriptPreCheck')
    detail = value['detail']
    assert detail['einfoTEXT'].splitlines() == [
        'Traceback (most recent call last):',
        '  File "t__fails", line 4, in fails', '    return t__deep.g(x)',
        '  File "t__deep", line 3, in g', '    return json.loads(x)',
        'json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: '
        'line 1 column 2 (char 1)']
    assert detail['traceInfo']['exceptionDump'].startswith('json.decoder.JSONDecodeError')
    [func] = value['data']['result']['exportedAPIFuncs']
    assert func['name'] == 'fails'


def test_the_log_has_the_whole_traceback_the_caller_its_last_lines(own, admin):
    publish(own, 't__deep', 'import json\ndef g(x):\n    return json.loads(x)')
    publish(own, 't__fails', FAILS)
    own.ctl('link', 'add', 't__fails.fails', '--id', 'auln-fails')
    answer = own.call('auln-fails', x='{')
    assert answer.json['detail']['einfoTEXT'].splitlines()[1:] == [
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)"]
    task = answer.headers['x-dff-task-id']
    text = wait_until(lambda: own.log_text() if task in own.log_text() else None, 5, 'its lines')
    assert re.search('File "t__fails", line 4, in fails.*File "t__deep", line 3, in g', text, re.S)


# --- what stays in a worker ----------------------------------------------------------------


def test_packages_stay_scripts_do_not(own):
    publish(own, 't__tools', 'def g(): return 1')
    assert own.value('import t__tools, wave\ndef f(): return t__tools.g()') == 1
    assert own.value('import sys\ndef f():\n    return [n in sys.modules for n in'
                     ' ("wave", "t__tools", "t__run")]') == [True, False, True]


@pytest.mark.parametrize('settings,eats', [
    ({'_WORKER_MAX_TASKS_PER_CHILD': 3}, ''),
    ({'_WORKER_MAX_RSS': 200}, '    import sys\n    sys.odd = bytearray(b"x" * (300 << 20))\n')])
def test_a_worker_is_replaced_after_its_tasks_and_above_its_memory(
        test_folder, session_node, settings, eats):
    pid = 'import os\ndef f():\n' + eats + '    return os.getpid()'
    calls = 1 if eats else 3
    with script_node.running(test_folder, session_node, **settings) as node:
        first = [node.value(pid) for _ in range(3 * calls)]
        assert [first.count(one) for one in dict.fromkeys(first)] == [calls] * 3
        wait_until(lambda: not set(node.python_workers()) & set(first), 10, 'the end of them')
