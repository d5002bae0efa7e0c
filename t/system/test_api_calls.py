"""Functions, drafts and crontab configs that are run through the API."""

import re
import time

from api import bad, good, signed_in
from node import wait_until
from scripts import CODE, publish, script_with


def test_a_function_is_called_with_options(admin):
    path = '/api/v1/func/t__basic.plus'
    assert good(admin.post(path, {'kwargs': {'x': 1, 'y': 2}}))['data'] == {'result': 3}
    answer = admin.post(path, {'kwargs': {'x': 1, 'y': 2}, 'options': {'unfold': True}})
    assert answer.text == '3' and answer.headers['x-trace-id']
    assert good(admin.post(path, {'kwargs': {'x': 1, 'y': 2}, 'options': {
        'returnType': 'repr'}}))['data'] == {'result': '3'}
    big = 123456789012345678901234567890
    assert good(admin.post(path, {'kwargs': {'x': big, 'y': 1}}))['data'] == {'result': big + 1}

    value = bad(admin.post(path, {'kwargs': {'x': 1, 'y': 'a'}}), 'EFuncFailed', 599)
    assert value['detail']['etype'] == 'TypeError'
    for options in ({'timeout': 0}, {'timeout': '1'}, {'apiTimeout': 181}, {'execMode': 'x'},
                    {'returnType': 'x'}, {'unfold': 1}, {'nothing': 1}, {'eta': 'x'},
                    {'eta': '2030-01-01T00:00:00Z'}, {'timeout': 3601}):
        bad(admin.post(path, {'options': options}), 'EClientBadRequest', 400)
    bad(admin.post('/api/v1/func/t__basic.nothing', {}), 'EClientNotFound', 404)
    bad(admin.post('/api/v1/func/none', {}), 'EClientNotFound', 404)


FILES = '''
@DFF.API('Sends a file')
def send(name, text, **options):
    import os
    os.makedirs(os.path.dirname(DFF.RSRC(name)), exist_ok=True)
    with open(DFF.RSRC(name), 'w') as file:
        file.write(text)
    return DFF.RESP_FILE(name, **options)

@DFF.API('Much data')
def large(size):
    return DFF.RESP_LARGE_DATA('x' * size, content_type='text')

@DFF.API('Gone')
def gone():
    import os
    answer = send('tset/gone.txt', 'x')
    os.unlink(DFF.RSRC('tset/gone.txt'))
    return answer
'''


RESPONDS = '''
@DFF.API('A response as the arguments say')
def respond(data, **options):
    return DFF.RESP(data, **options)
'''


def respond(admin, headers, **options):
    script_with(admin, RESPONDS)
    good(publish(admin, 'tset__one'))
    answer = admin.post('/api/v1/func/tset__one.respond', {
        'kwargs': {'data': 'xyz', 'headers': headers, **options},
        'options': {'unfold': True}}, headers={'Origin': 'http://a.example'})
    assert answer.status == 200 and answer.text == 'xyz', answer
    return answer


def test_a_header_that_nginx_has_too_is_the_function_s_alone(admin, tset):
    answer = respond(admin, {'Date': 'Tue, 14 Nov 2023 22:13:20 GMT', 'Server': 'mine',
                             'Content-Disposition': 'inline'}, download='a.txt')
    assert answer.all('date') == ['Tue, 14 Nov 2023 22:13:20 GMT']
    assert answer.all('server') == ['mine']
    assert answer.all('content-disposition') == ['inline']


def test_a_function_cannot_send_nginx_to_another_location(admin, tset):
    respond(admin, {'X-Accel-Redirect': '/api/v1/do/ping'})


def test_headers_of_the_platform_are_no_function_s(admin, tset):
    answer = respond(admin, {'Content-Length': '1', 'Transfer-Encoding': 'chunked',
                             'Access-Control-Allow-Origin': '*', 'X-Trace-Id': 'x'})
    assert answer.all('content-length') == ['3'] and not answer.all('transfer-encoding')
    assert answer.all('access-control-allow-origin') == ['http://a.example']
    assert len(answer.all('x-trace-id')) == 1 and answer.all('x-trace-id') != ['x']


def test_a_file_that_a_function_returns_is_sent(node, admin, tset):
    script_with(admin, FILES)
    good(publish(admin, 'tset__one'))

    def call(func, **kwargs):
        return admin.post(f'/api/v1/func/tset__one.{func}',
                          {'kwargs': kwargs, 'options': {'unfold': True}})

    path = node.install / 'data/resources/tset/a b.csv'
    answer = call('send', name='tset/a b.csv', text='1,2\n', status_code=201,
                  headers={'X-Mine': 'yes', 'Set-Cookie': 'no=1'})
    assert (answer.status, answer.text) == (201, '1,2\n')
    assert answer.headers['content-type'].startswith('text/csv')
    assert 'a b.csv' in answer.headers['content-disposition']
    assert answer.headers['x-mine'] == 'yes' and 'set-cookie' not in answer.headers
    assert path.exists()
    answer = call('send', name='tset/a b.csv', text='x' * 3_000_000, auto_delete=True,
                  download=False)
    assert answer.status == 200 and len(answer.body) == 3_000_000
    assert 'content-disposition' not in answer.headers
    assert not path.exists()
    path.parent.rmdir()
    answer = call('large', size=20_000_000)
    assert answer.status == 200 and answer.body == b'x' * 20_000_000
    bad(call('gone'), 'EFuncResultParsingFailed', 599)
    path.parent.rmdir()


def test_a_call_may_be_asynchronous(node, admin):
    answer = good(admin.post('/api/v1/func/t__basic.plus', {
        'kwargs': {'x': 1, 'y': 2}, 'options': {'execMode': 'async'}}))['data']
    assert answer['resultURL'] == '/api/v1/func-result?taskId=' + answer['taskId']

    def done():
        result = node.get(answer['resultURL'])
        return result.status == 200 and result.json['data']['status'] == 'success' and result

    assert wait_until(done, 10).json['data']['result'] == 3
    answer = good(admin.post('/api/v1/func/t__basic.plus', {
        'kwargs': {'x': 5, 'y': 2}, 'options': {
            'execMode': 'async',
            'eta': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 2))}}))['data']
    assert node.get(answer['resultURL']).json['data']['status'] == 'queued'
    assert wait_until(done, 15).json['data']['result'] == 7


def test_a_call_names_its_task(node, admin):
    node.allow('ValueError: x')
    def call(func, **options):
        return admin.post(f'/api/v1/func/t__basic.{func}', {'options': options},
                          headers={'Origin': 'http://a.example'})

    answer = call('ok', saveResult=True)
    task = answer.headers['x-dff-task-id']
    assert task == good(answer)['data']['taskId']
    assert 'X-Dff-Task-Id' in answer.headers['access-control-expose-headers']
    assert re.fullmatch('task-[0-9A-Za-z]{22}', call('custom', unfold=True).headers['x-dff-task-id'])
    answer = call('boom')
    assert answer.headers['x-dff-task-id'] == bad(answer, 'EFuncFailed', 599)['detail']['id']
    answer = call('ok', execMode='async')
    assert answer.headers['x-dff-task-id'] == good(answer)['data']['taskId']


def test_the_api_timeout_names_the_task(node, admin, tset):
    script_with(admin, 'import time\n@DFF.API("s")\ndef slow():\n    time.sleep(2)\n    return 1\n')
    good(publish(admin, 'tset__one'))
    value = bad(admin.post('/api/v1/func/tset__one.slow', {'options': {'apiTimeout': 1}}),
                'EAPITimeout', 599)
    task = value['detail']['id']
    wait_until(lambda: node.get('/api/v1/func-result', taskId=task).json.get('data', {}).get(
        'status') == 'success', 10)


def test_a_draft_is_run_without_being_published(admin, tset):
    script_with(admin, CODE + 'print("hello")\n')
    path = '/api/v1/func-draft/tset__one'
    data = good(admin.post(path + '.twice', {'kwargs': {'x': 3}}))['data']
    assert data['result']['funcResult']['raw'] == 6 and data['traceInfo'] is None
    assert data['result']['exportedAPIFuncs'][0]['name'] == 'twice'
    assert data['result']['logMessages'][0].endswith('hello') and data['cost'] >= 0
    data = good(admin.post(path, {}))['data']
    assert 'funcResult' not in data['result']
    assert admin.read('/api/v1/scripts/tset__one/do/get')['publishVersion'] == 0

    # it sees the drafts of its set
    admin.add('scripts', id='tset__two', codeDraft='import tset__one\n'
              '@DFF.API("f")\ndef four():\n    return tset__one.twice(2)\n')
    data = good(admin.post('/api/v1/func-draft/tset__two.four', {}))['data']
    assert data['result']['funcResult']['raw'] == 4

    admin.modify('scripts', 'tset__one', codeDraft='print("so far")\n1 / 0\n')
    value = bad(admin.post(path, {}), 'EScriptPreCheck', 599)
    assert value['error'] == 599.2
    assert value['data']['result']['logMessages'][0].endswith('so far')
    assert 'ZeroDivisionError' in value['detail']['einfoTEXT'] and value['detail']['traceInfo']
    bad(admin.post('/api/v1/func-draft/tset__none.x', {}), 'EClientNotFound', 404)
    bad(admin.post(path, {'kwargs': []}), 'EClientBadRequest', 400)


def test_a_crontab_config_is_run_now(node, admin, tset):
    script_with(admin, '@DFF.API("c")\ndef mark(n):\n    return f"crontab ran {n}"\n')
    good(publish(admin, 'tset__one'))
    config = admin.add('crontab-configs', funcId='tset__one.mark', funcCallKwargsJSON={'n': 7},
                       crontab='0 0 1 1 *')
    assert admin.read(f'/api/v1/cron/{config}') is None

    def ran():
        return any('crontab ran 7' in str(node.redis('GET', key))
                   for key in node.redis('KEYS', 'dff:result:*'))

    wait_until(ran, 10, 'the function of the crontab config')
    wait_until(lambda: any(row['crontabConfigId'] == config and row['status'] == 'success'
                           for row in admin.read('/api/v1/crontab-task-info/do/list')), 10,
               'the row of its task')
    bad(admin.get('/api/v1/cron/cron-none'), 'EClientNotFound', 404)
    admin.delete('crontab-configs', config)


def test_who_may_only_read_runs_nothing(node, admin, tset):
    script_with(admin, CODE)
    identity = admin.add('users', username='reader', password='pw', name='R',
                         roles=['readonlyUser'])
    reader = signed_in(node, 'reader', 'pw')
    reader.list('scripts')
    for path in ('func-draft/tset__one', 'scripts/tset__one/do/publish',
                 'scripts/tset__one/do/modify', 'func/t__basic.plus'):
        value = bad(reader.post('/api/v1/' + path, {'data': {}}), 'EUserPrivilege', 401)
        assert value['detail'] == {'requiredPrivileges': ['general_w']}
    admin.delete('users', identity)
