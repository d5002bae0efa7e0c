"""File services: folders of the resource folder that anybody may read."""

import pytest

from api import Api, bad


@pytest.fixture
def service(admin, root):
    """A file service of folder pub, which anybody may read."""
    (root / 'pub').mkdir()
    (root / 'pub/sub').mkdir()
    (root / 'pub/a.txt').write_text('public')
    (root / 'pub/sub/b.html').write_text('<script>alert(1)</script>')
    (root / 'secret.txt').write_text('secret')
    identity = admin.add('file-services', root='/pub')
    yield identity
    admin.get(f'/api/v1/file-services/{identity}/do/delete')


def test_a_file_service_is_public(node, admin, service, root):
    assert service.startswith('fsvc-')
    [row] = admin.list('file-services', id=service)
    assert row['root'] == 'pub/' and row['isDisabled'] is False and row['note'] is None
    fs = f'/api/v1/fs/{service}'
    nobody = Api(node)
    answer = nobody.get(f'{fs}/a.txt')
    assert answer.status == 200 and answer.body == b'public'
    assert answer.headers['content-disposition'].startswith('inline;')
    answer = nobody.get(f'{fs}/sub/b.html')
    assert answer.headers['content-type'] == 'application/octet-stream'
    assert answer.headers['content-disposition'].startswith('attachment;')
    assert answer.headers['content-security-policy'].startswith('sandbox')
    assert answer.headers['x-content-type-options'] == 'nosniff'

    index = nobody.get(f'{fs}/')
    assert index.status == 200 and index.headers['content-type'].startswith('text/html')
    assert index.headers['content-security-policy'].startswith('sandbox')
    assert 'href="./a.txt"' in index.text and 'href="./sub/"' in index.text
    assert '../' not in index.text
    assert '../' in nobody.get(f'{fs}/sub/').text
    redirect = nobody.get(f'{fs}/sub')
    assert redirect.status == 302 and redirect.headers['location'] == './sub/'
    missing = nobody.get(f'{fs}/nothing')
    assert missing.status == 404 and 'Not Found' in missing.text
    value = bad(nobody.get('/api/v1/fs/fsvc-nothing/a'), 'EClientNotFound', 404)
    assert value['detail'] == {'entity': 'file service', 'id': 'fsvc-nothing'}


def test_a_disabled_file_service_is_closed_at_once(node, admin, service):
    admin.modify('file-services', service, isDisabled=True)
    value = bad(Api(node).get(f'/api/v1/fs/{service}/a.txt'),
                'EBizCondition.FileServiceDisabled', 403)
    assert value['error'] == 403.21
    admin.modify('file-services', service, isDisabled=False, note='x')
    assert Api(node).get(f'/api/v1/fs/{service}/a.txt').status == 200


@pytest.mark.parametrize('path', [
    '..%2fsecret.txt', '%2e%2e/secret.txt', '%2e%2e%2fsecret.txt', 'sub/..%2f..%2fsecret.txt',
    '..%5csecret.txt', '%2fetc%2fpasswd', '%252e%252e%252fsecret.txt', 'a.txt%00', 'a.txt%00.png',
    '..%c0%afsecret.txt', 'sub/%2e%2e/%2e%2e/secret.txt', '%0d%0aSet-Cookie:x', 'a%2f..%2fa.txt',
    '../secret.txt', 'sub/../../secret.txt', '//etc/passwd', 'link/hostname', 'linked.txt'])
def test_nothing_else_can_be_read(node, service, root, path):
    (root / 'pub/link').symlink_to('/etc')
    (root / 'pub/linked.txt').symlink_to('../secret.txt')
    answer = Api(node).get(f'/api/v1/fs/{service}/{path}')
    assert answer.status in (400, 404), answer
    assert b'secret' not in answer.body or b'secret.txt' in answer.body
    assert b'root:' not in answer.body and 'set-cookie' not in answer.headers


def test_names_in_an_index_are_text(node, service, root):
    for name in ('<img src=x onerror=alert(1)>', '"onclick="x', "a&b'c", 'a%2fb', '?q#f'):
        (root / 'pub/sub' / name.replace('/', '')).write_text('named')
    page = Api(node).get(f'/api/v1/fs/{service}/sub/').text
    assert '<img' not in page and '"onclick="' not in page
    assert '&#60;img src=x onerror=alert(1)&#62;' in page
    link = './a%252fb'
    assert f'href="{link}"' in page
    assert Api(node).get(f'/api/v1/fs/{service}/sub/a%252fb').body == b'named'


@pytest.mark.parametrize('value', [
    '..', '../x', '/', './', '', 'a/../..', '.uploads', '.downloads/x', '.api',
    'extra-python-packages', 'a\0b', 'a\nb', None, 1])
def test_a_root_outside_is_not_stored(node, admin, service, value):
    bad(admin.post('/api/v1/file-services/do/add', {'data': {'root': value}}),
        'EClientBadRequest', 400)
    bad(admin.post(f'/api/v1/file-services/{service}/do/modify', {'data': {'root': value}}),
        'EClientBadRequest', 400)


def test_a_root_that_was_written_around_the_api_is_no_way_out(node, admin, service):
    (node.mysql_of or node).mysql(
        f"USE {node.setting('MYSQL_DATABASE')}; UPDATE file_service SET root = '../../etc/'"
        f" WHERE id = '{service}'")
    node.allowed.append('the root of a file service is no path')
    bad(Api(node).get(f'/api/v1/fs/{service}/passwd'), 'ESys', 500)


def test_ids_of_file_services(node, admin, service):
    assert admin.add('file-services', id='my.files', root='a/b') == 'my.files'
    bad(admin.post('/api/v1/file-services/do/add', {'data': {'id': 'my.files', 'root': 'x'}}),
        'EBizCondition.DuplicatedScriptID', 403)
    for identity in ('a/b', '..', '.', 'a b', 'x' * 65, '<x>'):
        bad(admin.post('/api/v1/file-services/do/add', {'data': {'id': identity, 'root': 'x'}}),
            'EClientBadRequest', 400)
    admin.delete('file-services', 'my.files')
    bad(Api(node).get('/api/v1/fs/my.files/'), 'EClientNotFound', 404)
