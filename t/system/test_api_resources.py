"""Files of the resource folder: what it is for, how they come in and get out, and who may."""

import http.client
import os
import socket
import stat

from api import Api, bad, good
from node import wait_until
from resources import BASE, as_worker, form, operate, upload
from roles import READERS, WRITERS, check_roles, everyone


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
