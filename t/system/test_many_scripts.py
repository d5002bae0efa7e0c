"""10,000 scripts: listed, searched, published, overviewed, and put back into an emptied Redis, in
bounded time and memory."""

import json
import pathlib
import time

import pytest

from api import administrator, good
from node import wait_until
from pair import api_processes
from test_restore import wait_restored

SETS, EACH = 100, 100
COUNT = SETS * EACH
MEMORY_KB = 150_000     # of an api process

DIGITS = ' JOIN '.join(
    f"(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 "
    f"UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) {name}" for name in 'abcd')
NUMBER = '(a.d * 1000 + b.d * 100 + c.d * 10 + e.d)'.replace('e.d', 'd.d')
SET = f"CONCAT('many', LPAD({NUMBER} DIV {EACH}, 3, '0'))"
SCRIPT = f"CONCAT({SET}, '__s', LPAD({NUMBER}, 5, '0'))"
CODE = (f"CONCAT('@DFF.API(''Number'')\\ndef number():\\n    return ', {NUMBER}, '\\n', "
        "REPEAT('# a comment of some length\\n', 20))")
FILL = f'''
INSERT INTO script_set (id, title) SELECT DISTINCT {SET}, 'many' FROM {DIGITS};
INSERT INTO script (id, scriptSetId, title, publishVersion, code, codeMD5, codeDraft, codeDraftMD5)
  SELECT {SCRIPT}, {SET}, 'many', 1, {CODE}, MD5({CODE}), {CODE}, MD5({CODE}) FROM {DIGITS};
INSERT INTO func (id, scriptSetId, scriptId, name, title, definition, argsJSON, kwargsJSON,
                  category, tagsJSON, defOrder)
  SELECT CONCAT({SCRIPT}, '.number'), {SET}, {SCRIPT}, 'number', 'Number', 'number()', '[]', '{{}}',
         'general', '[]', 0 FROM {DIGITS};
'''


@pytest.fixture
def many(make_node):
    node = make_node()
    node.start()
    wait_restored(node)
    node.sql(FILL)
    return node


def memory(node):
    """The most that any api process has had, in KB."""
    peaks = []
    for pid in api_processes(node):
        text = pathlib.Path(f'/proc/{pid}/status').read_text()
        peaks.append(int(text.partition('VmHWM:')[2].split()[0]))
    return max(peaks)


def timed(told, name, bound, act):
    begin = time.monotonic()
    value = act()
    told[name] = time.monotonic() - begin
    assert told[name] < bound, (name, told)
    return value


def test_10_000_scripts(many):
    admin, told = administrator(many), {}
    many.redis('FLUSHALL')
    timed(told, 'restore', 120, lambda: wait_until(
        lambda: many.redis('HLEN', 'dff:scripts') == COUNT, 120, 'all scripts in Redis'))
    wait_restored(many)
    admin = administrator(many)         # sign-ins were in Redis, too

    page = timed(told, 'first page', 5, lambda: good(admin.get(
        '/api/v1/scripts/do/list', pageSize=100)))
    assert page['pageInfo']['totalCount'] == COUNT and len(page['data']) == 100
    page = timed(told, 'last page', 5, lambda: good(admin.get(
        '/api/v1/scripts/do/list', pageSize=100, pageNumber=COUNT // 100)))
    assert page['data'][-1]['id'] == 'many099__s09999' and page['pageInfo']['isFirstPage'] is False
    rows = timed(told, 'search', 10, lambda: admin.list(
        'scripts', _fulltextSearchField='FULL_TEXT', _fulltextSearchWord='return 4711'))
    assert [row['id'] for row in rows] == ['many047__s04711']
    rows = timed(told, 'func-list', 20, lambda: admin.read('/api/v1/func-list'))
    assert len(rows) == COUNT
    rows = timed(told, 'overview', 20, lambda: admin.read('/api/v1/func/overview'))
    assert len(rows['scriptOverview']) == COUNT

    assert good(timed(told, 'first call', 10, lambda: admin.post(
        '/api/v1/func/many047__s04711.number', {})))['data'] == {'result': 4711}
    admin.modify('scripts', 'many047__s04711', codeDraft='@DFF.API("n")\ndef number():\n'
                 '    return "new"\n')
    good(timed(told, 'publish', 5, lambda: admin.post(
        '/api/v1/scripts/many047__s04711/do/publish', {})))
    assert good(admin.post('/api/v1/func/many047__s04711.number', {}))['data'] == {
        'result': 'new'}
    assert good(timed(told, 'delete of a set of 100', 20, lambda: admin.get(
        '/api/v1/script-sets/many001/do/delete')))
    assert many.redis('HLEN', 'dff:scripts') == COUNT - EACH
    text = json.loads(json.dumps(many.redis('HGET', 'dff:scripts', 'many047__s04711')))
    assert '"version":2' in (text if isinstance(text, str) else json.dumps(text)).replace(' ', '')

    told['memory, KB'] = memory(many)
    print({name: round(value, 3) for name, value in told.items()})
    assert told['memory, KB'] < MEMORY_KB
