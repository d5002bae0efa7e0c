"""Checks of scripts before they are published."""

import pytest

ROWS = {
    "@DFF.API('T')\ndef f(): pass": {
        'name': 'f', 'title': 'T', 'description': '', 'definition': 'f()', 'args': [], 'kwargs': {},
        'extraConfig': {}, 'category': 'general', 'tags': [], 'integration': None, 'defOrder': 0},
    "@DFF.API('T', category='math', tags=['b', 'a', 'b'], timeout=10, api_timeout=5,\n"
    "         cache_result=1.5, queue='cpu', fixed_crontab='*/5  * * * mon-fri',\n"
    "         delayed_crontab=[20, 10], is_hidden=True, retry_on_lost=True, max_memory=64)\n"
    "def plus(x, y=1, *a, k=None, **kw):\n    '''\n    Adds.\n\n      More.\n    '''": {
        'name': 'plus', 'title': 'T', 'description': 'Adds.\n\n  More.',
        'definition': 'plus(x, y=1, *a, k=None, **kw)', 'args': ['x', 'y', '*a', 'k', '**kw'],
        'kwargs': {'x': {}, 'y': {'default': 1}, 'k': {'default': None}},
        'extraConfig': {'timeout': 10, 'apiTimeout': 5, 'cacheResult': 1.5, 'queue': 9,
                        'fixedCrontab': '*/5 * * * mon-fri', 'delayedCrontab': [10, 20],
                        'isHidden': True, 'retryOnLost': True, 'maxMemory': 64},
        'category': 'math', 'tags': ['a', 'b'], 'integration': None, 'defOrder': 0},
    "@DFF.api('T', integration='autoRun', integration_config={'crontab': '0 0 1 1 0',\n"
    "         'onLaunch': True, 'onPublish': False})\ndef f(*, a=object, b=(1, 2)): pass": {
        'name': 'f', 'title': 'T', 'description': '',
        'definition': "f(*, a=<class 'object'>, b=(1, 2))", 'args': ['a', 'b'],
        'kwargs': {'a': {'default': "<class 'object'>"}, 'b': {'default': [1, 2]}},
        'extraConfig': {'integrationConfig': {'crontab': '0 0 1 1 0', 'onLaunch': True,
                                              'onPublish': False}},
        'category': 'general', 'tags': [], 'integration': 'autoRun', 'defOrder': 0},
}


@pytest.mark.parametrize('code', ROWS)
def test_a_function_gives_its_row(worker, code):
    assert worker.check(code).value == {'funcs': [ROWS[code]]}


def test_functions_come_in_order_and_helpers_not_at_all(worker):
    worker.script('demo__lib', '@DFF.API("not of this script")\ndef g(): pass')
    reply = worker.check('import demo__lib\n@DFF.API("A")\ndef z(): pass\ndef helper(): pass\n'
                         '@DFF.API("B")\ndef a(): pass')
    assert [(row['name'], row['defOrder']) for row in reply.value['funcs']] == [('z', 0), ('a', 1)]


def test_a_check_leaves_the_published_script_alone(worker):
    worker.script('demo__it', 'def f(): return "published"', 1000)
    assert worker.check('@DFF.API("T")\ndef f(): return "draft"').status == 'success'
    assert worker.call('demo__it.f').value == 'published'
    assert worker.check('').value == {'funcs': []}


# arguments of the decorator -> argument named, text in the message
BAD_OPTIONS = [
    ('5', 'title', 'a str'), ('', 'title', 'missing'), ('""', 'title', 'a str'),
    ('"T", "x"', 'title', 'only "title" is given by position'),
    ('"T", timeout=0', 'timeout', 'an int from 1 to 3600, got 0'),
    ('"T", timeout=3601', 'timeout', '3600'), ('"T", timeout="5"', 'timeout', "got '5'"),
    ('"T", timeout=True', 'timeout', 'got True'), ('"T", timeout=1.5', 'timeout', 'an int'),
    ('"T", api_timeout=181', 'api_timeout', 'from 1 to 180'),
    ('"T", cache_result=-1', 'cache_result', 'seconds'),
    ('"T", cache_result=float("nan")', 'cache_result', 'seconds'),
    ('"T", queue=10', 'queue', "from 0 to 9 or an alias ('cpu')"),
    ('"T", queue="gpu"', 'queue', "'cpu'"),
    ('"T", fixed_crontab="* * * *"', 'fixed_crontab', 'must have 5 fields'),
    ('"T", fixed_crontab="60 * * * *"', 'fixed_crontab', 'minute "60"'),
    ('"T", delayed_crontab="5"', 'delayed_crontab', 'seconds'),
    ('"T", delayed_crontab=[1, -1]', 'delayed_crontab', 'seconds'),
    ('"T", delayed_crontab=[]', 'delayed_crontab', 'seconds'),
    ('"T", category=5', 'category', 'a str'), ('"T", tags="a"', 'tags', 'a list of str'),
    ('"T", tags=[1]', 'tags', 'a list of str'),
    ('"T", integration="x"', 'integration', 'signIn, autoRun'),
    ('"T", integration="signIn"', 'integration', 'username and password'),
    ('"T", integration_config={}', 'integration_config', 'autoRun'),
    ('"T", integration="autoRun", integration_config={"x": 1}', 'integration_config', 'onLaunch'),
    ('"T", integration="autoRun", integration_config={"crontab": "x"}',
     'integration_config', '5 fields'),
    ('"T", is_hidden=1', 'is_hidden', 'a bool'),
    ('"T", retry_on_lost="yes"', 'retry_on_lost', 'bool'),
    ('"T", max_memory=0', 'max_memory', 'an int from 1'),
    ('"T", nonsense=1', 'nonsense', 'unknown argument "nonsense"; there are: title, category'),
]


@pytest.mark.parametrize('arguments,named,says', BAD_OPTIONS)
def test_a_bad_option_is_refused_by_name_and_line(worker, arguments, named, says):
    reply = worker.check(f'x = 1\n\n@DFF.API({arguments})\ndef f(): pass\n')
    assert reply.status == 'failure' and reply.etype == 'InvalidOptionException'
    assert named in reply.einfo and says in reply.einfo
    assert 'File "demo__it", line 3' in reply.einfo
    assert reply.error['line'] == 3
    # and a call does not look at any of it
    assert worker.run(f'@DFF.API({arguments})\ndef f(): return 1').value == 1


BAD_SCRIPTS = [
    ('x = 1\ndef f(:\n  pass', 'SyntaxError', 2, 'def f(:'),
    ('x = (', 'SyntaxError', 1, 'never closed'),
    ('x = "\\x00"\n"\x00"', 'ValueError', None, 'null bytes'),
    ('import os\nos.nope', 'AttributeError', 2, 'os.nope'),
    ('def g():\n    raise ValueError("v")\n\ng()', 'ValueError', 2, 'raise ValueError("v")'),
    ('@DFF.API("T")\ndef f(): pass\n\n@DFF.API("U")\ndef f(): pass', 'DuplicationException', 4,
     'function "f" is exported twice, at lines 1 and 4'),
    ('@DFF.API("T")\nasync def f(): pass', 'NotSupportException', 1, 'async'),
    ('@DFF.API("T")\nclass F: pass', 'NotSupportException', 1, 'exports functions, got type'),
    ('@DFF.API("T")\ndef f(x, /): pass', 'NotSupportException', 1, 'positional-only'),
    ('@DFF.API("T")\ndef é(): pass', 'NotSupportException', 1, 'cannot be the name'),
    ('f = DFF.API("T")(lambda: 1)', 'NotSupportException', 1, "'<lambda>'"),
    ('@DFF.API("T")\ndef f(): pass\ndel f', 'NotSupportException', None, 'function "f" (line 1)'),
    ('@DFF.API\ndef f(): pass', 'InvalidOptionException', 1, 'title'),
    ('import demo__nope', 'ModuleNotFoundError', 1, 'demo__nope'),
    ('import sys\nsys.exit(1)', 'SystemExit', 2, 'sys.exit(1)'),
]


@pytest.mark.parametrize('code,etype,line,says', BAD_SCRIPTS)
def test_a_bad_script_is_refused_with_reason_and_line(worker, code, etype, line, says):
    reply = worker.check(code)
    assert reply.status == 'failure' and reply.etype == etype
    assert says in reply.einfo and reply.error.get('line') == line
    assert line is None or f'File "demo__it", line {line}' in reply.einfo


CRONTABS = {
    True: ['* * * * *', '0 0 1 1 0', '*/5 0-23/2 1,15 jan-mar sun', '59 23 31 12 7', '0 0 * * MON',
           '0  0 \t* * 1-5'],
    False: ['', '*', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *',
            '* * * * 8', '*/0 * * * *', '*/60 * * * *', '5/2 * * * *', '5-1 * * * *', '1, * * * *',
            'a * * * *', '-1 * * * *', '* * * * mon-', '٣ * * * *', '1.5 * * * *'],
}


@pytest.mark.parametrize('valid,crontab', [(k, c) for k in CRONTABS for c in CRONTABS[k]])
def test_crontabs(worker, valid, crontab):
    reply = worker.check(f'@DFF.API("T", fixed_crontab={crontab!r})\ndef f(): pass')
    assert (reply.status == 'success') is valid
