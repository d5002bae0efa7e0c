"""What must not be got out of the resource folder, nor into it: paths, links, names, and kinds
of files that a browser would run."""

import os
import urllib.parse
import zipfile

import pytest

from api import bad, good
from resources import BASE, operate, upload

OUTSIDE = ['..', '../x', 'a/../../x', '/../x', './../x', 'a/..', '../../../../etc/passwd',
           'x\ny', 'x\r\nSet-Cookie: a=b', 'a' * 300]
RESERVED = ['', '/', './', '.', './/', '.uploads', '/.uploads/x', '.downloads/x', './.downloads',
            'extra-python-packages', 'extra-python-packages/x.py', '.api', '.api/x']


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
