"""Pieces of files for a node that does not share the folder: nothing of two states of a file
passes for one."""

import multiprocessing
import os
import pathlib

import pytest

PIECE = 1 << 20


@pytest.fixture
def path(zygote):
    path = pathlib.Path(zygote.resources) / 'file.bin'
    yield path
    path.unlink(missing_ok=True)


def piece(worker, size=PIECE, **kwargs):
    return worker.call('dff__file.read', kind='file', kwargs={
        'path': 'file.bin', 'offset': 0, 'size': size, 'delete': False, **kwargs})


def state(worker):
    reply = piece(worker, 10)
    assert reply.status == 'success', reply.body
    return reply.control


def test_pieces_tell_size_time_and_state_of_the_whole(worker, path):
    path.write_bytes(b'0123456789')
    os.utime(path, (1_700_000_000, 1_700_000_000))

    first, second = piece(worker, 4), piece(worker, 10, offset=4)
    assert (first.body, second.body) == (b'0123', b'456789') and first.type == 'raw'
    assert (first.control['size'], first.control['mtime']) == (10, 1_700_000_000)
    assert first.control == second.control


def rewrite(path):
    path.write_bytes(b'y' * 10)


def replace(path):
    beside = path.with_name('beside')
    beside.write_bytes(b'y' * 10)
    beside.replace(path)


@pytest.mark.parametrize('change', (rewrite, replace))
def test_a_change_is_seen_though_size_and_mtime_are_as_before(worker, path, change):
    path.write_bytes(b'x' * 10)
    mtime = path.stat().st_mtime_ns
    before = state(worker)
    change(path)
    os.utime(path, ns=(mtime, mtime))

    after = state(worker)
    assert (after['size'], after['mtime']) == (before['size'], before['mtime'])
    assert after != before


def rewrite_for_ever(path):
    while True:
        for letter in (b'x', b'y'):
            path.write_bytes(letter * PIECE)


def test_a_piece_that_is_read_while_the_file_is_rewritten_is_of_one_state(worker, path):
    """Or an error that says so. A file that is emptied and written grows as its bytes come:
    none are behind its size."""
    path.write_bytes(b'x' * PIECE)
    writer = multiprocessing.Process(target=rewrite_for_ever, args=(path,))
    writer.start()
    try:
        replies = [piece(worker) for _ in range(300)]
    finally:
        writer.kill()
        writer.join()
    for reply in replies:
        if reply.status == 'success':
            assert len(set(reply.body)) <= 1 and len(reply.body) == reply.control['size']
        else:
            assert 'has changed while it was read' in reply.einfo


def test_a_job_that_makes_no_sense_is_refused(worker, path):
    path.write_bytes(b'x')
    for wrong in ({'offset': -1}, {'size': -1}, {'size': PIECE + 1}, {'path': 1}):
        assert 'a file job needs' in piece(worker, **{'size': 1, **wrong}).einfo
    assert 'No such file' in piece(worker, path='gone').einfo
    for outside in ('../file.bin', '/etc/passwd', './file.bin'):
        assert piece(worker, path=outside).status == 'failure'
