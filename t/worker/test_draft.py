"""Draft runs: texts that came with the job, their exports, logs and tracebacks."""

import re
import time

import pytest


def draft(worker, scripts, func='demo__it.f', kwargs=None, **head):
    scripts = {'demo__it': scripts} if isinstance(scripts, str) else scripts
    return worker.call(func, {'scripts': scripts, 'kwargs': kwargs or {}}, kind='draft',
                       origin='debug', queue=7, **head)


def test_a_draft_answers_with_exports_logs_and_all_forms_of_the_result(worker):
    reply = draft(worker, '@DFF.API("T")\ndef f(x):\n    print("p")\n    DFF.LOG("l\\nm")\n'
                          '    return {"x": x, "n": float("nan")}', kwargs={'x': '中'})
    value = reply.value
    assert [row['name'] for row in value['exportedAPIFuncs']] == ['f']
    assert all(re.fullmatch(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] [plm]', line)
               for line in value['logMessages']) and len(value['logMessages']) == 3
    assert value['funcResult'] == {
        'raw': {'x': '中', 'n': None}, 'repr': "{'x': '中', 'n': nan}",
        'jsonDumps': '{"x":"中","n":null}', '_responseControl': None}


def test_a_bare_script_id_only_loads_the_script(worker):
    value = draft(worker, 'print(__name__)\n@DFF.API("T")\ndef f(): 1/0', 'demo__it').value
    assert [row['title'] for row in value['exportedAPIFuncs']] == ['T']
    assert value['logMessages'][0].endswith('] demo__it') and 'funcResult' not in value


@pytest.mark.parametrize('result', ['0', '""', 'None', '[]', '{}', 'False', 'DFF.RESP("")'])
def test_what_is_false_in_python_has_null_forms(worker, result):
    forms = draft(worker, f'def f(): return {result}').value['funcResult']
    assert (forms['raw'], forms['repr'], forms['jsonDumps']) == (None, None, None)


def test_a_response_has_its_control_apart(worker):
    forms = draft(worker, 'def f(): return DFF.RESP("<p>", content_type="html", status_code=201)'
                  ).value['funcResult']
    assert forms['raw'] == '<p>' and forms['jsonDumps'] == '"<p>"'
    assert forms['_responseControl']['statusCode'] == 201


def test_a_draft_sees_drafts_of_its_set_and_other_scripts_as_published(worker):
    worker.script('demo__lib', 'def g(): return "published"', 5)
    worker.script('other__lib', 'def g(): return "published"', 5)
    reply = draft(worker, {'demo__it': 'import __lib, other__lib\nfrom demo__lib import g\n'
                                       'def f(): return [__lib.g(), g(), other__lib.g()]',
                           'demo__lib': 'def g(): return "draft"'})
    assert reply.value['funcResult']['raw'] == ['draft', 'draft', 'published']
    # and the next call sees none of them
    assert worker.call('demo__lib.g').value == 'published'
    assert worker.run('import __lib\ndef f(): return __lib.g()').value == 'published'


def test_names_of_a_draft(worker):
    names = draft(worker, 'def f(): return [_DFF_DEBUG, _DFF_ORIGIN, _DFF_FUNC_ID, _DFF_QUEUE,'
                          ' _DFF_EXEC_MODE]').value['funcResult']['raw']
    assert names == [True, 'debug', 'demo__it.f', 7, 'sync']
    names = draft(worker, 'print(_DFF_FUNC_NAME == "", _DFF_SCRIPT_ID)', 'demo__it').value
    assert names['logMessages'][0].endswith('] True demo__it')


def test_a_failure_has_the_traceback_of_the_scripts_exports_and_logs_so_far(worker):
    worker.script('demo__lib', 'import json\ndef g(x):\n    return json.loads(x)', 5)
    reply = draft(worker, 'import __lib\n@DFF.API("T")\ndef f():\n    print("so far")\n'
                          '    return __lib.g("{")')
    error = reply.error
    assert reply.status == 'failure' and error['etype'] == 'JSONDecodeError'
    assert error['einfoTEXT'].splitlines() == [
        'Traceback (most recent call last):',
        '  File "demo__it", line 5, in f', '    return __lib.g("{")',
        '  File "demo__lib", line 3, in g', '    return json.loads(x)',
        'json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: '
        'line 1 column 2 (char 1)']
    trace = error['traceInfo']
    assert trace['exceptionDump'].startswith('json.decoder.JSONDecodeError: Expecting')
    assert trace['header'] == 'Traceback (most recent call last):'
    assert trace['stack'] == [
        {'filename': 'demo__it', 'funcname': 'f', 'lineNumber': 5,
         'lineCode': 'return __lib.g("{")', 'localsInfo': [], 'isInScript': True,
         'formattedLocation': 'File "demo__it", line 5, in f'},
        {'filename': 'demo__lib', 'funcname': 'g', 'lineNumber': 3,
         'lineCode': 'return json.loads(x)', 'localsInfo': [], 'isInScript': False,
         'formattedLocation': 'File "demo__lib", line 3, in g'}]
    assert [row['name'] for row in error['result']['exportedAPIFuncs']] == ['f']
    assert len(error['result']['logMessages']) == 1
    assert error['result']['logMessages'][0].endswith('] so far')
    assert 'lib/python3' in reply.log      # the log has all frames


FAILURES = {
    'x = 1\ndef f(:': ('SyntaxError', 'File "demo__it", line 2\n    def f(:\n'),
    '1/0': ('ZeroDivisionError', 'File "demo__it", line 1, in <module>\n    1/0\n'),
    'def g(): pass': ('NotFoundException', 'script demo__it has no function "f"'),
    'def f(x): pass': ('TypeError', "missing 1 required positional argument: 'x'"),
    'def f(): return f()': ('RecursionError', 'maximum recursion depth'),
    'def f():\n    import sys; sys.exit(2)': ('SystemExit', 'SystemExit: 2'),
    'def f(): return ValueError("v")': ('ValueError', 'ValueError: v'),
    'def f():\n    raise ValueError("\\ud800")': ('ValueError', 'ValueError: '),
    'def f():\n    a = []; a.append(a); return a': ('ValueError', 'circular reference'),
    '@DFF.API("T", timeout=0)\ndef f(): pass': ('InvalidOptionException', 'got 0'),
}


@pytest.mark.parametrize('code', FAILURES)
def test_a_failing_draft_says_why_and_the_next_call_is_right(worker, code):
    etype, says = FAILURES[code]
    reply = draft(worker, code)
    assert reply.status == 'failure' and reply.etype == etype
    assert says in reply.einfo and len(reply.einfo) < 20000
    assert reply.error['traceInfo']['exceptionDump'].startswith(
        ('  File "demo__it"', etype, 'DFF.' + etype))
    assert reply.error['result']['logMessages'] == []
    assert worker.run('def f(): return 1').value == 1


def test_a_failing_check_has_the_traceback_as_well(worker):
    reply = worker.check('def g():\n    1/0\n\ng()')
    assert reply.error['traceInfo']['stack'][-1]['lineNumber'] == 2 == reply.error['line']
    assert reply.einfo.startswith('Traceback (most') and 'result' not in reply.error


@pytest.mark.parametrize('kwargs', [{}, {'scripts': {}}, {'scripts': {}, 'kwargs': {}},
                                    {'scripts': {'demo__it': 1}, 'kwargs': {}},
                                    {'scripts': {'demo__it': ''}, 'kwargs': []}])
def test_a_malformed_draft_is_refused(worker, kwargs):
    reply = worker.call('demo__it.f', kwargs, kind='draft')
    assert reply.status == 'failure' and reply.etype == 'ValueError', reply.body


def test_the_time_limit_ends_a_draft(worker):
    worker.start('demo__it', {'scripts': {'demo__it': 'print("in")\nwhile True: pass'},
                              'kwargs': {}}, kind='draft')
    deadline = time.monotonic() + 10
    while True:
        worker.soft_limit()
        try:
            reply = worker.result(0.05)
            break
        except TimeoutError:
            assert time.monotonic() < deadline
    assert reply.status == 'timeout' and reply.etype == 'SoftTimeLimitExceeded'


def test_the_traceback_shows_the_text_of_the_draft(worker):
    for word in 'one', 'two':
        reply = draft(worker, f'def f():\n    raise ValueError("{word}")')
        assert f'    raise ValueError("{word}")' in reply.einfo
