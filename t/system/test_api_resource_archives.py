"""Archives of the resource folder: made and unpacked, and those of strangers."""

import os
import stat
import zipfile

import pytest

from api import bad, good
from resources import as_worker, operate


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
