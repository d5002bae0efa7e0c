"""Packages of scripts: export, import, confirmation, recover points, and bad packages."""

import base64
import io
import json
import subprocess
import zipfile

import pytest

from api import bad, good, signed_in

CODE = '@DFF.API("One")\ndef one(x=1):\n    return x\n'


@pytest.fixture
def pset(admin):
    admin.get('/api/v1/script-sets/pset/do/delete')
    admin.add('script-sets', id='pset', title='P', requirements='six\nrequests==2\nsix')
    admin.add('scripts', id='pset__one', codeDraft=CODE)
    good(admin.post('/api/v1/scripts/pset__one/do/publish', {}))
    admin.get('/api/v1/auth-links/auln-pset/do/delete')
    admin.add('auth-links', id='auln-pset', funcId='pset__one.one', funcCallKwargsJSON={'x': 5})
    yield 'pset'
    admin.get('/api/v1/script-sets/pset/do/delete')
    admin.get('/api/v1/auth-links/auln-pset/do/delete')


def openssl(data, password, *words):
    key = password.encode().ljust(32)[:32].hex()
    return subprocess.run(['openssl', 'enc', *words, '-aes-256-cbc', '-K', key, '-iv', '0' * 32,
                           '-nopad'], input=data, capture_output=True, check=True).stdout


def packed(value, password='', level=zipfile.ZIP_DEFLATED, name='dataflux-func.json'):
    """A package as other programs make it."""
    memory = io.BytesIO()
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    with zipfile.ZipFile(memory, 'w', level) as archive:
        archive.writestr(name, text)
    plain = base64.b64encode(memory.getvalue())
    plain += b' ' * (16 - len(plain) % 16)
    return base64.b64encode(openssl(plain, password))


def unpacked(text, password=''):
    plain = openssl(base64.b64decode(text), password, '-d')
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(plain.strip()))) as archive:
        assert archive.namelist() == ['dataflux-func.json'] and archive.testzip() is None
        return json.loads(archive.read('dataflux-func.json'))


def upload(api, content, **fields):
    body = b''.join(f'--B\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
                    .encode() for key, value in fields.items())
    body += (b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.func-pkg"\r\n\r\n'
             + content + b'\r\n--B--\r\n')
    return api.request('POST', '/api/v1/script-sets/do/import', body,
                       {'Content-Type': 'multipart/form-data; boundary=B'})


def exported(admin, **more):
    answer = admin.post('/api/v1/script-sets/do/export', {
        'scriptSetIds': ['pset'], 'password': None, 'note': 'exported', **more})
    assert answer.status == 200, answer
    return answer


def test_what_is_exported_can_be_imported(node, admin, pset):
    answer = exported(admin, password='a password of mine', includeAuthLinks=True)
    assert answer.headers['content-type'] == 'application/octet-stream'
    assert '.func-pkg' in answer.headers['content-disposition']
    package = unpacked(answer.body, 'a password of mine')
    assert [row['id'] for row in package['scripts']] == ['pset__one']
    assert package['scripts'][0]['code'] == CODE and package['note'] == 'exported'
    assert package['funcs'][0]['kwargsJSON'] == {'x': {'default': 1}}
    assert package['authLinks'][0]['funcCallKwargsJSON'] == {'x': 5}
    assert 'batches' not in package and 'dataSources' not in package
    [row] = admin.list('script-set-export-history', pageSize=1)
    assert row['note'] == 'exported' and 'scripts' not in row['summaryJSON']

    admin.delete('script-sets', 'pset')
    admin.delete('auth-links', 'auln-pset')
    bad(upload(admin, answer.body, password='wrong'), 'EBizCondition.InvalidPassword', 403)
    data = good(upload(admin, answer.body, password='a password of mine'))['data']
    assert data['pkgs'] == ['six', 'requests==2']
    assert data['diff']['replace'] is None and data['diff']['add'][0]['id'] == 'pset'
    assert set(data['summary']) >= {'scriptSets', 'note'} and 'scripts' not in data['summary']
    assert node.call('auln-pset').json == 5
    row = admin.read('/api/v1/scripts/pset__one/do/get')
    assert row['code'] == row['codeDraft'] == CODE and row['publishVersion'] == 1
    assert admin.list('script-recover-points', pageSize=1)[0]['type'] == 'import'
    assert admin.list('script-set-import-history', pageSize=1)[0]['note'] == 'exported'
    data = good(upload(admin, answer.body, password='a password of mine'))['data']
    assert data['diff']['add'] is None


def test_a_confirmation_is_good_once_and_for_its_user(node, admin, pset):
    text = exported(admin).body
    admin.delete('script-sets', 'pset')
    data = good(upload(admin, text, checkOnly='true'))['data']
    assert data['confirmId'].startswith('import-') and data['pkgs'] is None
    bad(admin.get('/api/v1/scripts/pset__one/do/get'), 'EClientNotFound')
    identity = admin.add('users', username='confirmer', password='pw', name='c', roles=['user'])
    other = signed_in(node, 'confirmer', 'pw')
    body = {'confirmId': data['confirmId']}
    path = '/api/v1/script-sets/do/confirm-import'
    bad(other.post(path, body), 'EBizCondition.ConfirmingImportTimeout', 403)
    assert good(admin.post(path, body))['data'] == {'pkgs': ['six', 'requests==2']}
    bad(admin.post(path, body), 'EBizCondition.ConfirmingImportTimeout', 403)
    assert admin.read('/api/v1/scripts/pset__one/do/get')['publishVersion'] == 1
    admin.delete('users', identity)


def test_locks_of_others_are_respected(node, admin, pset):
    text = exported(admin).body
    admin.modify('scripts', 'pset__one', isLocked=True)
    identity = admin.add('users', username='importer', password='pw', name='i', roles=['user'])
    bad(upload(signed_in(node, 'importer', 'pw'), text),
        'EBizCondition.ModifyingScriptSetNotAllowed', 403)
    admin.delete('users', identity)


def test_a_recover_point_is_restored(node, admin, pset):
    point = admin.add('script-recover-points', note='before')
    row = admin.list('script-recover-points', id=point)[0]
    assert (row['type'], row['hasExportData'], row['hasTableDumpJSON']) == ('manual', True, False)
    admin.modify('scripts', 'pset__one', codeDraft=CODE.replace('x=1', 'x=2'))
    good(admin.post('/api/v1/scripts/pset__one/do/publish', {}))
    good(admin.post('/api/v1/script-sets/do/import', {'scriptRecoverPointId': point}))
    assert admin.read('/api/v1/scripts/pset__one/do/get')['code'] == CODE
    assert admin.read('/api/v1/scripts/t__basic/do/get')['publishVersion'] >= 1
    bad(admin.post('/api/v1/script-sets/do/import', {'scriptRecoverPointId': 'srpt-none'}),
        'EClientNotFound', 404)
    bad(admin.post(f'/api/v1/script-recover-points/{point}/do/recover', {}),
        'EClientUnsupported', 400)
    bad(admin.post('/api/v1/script-sets/do/import', {}), 'EBizCondition.PackageNotProvided', 403)
    bad(admin.post('/api/v1/script-sets/do/import', {'packageInstallURL': 'http://127.0.0.1/'}),
        'EClientUnsupported', 400)


GOOD = {'scriptSets': [{'id': 'evil'}], 'scripts': [], 'funcs': []}
SCRIPT = {'id': 'evil__a', 'scriptSetId': 'evil', 'publishVersion': 1, 'code': 'a = 1'}


@pytest.mark.parametrize('package', [
    {**GOOD, 'scriptSets': [{'id': "x' OR 1=1"}]}, {**GOOD, 'scriptSets': [{}]},
    {**GOOD, 'scriptSets': 'x'}, {**GOOD, 'scriptSets': [1]},
    {**GOOD, 'scripts': [{**SCRIPT, 'scriptSetId': 't'}]},
    {**GOOD, 'scripts': [{**SCRIPT, 'id': 't__basic', 'scriptSetId': 't'}]},
    {**GOOD, 'scripts': [{**SCRIPT, 'code': 1}]},
    {**GOOD, 'scripts': [{**SCRIPT, 'publishVersion': -1}]},
    {**GOOD, 'funcs': [{'id': 't__basic.plus', 'scriptSetId': 'evil', 'scriptId': 'evil__a',
                        'name': 'plus'}]},
    {**GOOD, 'authLinks': [{'id': '../x', 'funcId': 'a__b.c', 'funcCallKwargsJSON': {}}]},
    {**GOOD, 'authLinks': [{'id': 'x', 'funcId': 'a__b.c', 'funcCallKwargsJSON': '{'}]},
    {**GOOD, 'envVariables': [{'id': 'a', 'valueTEXT': None}]},
])
def test_a_package_of_bad_rows_changes_nothing(admin, package):
    bad(upload(admin, packed(package)), 'EClientBadRequest', 400)
    assert admin.list('script-sets', id='evil') == []


@pytest.mark.parametrize('content', [
    b'', b'x', b'AAAA', base64.b64encode(b'x' * 32), packed(b'not json'), packed(b'[]'),
    packed({'no': 'sets'}), b'\0' * 100], ids=range(8))
def test_what_is_no_package_is_refused(admin, content):
    bad(upload(admin, content), 'EBizCondition.InvalidPassword', 403)


def test_bombs_are_refused(admin):
    bomb = packed(b' ' * (200 << 20))
    assert len(bomb) < 2 << 20
    bad(upload(admin, bomb), 'EClientBadRequest', 400)
    # that says a small size and is not
    raw = bytearray(base64.b64decode(openssl(base64.b64decode(packed(b' ' * (1 << 20))), '',
                                             '-d').strip()))
    at = raw.rindex(b'PK\x01\x02') + 24
    raw[at:at + 4] = (100).to_bytes(4, 'little')
    plain = base64.b64encode(bytes(raw))
    plain += b' ' * (16 - len(plain) % 16)
    bad(upload(admin, base64.b64encode(openssl(plain, ''))), 'EBizCondition.InvalidPassword', 403)


def test_columns_that_a_package_must_not_set_are_not_set(node, admin):
    good(upload(admin, packed({**GOOD, 'scriptSets': [
        {'id': 'evil', 'isBuiltin': 1, 'lockedByUserId': 'u-admin', 'seq': 1}],
        'scripts': [{**SCRIPT, 'lockedByUserId': 'x'}], 'user': [{'id': 'u-evil'}]})))
    [row] = admin.list('script-sets', id='evil')
    assert row['isLocked'] is False and row['isBuiltin'] is False
    assert 'u-evil' not in node.mysql('SELECT id FROM dataflux_func.user;')
    admin.delete('script-sets', 'evil')
