"""Scripts and routes that Redis has lost are made anew from MySQL."""

import shutil

import pytest

from node import wait_until
from redis_proxy import RedisProxy

SCRIPT = '''
@DFF.API('One')
def one():
    return 1
'''


@pytest.fixture
def own(make_node, tmp_path):
    node = make_node()
    node.start()
    path = tmp_path / 'one.py'
    path.write_text(SCRIPT)
    node.publish(path, 'demo__lost', ('one',))
    wait_restored(node)
    assert node.call('auln-one').text == '1'
    return node


def wait_restored(node):
    def restored():
        info = node.redis('EVAL', 'return redis.call("info", "server")', 0)
        run_id = next(line for line in info.splitlines() if line.startswith('run_id:'))[7:].strip()
        return node.redis('GET', 'dff:restored') == run_id
    wait_until(restored, 20, 'the restored Redis')


def works(node):
    answer = node.call('auln-one')
    return answer.status == 200 and answer.text == '1'


def what_is_published(node):
    return (node.redis('HGET', 'dff:scripts', 'demo__lost'), node.redis('GET', 'dff:route:al:auln-one'))


def test_an_emptied_redis_is_filled_again(own):
    before = what_is_published(own)
    own.redis('FLUSHALL')
    wait_restored(own)
    assert what_is_published(own) == before
    assert works(own)
    own.restart('executor', 'nginx')      # nothing is only in their memory
    assert works(own)


def test_a_redis_that_restarts_without_its_data_is_filled_again(own):
    own.allow('Redis ', 'connection "', 'dff:')
    before = what_is_published(own)
    own.stop('redis')
    for path in (own.install / 'redis').iterdir():
        if path.name.startswith('appendonly'):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    own.start('redis')
    wait_until(lambda: works(own), 20, 'a call')
    wait_restored(own)
    assert what_is_published(own) == before


def test_what_an_old_copy_of_redis_has_too_much_is_removed(own):
    own.allow('Redis ', 'connection "')
    before = own.redis('GET', 'dff:route:al:auln-one')
    own.redis('SET', 'dff:route:al:auln-deleted', before.replace('auln-one', 'auln-deleted'))
    own.redis('DEL', 'dff:route:al:auln-one')
    own.restart('redis')
    wait_until(lambda: own.redis('GET', 'dff:route:al:auln-one') == before, 20, 'the route')
    wait_until(lambda: own.redis('EXISTS', 'dff:route:al:auln-deleted') == 0, 10, 'its end')


def test_it_waits_for_mysql(own):
    socket = own.setting('MYSQL_SOCKET')
    own.set(MYSQL_SOCKET='/nonexistent/mysql.sock')
    own.restart('executor')
    own.redis('FLUSHALL')
    wait_until(lambda: 'Redis is not restored from MySQL yet' in own.log_text(), 20, 'the message')
    own.set(MYSQL_SOCKET=socket)
    own.reload('executor')
    wait_until(lambda: works(own), 20, 'a call')


def test_one_of_many_does_it(make_node, tmp_path):
    node = make_node(_API_PROCESSES=4)
    node.start()
    wait_restored(node)
    assert node.log_text().count('Redis is restored from MySQL') == 1
    for count in (2, 3):
        node.redis('FLUSHALL')
        wait_restored(node)
        assert node.log_text().count('Redis is restored from MySQL') == count


def commands(node):
    """What Redis has run, the oldest first, since everything became slow to it."""
    return [words for _, _, _, words, *_ in reversed(node.redis('SLOWLOG', 'GET', -1))]


def test_who_gets_the_lock_late_sees_that_it_is_done(make_node):
    """It asked what is missing, another one did it all, then it gets the lock."""
    quick = make_node(_API_PROCESSES=1)
    quick.start()
    wait_restored(quick)
    path = quick.install / 'run/slow.sock'
    with RedisProxy(path, quick.setting('REDIS_SOCKET')) as slow:
        late = make_node(_API_PROCESSES=1, REDIS_SOCKET=path,
                         REDIS_PASSWORD=quick.setting('REDIS_PASSWORD'))
        late.start()
        quick.stop('executor')
        slow.hold('dff:lock:restore')
        quick.redis('FLUSHALL')
        assert slow.held.wait(10)
        quick.start('executor')
        wait_restored(quick)
        quick.stop('executor')
        quick.redis('CONFIG', 'SET', 'slowlog-max-len', 100000)
        quick.redis('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
        slow.release()

        def has_looked():
            words = [' '.join(each[:2]) for each in commands(quick)]
            return ('SET dff:lock:restore' in words
                    and words[words.index('SET dff:lock:restore'):].count('GET dff:restored') > 1)
        wait_until(has_looked, 20, 'the look behind the lock, and the one after that')
        assert 'Redis is restored from MySQL' not in late.log_text()
        assert quick.redis('EXISTS', 'dff:lock:restore') == 0
        late.stop()
    quick.start('executor')
