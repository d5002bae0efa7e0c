"""Files of the resource folder and file services, through nginx, and what must not be got
out of them."""

import http.client
import io
import os
import socket
import stat
import urllib.parse
import zipfile

import pytest

from api import Api, administrator, bad, good
from node import wait_until
from roles import READERS, WRITERS, check_roles, everyone

BASE = '/api/v1/resources'
OUTSIDE = ['..', '../x', 'a/../../x', '/../x', './../x', 'a/..', '../../../../etc/passwd',
           'x\ny', 'x\r\nSet-Cookie: a=b', 'a' * 300]
RESERVED = ['', '/', './', '.', './/', '.uploads', '/.uploads/x', '.downloads/x', './.downloads',
            'extra-python-packages', 'extra-python-packages/x.py', '.api', '.api/x']


@pytest.fixture
def admin(node):
    return administrator(node)


@pytest.fixture
def root(node):
    """The resource folder; what a test has put there is gone afterwards."""
    folder = node.install / 'data/resources'
    before = set(os.listdir(folder)) | {'.api'}
    umask = os.umask(0o007)     # as the scripts' user makes files
    yield folder
    os.umask(umask)
    for name in set(os.listdir(folder)) - before:
        remove(folder / name)
    left = os.listdir(folder / '.api') if (folder / '.api').exists() else []
    assert left == [], f'left aside: {left}'


def remove(path):
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for below in path.iterdir():
        remove(below)
    path.rmdir()


def form(content=b'content', filename='a.txt', fields=None, files=1):
    """A multipart body and its headers."""
    boundary = 'b0undary'
    parts = []
    for name, value in (fields or {}).items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                     f'{value}\r\n'.encode())
    for i in range(files):
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
                     f'filename="{filename if i == 0 else "other" + str(i)}"\r\n\r\n'.encode()
                     + content + b'\r\n')
    parts.append(f'--{boundary}--\r\n'.encode())
    return b''.join(parts), {'Content-Type': f'multipart/form-data; boundary={boundary}'}


def upload(api, *words, **more):
    body, headers = form(*words, **more)
    return api.post(BASE, body, headers)


def operate(api, operation, target, argument=None):
    body = {'targetPath': target, 'operation': operation}
    if argument is not None:
        body['operationArgument'] = argument
    return api.post(f'{BASE}/operate', body)


def as_worker(path, action):
    """Does the user of the scripts get to do it?"""
    import pwd
    entry = pwd.getpwnam('dff-worker')
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            action(path)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


# --- what it is for ------------------------------------------------------------------------------


def test_a_file_is_uploaded_listed_got_and_downloaded(node, admin, root):
    good(operate(admin, 'mkdir', 'docs'))
    content = os.urandom(3_000_000)
    assert good(upload(admin, content, 'bin.dat', fields={'folder': '/docs'}))['data'] is None
    assert (root / 'docs/bin.dat').read_bytes() == content

    [entry] = [one for one in admin.read(f'{BASE}/dir') if one['name'] == 'docs']
    assert (entry['type'], entry['size']) == ('folder', None)
    [entry] = admin.read(f'{BASE}/dir', folder='docs')
    assert (entry['name'], entry['type'], entry['size']) == ('bin.dat', 'file', 3_000_000)
    assert entry['updateTime'] > 1.6e12 and entry['createTime'] > 1.6e12
    assert admin.read(f'{BASE}/dir', folder='docs', type='folder') == []
    bad(admin.get(f'{BASE}/dir', type='link'), 'EClientBadRequest')

    stats = admin.read(f'{BASE}/get', filePath='/docs/bin.dat')
    assert stats['size'] == 3_000_000 and stat.S_ISREG(stats['mode'])
    assert stats['mtime'].endswith('Z') and stats['mtimeMs'] == entry['updateTime']
    assert admin.read(f'{BASE}/get', filePath='docs/nothing') is None
    assert stat.S_ISDIR(admin.read(f'{BASE}/get', filePath='./')['mode'])

    answer = admin.get(BASE, filePath='docs/bin.dat')
    assert answer.status == 200 and answer.body == content
    assert answer.headers['content-type'] == 'application/octet-stream'
    assert answer.headers['content-disposition'].startswith('attachment; filename="bin.dat"')
    assert answer.headers['content-length'] == '3000000'


def test_an_upload_replaces_renames_and_takes_the_first_file(node, admin, root):
    good(upload(admin, b'one', 'C:\\dir\\a.txt', files=3))
    assert (root / 'a.txt').read_bytes() == b'one' and not (root / 'other1').exists()
    good(upload(admin, b'two', 'x', fields={'rename': 'a.txt'}))
    assert (root / 'a.txt').read_bytes() == b'two'
    body, headers = form(b'three', '文.txt')
    good(admin.post(BASE + '?folder=./&rename=', body, headers))
    assert (root / '文.txt').read_bytes() == b'three'
    [record] = admin.list('operation-records', reqRoute=BASE, pageSize=1)
    assert record['reqFileInfoJSON'] == [{'name': '文.txt', 'size': 5}]


def test_what_is_made_is_for_the_scripts_too(node, admin, root):
    good(operate(admin, 'mkdir', 'made'))
    good(upload(admin, b'x', 'a', fields={'folder': 'made'}))
    good(operate(admin, 'cp', 'made', 'copied/deep'))
    for path in ('made/a', 'copied/deep/a'):
        assert as_worker(root / path, lambda path: path.read_bytes()), path
        assert as_worker(root / path, lambda path: path.open('ab').close()), path
    assert as_worker(root / 'made/b', lambda path: path.mkdir())
    assert as_worker(root / 'made/b/c', lambda path: path.write_text('c'))
    os.chmod(root / 'made/b', 0o2770)       # as a worker's umask has it
    good(operate(admin, 'rm', 'made'))


def test_files_are_copied_moved_and_removed(node, admin, root):
    good(operate(admin, 'mkdir', 'a'))
    (root / 'a/b').mkdir()
    (root / 'a/b/c').write_text('c')
    good(operate(admin, 'cp', 'a', 'x/y'))                      # beside the target
    assert (root / 'x/y/b/c').read_text() == 'c'
    good(operate(admin, 'mv', 'a/b', 'moved'))                  # in the target's folder
    assert (root / 'a/moved/c').read_text() == 'c' and not (root / 'a/b').exists()
    good(operate(admin, 'mv', 'a/moved/c', '/top/c'))           # from the resource folder
    assert (root / 'top/c').read_text() == 'c'

    for operation, target, argument in (
            ('mkdir', 'a', None), ('mkdir', 'no/such', None), ('rm', 'nothing', None),
            ('cp', 'nothing', 'b'), ('cp', 'a', 'top'), ('mv', 'a', '/top'), ('mv', 'a', 'a'),
            ('cp', 'a', 'a/inside'), ('mv', 'a', '/a/inside'), ('cp', 'a', '/top/c/d'),
            ('zip', 'nothing', None), ('unzip', 'nothing.zip', None), ('unzip', 'a', None),
            ('unzip', 'top/c', None)):
        value = bad(operate(admin, operation, target, argument), 'EBizCondition', 403)
        assert value['error'] == 403.21 and 'name' in value['detail'], value
    for body in ({}, {'targetPath': 'a'}, {'targetPath': 'a', 'operation': 'ln'},
                 {'targetPath': 'a', 'operation': 'cp'}, {'targetPath': 'a', 'operation': 'mv',
                 'operationArgument': None}, {'targetPath': 1, 'operation': 'rm'},
                 {'targetPath': 'a', 'operation': 'mv', 'operationArgument': ''},
                 {'targetPath': 'a\0', 'operation': 'rm'},
                 {'targetPath': 'a', 'operation': 'rm', 'more': 1}):
        bad(admin.post(f'{BASE}/operate', body), 'EClientBadRequest', 400)
    good(operate(admin, 'rm', 'top'))
    assert not (root / 'top').exists()


def test_archives_are_made_and_unpacked(node, admin, root):
    (root / 'd').mkdir()
    (root / 'd/文件').mkdir()
    (root / 'd/文件/x').write_bytes(b'x' * 100_000)
    (root / '-rf').write_text('a file')
    good(operate(admin, 'zip', 'd'))
    good(operate(admin, 'zip', '-rf'))
    with zipfile.ZipFile(root / 'd.zip') as archive:
        assert set(archive.namelist()) == {'d/', 'd/文件/', 'd/文件/x'}
    bad(operate(admin, 'zip', 'd'), 'EBizCondition')            # d.zip is there
    bad(operate(admin, 'unzip', 'd.zip'), 'EBizCondition')      # d is there
    good(operate(admin, 'rm', 'd'))
    good(operate(admin, 'unzip', 'd.zip'))
    assert (root / 'd/文件/x').read_bytes() == b'x' * 100_000
    good(operate(admin, 'rm', '-rf'))
    good(operate(admin, 'unzip', '-rf.zip'))
    assert (root / '-rf').read_text() == 'a file'
    assert as_worker(root / 'd/文件/x', lambda path: path.read_bytes())


def test_a_long_operation_goes_on_and_is_recorded_without_its_client(node, admin, root):
    (root / 'many').mkdir()
    for i in range(3000):
        (root / f'many/{i}').write_text('x')
    body = b'{"targetPath":"many","operation":"cp","operationArgument":"copy-of-many"}'
    with socket.create_connection(('127.0.0.1', node.port)) as client:
        client.sendall(f'POST {BASE}/operate HTTP/1.1\r\nHost: x\r\nX-Dff-Auth-Token: '
                       f'{admin.token}\r\nContent-Type: application/json\r\nContent-Length: '
                       f'{len(body)}\r\n\r\n'.encode() + body)
        wait_until(lambda: (root / '.api').exists() and os.listdir(root / '.api')
                   or (root / 'copy-of-many').exists())
    wait_until(lambda: (root / 'copy-of-many').exists(), 20)
    assert len(os.listdir(root / 'copy-of-many')) == 3000
    wait_until(lambda: 'copy-of-many' in str(admin.list(
        'operation-records', reqRoute='resources/operate', pageSize=3)))
    good(operate(admin, 'rm', 'copy-of-many'))


# --- SEC-3: paths --------------------------------------------------------------------------------


@pytest.mark.parametrize('path', OUTSIDE)
def test_no_path_leads_out(node, admin, root, path):
    (root / 'a').mkdir()
    (root / 'a/f').write_text('f')
    parent = sorted(os.listdir(root.parent))
    for answer in (
            admin.get(f'{BASE}/dir', folder=path), admin.get(f'{BASE}/get', filePath=path),
            admin.get(BASE, filePath=path), operate(admin, 'mkdir', path),
            operate(admin, 'rm', path), operate(admin, 'zip', path), operate(admin, 'unzip', path),
            operate(admin, 'cp', path, 'y'), operate(admin, 'mv', path, 'y'),
            operate(admin, 'cp', 'a', path), operate(admin, 'mv', 'a', path),
            operate(admin, 'cp', 'a/f', path), operate(admin, 'mv', 'a', '/' + path),
            upload(admin, b'x', 'f', fields={'folder': path}),
            upload(admin, b'x', 'f', fields={'rename': path}) if '/' in path or len(path) < 5
            or '\n' in path or len(path) > 255 else bad_answer(admin)):
        bad(answer, 'EBizCondition', 403)
        assert 'set-cookie' not in answer.headers
    assert (root / 'a/f').read_text() == 'f'
    assert sorted(os.listdir(root.parent)) == parent


def bad_answer(api):
    return operate(api, 'rm', 'nothing')


@pytest.mark.parametrize('path', RESERVED)
def test_the_systems_own_folders_are_left_alone(node, admin, root, path):
    (root / 'extra-python-packages').mkdir(exist_ok=True)
    (root / 'a').mkdir()
    before = sorted(os.listdir(root))
    for operation in ('mkdir', 'rm', 'zip', 'unzip'):
        answer = operate(admin, operation, path)
        assert answer.json['reason'] in ('EBizCondition', 'EClientBadRequest'), answer
    for operation in ('cp', 'mv'):
        for answer in (operate(admin, operation, path, 'y'),
                       operate(admin, operation, 'a', '/' + path)):
            assert answer.json['reason'] in ('EBizCondition', 'EClientBadRequest'), answer
    if path.strip('./'):
        bad(upload(admin, b'x', 'f', fields={'folder': path}), 'EBizCondition')
    assert sorted(os.listdir(root)) == before
    names = {entry['name'] for entry in admin.read(f'{BASE}/dir')}
    assert not names & {'.uploads', '.downloads', '.api'}


def test_reading_does_not_reach_callers_files(node, admin, root):
    for path in ('.uploads', '.downloads', '.api', '.uploads/x', './/.downloads/./x'):
        bad(admin.get(f'{BASE}/dir', folder=path), 'EBizCondition')
        bad(admin.get(f'{BASE}/get', filePath=path), 'EBizCondition')
        bad(admin.get(BASE, filePath=path), 'EBizCondition')


def test_links_are_not_followed(node, admin, root):
    (root / 'folder').mkdir()
    (root / 'folder/f').write_text('f')
    (root / 'out').symlink_to('/etc')
    (root / 'file').symlink_to('/etc/hostname')
    (root / 'in').symlink_to('folder')
    os.mkfifo(root / 'pipe')
    for path in ('out/hostname', 'file', 'in/f', 'out', 'pipe'):
        bad(admin.get(BASE, filePath=path), 'EBizCondition')
    for path in ('out', 'in', 'out/ssl'):
        bad(admin.get(f'{BASE}/dir', folder=path), 'EBizCondition')
    assert {entry['name'] for entry in admin.read(f'{BASE}/dir')} \
        & {'out', 'file', 'in', 'pipe'} == set()
    for answer in (upload(admin, b'x', 'f', fields={'folder': 'out'}),
                   upload(admin, b'x', 'f', fields={'folder': 'in'}),
                   upload(admin, b'x', 'file'), operate(admin, 'mkdir', 'out/x'),
                   operate(admin, 'cp', 'folder', 'out/x'), operate(admin, 'mv', 'folder', 'in/x'),
                   operate(admin, 'rm', 'in/f'), operate(admin, 'zip', 'out/ssl'),
                   operate(admin, 'cp', 'file', 'copied')):
        bad(answer, 'EBizCondition')
    good(operate(admin, 'cp', 'folder', 'copied'))
    (root / 'folder/link').symlink_to('/etc/hostname')
    good(operate(admin, 'zip', 'folder'))
    with zipfile.ZipFile(root / 'folder.zip') as archive:
        assert set(archive.namelist()) == {'folder/', 'folder/f'}
    good(operate(admin, 'cp', 'folder', 'copied-again'))
    assert os.listdir(root / 'copied-again') == ['f']
    for name in ('out', 'file', 'in', 'pipe'):      # removes the link, and nothing behind it
        good(operate(admin, 'rm', name))
    assert (root / 'folder/f').exists() and os.path.exists('/etc/hostname')


def test_encoded_separators_are_only_names(node, admin, root):
    for path in ('%2e%2e%2fx', '..%2fx', '%252e%252e/x', '..\\x'):
        bad(admin.get(BASE, filePath=path), 'EBizCondition')
        assert not (root.parent / 'x').exists()
    # decoded once, by the query
    bad(admin.get(BASE + '?filePath=..%2f..%2fetc%2fpasswd'), 'EBizCondition')
    bad(admin.get(BASE + '?filePath=a%00b'), 'EClientBadRequest', 400)
    bad(admin.get(BASE + '?filePath=%ff'), 'EClientBadRequest', 400)
    bad(admin.get(BASE), 'EClientBadRequest', 400)


@pytest.mark.parametrize('name', [
    'a";x="b.txt', 'a\\b', 'name%0d%0aSet-Cookie: x', "';alert(1).txt", 'naïve 文.txt'])
def test_file_names_do_not_get_into_headers(node, admin, root, name):
    (root / name).write_text('x')
    answer = admin.get(BASE, filePath=name)
    assert answer.status == 200 and answer.body == b'x'
    disposition = answer.headers['content-disposition']
    assert disposition.isascii() and '\r' not in disposition
    head, encoded = disposition.split("; filename*=UTF-8''")
    assert urllib.parse.unquote(encoded) == name
    assert head.startswith('attachment; filename="') and head.count('"') == 2
    assert 'set-cookie' not in answer.headers


# --- SEC-19 --------------------------------------------------------------------------------------


@pytest.mark.parametrize('name, kind', [
    ('a.txt', 'text/plain; charset=utf-8'), ('a.PNG', 'image/png'), ('a.pdf', 'application/pdf'),
    ('a.html', None), ('a.svg', None), ('a.xml', None), ('a.js', None), ('a', None),
    ('png', None), ('a.txt.htm', None)])
def test_only_harmless_kinds_are_shown(node, admin, root, name, kind):
    (root / name).write_text('<script>alert(1)</script>')
    answer = admin.get(BASE, filePath=name, preview='true')
    assert answer.headers['content-security-policy'].startswith('sandbox;')
    assert answer.headers['x-content-type-options'] == 'nosniff'
    assert answer.headers['referrer-policy'] == 'no-referrer'
    assert answer.headers['content-disposition'].startswith(
        'inline;' if kind else 'attachment;')
    assert answer.headers['content-type'] == (kind or 'application/octet-stream')
    answer = admin.get(BASE, filePath=name)
    assert answer.headers['content-disposition'].startswith('attachment;')


# --- archives of strangers -----------------------------------------------------------------------


def archive_of(root, entries):
    """entries: (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(root / 'z.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)


@pytest.mark.parametrize('name', [
    '../x', '/tmp/dff-x', 'a/../../x', '..', 'a\\..\\..\\x', '.uploads/x',
    'extra-python-packages/x.py', '.api/x', 'a\nb'])
def test_entries_that_lead_elsewhere_are_refused(node, admin, root, name):
    archive_of(root, [('fine', b'x'), (name, b'x')])
    bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition', 403)
    assert not (root / 'fine').exists() and not os.path.exists('/tmp/dff-x')
    assert not (root.parent / 'x').exists()


def test_links_in_archives_are_refused(node, admin, root):
    link = zipfile.ZipInfo('link')
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive_of(root, [(link, b'/etc'), ('link/x', b'x')])
    bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition', 403)
    assert not (root / 'link').is_symlink()


def test_what_is_there_is_not_replaced_by_an_archive(node, admin, root):
    (root / 'mine').write_text('mine')
    archive_of(root, [('mine', b'theirs'), ('other', b'x')])
    value = bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition')
    assert value['detail'] == {'name': 'mine'}
    assert (root / 'mine').read_text() == 'mine' and not (root / 'other').exists()


def test_an_archive_with_a_name_twice_is_refused(node, admin, root):
    with pytest.warns(UserWarning):
        archive_of(root, [('a', b'1'), ('a', b'2')])
    bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition')


def test_zip_bombs_are_refused(node, admin, root):
    archive_of(root, [('bomb', b'\0' * 60_000_000)])
    assert (root / 'z.zip').stat().st_size < 100_000
    value = bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition')
    assert 'times its size' in value['message'] and not (root / 'bomb').exists()

    archive_of(root, [(f'{i}', b'') for i in range(20001)])
    value = bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition')
    assert '20000 entries' in value['message'] and not (root / '1').exists()

    archive_of(root, [('/'.join('d' * 70), b'x')])
    assert 'nested' in bad(operate(admin, 'unzip', 'z.zip'), 'EBizCondition')['message']


def test_broken_archives_are_refused(node, admin, root):
    archive_of(root, [('a', os.urandom(1000))])
    content = (root / 'z.zip').read_bytes()
    for broken in (b'', b'PK', os.urandom(2000), content[:500], content.replace(b'PK', b'PX'),
                   content[:200] + bytes(100) + content[300:]):
        (root / 'z.zip').write_bytes(broken)
        answer = operate(admin, 'unzip', 'z.zip')
        if answer.status == 200:        # an empty file is an archive of nothing to some
            assert broken == b'' or not (root / 'a').exists(), broken[:20]
        else:
            bad(answer, 'EBizCondition')
            assert not (root / 'a').exists()


# --- uploads -------------------------------------------------------------------------------------


def test_uploads_that_are_none(node, admin, root):
    body, headers = form()
    bad(admin.post(BASE, {'a': 1}), 'EClientBadRequest', 400)
    bad(admin.post(BASE, b'x', {'Content-Type': 'multipart/form-data'}), 'EClientBadRequest', 400)
    bad(admin.post(BASE, body[:-10], headers), 'EClientBadRequest', 400)
    bad(admin.post(BASE, form(files=0, fields={'folder': 'x'})[0], headers), 'EClientBadRequest')
    bad(upload(admin, fields={'folder': 'x' * 3000}), 'EClientBadRequest', 400)
    bad(upload(admin, fields={'folder': 'nothing'}), 'EBizCondition', 403)
    for name in ('..', '.', 'a\x01b', 'dir/..', ''):
        assert upload(admin, b'x', name).status in (400, 403)
    (root / 'folder').mkdir()
    bad(upload(admin, b'x', 'folder'), 'EBizCondition', 403)
    bad(admin.post(BASE + '?x=1', body, headers), 'EClientBadRequest', 400)


def test_an_upload_is_refused_before_it_is_read(node, root):
    """Nobody who is not signed in gets to send what has to be stored first."""
    connection = http.client.HTTPConnection('127.0.0.1', node.port, timeout=20)
    connection.putrequest('POST', BASE)
    connection.putheader('Content-Type', 'multipart/form-data; boundary=b')
    connection.putheader('Content-Length', str(5 << 30))
    connection.endheaders()
    connection.send(b'--b\r\n')
    answer = connection.getresponse()
    assert answer.status == 401 and b'EUserAuth' in answer.read()
    connection.close()
    body, headers = form(os.urandom(5_000_000))
    bad(Api(node).post(BASE, body, headers), 'EUserAuth', 401)


def test_an_oversized_upload_is_refused(node, admin):
    connection = http.client.HTTPConnection('127.0.0.1', node.port, timeout=20)
    connection.putrequest('POST', BASE)
    connection.putheader('X-Dff-Auth-Token', admin.token)
    connection.putheader('Content-Type', 'multipart/form-data; boundary=b')
    connection.putheader('Content-Length', str(11 << 30))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and b'EClientBadRequest' in answer.read()
    connection.close()


def test_an_upload_that_breaks_off_leaves_nothing(node, admin, root):
    body, headers = form(os.urandom(500_000))
    with socket.create_connection(('127.0.0.1', node.port)) as client:
        client.sendall(f'POST {BASE} HTTP/1.1\r\nHost: x\r\nX-Dff-Auth-Token: {admin.token}\r\n'
                       f'Content-Type: {headers["Content-Type"]}\r\n'
                       f'Content-Length: {len(body)}\r\n\r\n'.encode() + body[:-1000])
        wait_until(lambda: (root / '.api').exists() and os.listdir(root / '.api'))
    wait_until(lambda: not os.listdir(root / '.api'), what='the end of the broken upload')
    assert not (root / 'a.txt').exists()


def in_chunks(node, token, pieces, end=b'0\r\n\r\n'):
    """The answer to an upload of unknown length, a chunk for each piece."""
    head, headers = f'POST {BASE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n', form()[1]
    with socket.create_connection(('127.0.0.1', node.port), timeout=30) as client:
        client.sendall(f'{head}X-Dff-Auth-Token: {token}\r\n'
                       f'Content-Type: {headers["Content-Type"]}\r\n\r\n'.encode())
        for piece in pieces:
            client.sendall(b'%x\r\n%s\r\n' % (len(piece), piece))
        client.sendall(end)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, answer.read()


def test_an_upload_may_come_in_chunks(node, admin, root):
    content = os.urandom(3_000_000)
    body = form(content)[0]
    cuts = [0, 1, 10, 100, 70_000, 2_999_999, len(body) - 20, len(body) - 3, len(body)]
    status, text = in_chunks(node, admin.token, [body[a:b] for a, b in zip(cuts, cuts[1:])])
    assert status == 200, text
    assert (root / 'a.txt').read_bytes() == content
    (root / 'a.txt').unlink()
    status, text = in_chunks(node, admin.token, [body, b'more behind the last boundary'])
    assert status == 200 and (root / 'a.txt').read_bytes() == content, text
    status, text = in_chunks(node, 'nobody', [body])
    assert status == 401 and b'EUserAuth' in text
    status, text = in_chunks(node, admin.token, [b'no form at all' * 9, b'--b0undary--\r\n'])
    assert status == 400, text


def test_large_files_do_not_go_through_memory(node, admin, root):
    size = 300 << 20
    with open(root / 'large', 'wb') as large:
        large.truncate(size)
    os.chmod(root / 'large', 0o644)
    connection = http.client.HTTPConnection('127.0.0.1', node.port, timeout=60)
    connection.request('GET', BASE + '?filePath=large',
                       headers={'X-Dff-Auth-Token': admin.token})
    answer = connection.getresponse()
    received = 0
    while piece := answer.read(1 << 20):
        received += len(piece)
    connection.close()
    assert received == size

    def parts():
        yield form(b'')[0].split(b'\r\n\r\n')[0] + b'\r\n\r\n'
        for _ in range(size >> 20):
            yield bytes(1 << 20)
        yield b'\r\n--b0undary--\r\n'
    length = sum(len(part) for part in (form(b'')[0].split(b'\r\n\r\n')[0],
                                        b'\r\n\r\n', b'\r\n--b0undary--\r\n')) + size
    connection = http.client.HTTPConnection('127.0.0.1', node.port, timeout=60)
    connection.request('POST', BASE, parts(), {
        'X-Dff-Auth-Token': admin.token, 'Content-Length': str(length), **form()[1]})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()
    assert (root / 'a.txt').stat().st_size == size
    for pid in node.processes('executor'):
        peak = [line for line in open(f'/proc/{pid}/status') if line.startswith('VmHWM')]
        assert int(peak[0].split()[1]) < 200 << 10, (pid, peak)


# --- file services -------------------------------------------------------------------------------


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


# --- who may -------------------------------------------------------------------------------------


def test_roles_and_what_they_may(node, root):
    with everyone(node) as people:
        for path in (f'{BASE}/dir', f'{BASE}/get?filePath=x', f'{BASE}?filePath=x',
                     '/api/v1/file-services/do/list'):
            check_roles(people, lambda api: api.get(path), READERS)
        for path, body in ((f'{BASE}/operate', {'targetPath': 'x', 'operation': 'rm'}),
                           ('/api/v1/file-services/do/add', {'data': {'root': 1}}),
                           ('/api/v1/file-services/x/do/modify', {'data': {}})):
            check_roles(people, lambda api: api.post(path, body), WRITERS)
        check_roles(people, lambda api: api.get('/api/v1/file-services/x/do/delete'), WRITERS)
        check_roles(people, lambda api: upload(api, b'x', '..'), WRITERS)
        # a page of another origin has no header token, and the query's reads only
        admin = people['sa']
        body, headers = form()
        bad(Api(node).post(f'{BASE}?xDFFAuthToken={admin.token}', body, headers), 'EUserAuth', 401)
        (root / 'a.txt').write_text('by link')
        assert Api(node).get(f'{BASE}?filePath=a.txt&xDFFAuthToken={admin.token}').text \
            == 'by link'
