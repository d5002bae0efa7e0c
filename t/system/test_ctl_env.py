"""dffctl env and source: what they print, change and refuse."""

import json


def refuses(node, status, text, *words, **more):
    done = node.ctl(*words, check=False, **more)
    assert done.returncode == status and text in done.stderr, done.stderr
    return done


def test_variables_are_set_listed_and_deleted(node):
    node.ctl('env', 'set', 'ctl_b', 'secret-value', '--title', 'The B')
    node.ctl('env', 'set', 'ctl_a', '-', '--type', 'json', stdin='{"x": 1}\n')
    lines = node.ctl('env', 'list').stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith('ctl_')]
    assert rows == [['ctl_a', 'json'], ['ctl_b', 'string', 'The', 'B']]
    assert 'secret-value' not in '\n'.join(lines)
    node.ctl('env', 'delete', 'ctl_a')
    node.ctl('env', 'delete', 'ctl_b')
    refuses(node, 1, 'no such variable: ctl_a', 'env', 'delete', 'ctl_a')


def test_a_bad_variable_is_refused_with_the_rule(node):
    refuses(node, 2, '"1a" is not an id of a variable', 'env', 'set', '1a', 'x')
    refuses(node, 2, 'up to 64', 'env', 'set', 'a' * 65, 'x')
    refuses(node, 2, 'one of string, integer', 'env', 'set', 'a', 'x', '--type', 'number')
    refuses(node, 2, 'is missing: VALUE', 'env', 'set', 'a')


def test_a_data_source_is_added_changed_and_deleted(node):
    config = json.dumps({'host': 'h', 'password': 'hush-hush', 'database': 3})
    node.ctl('source', 'add', 'ctl_source', '--type', 'redis', '--config', '-', stdin=config)
    done = refuses(node, 1, 'exists already', 'source', 'add', 'ctl_source', '--type', 'redis',
                   '--config', '{"host": "h"}')
    assert '--update changes an existing one' in done.stderr
    node.ctl('source', 'add', 'ctl_source', '--update', '--title', 'My Redis')
    line = next(line for line in node.ctl('source', 'list').stdout.splitlines()
                if line.startswith('ctl_source'))
    assert 'My Redis' in line and '"database":3' in line and '"port":6379' in line
    assert 'hush' not in line and 'ipher' not in line
    node.ctl('source', 'delete', 'ctl_source')
    refuses(node, 1, 'no such data source: ctl_source', 'source', 'delete', 'ctl_source')
    refuses(node, 1, 'no such data source: ctl_source', 'source', 'add', 'ctl_source', '--update',
            '--title', 'x')


def test_a_bad_data_source_is_refused_and_its_secret_not_told(node):
    for text, *words in (
            ('type "moon": one of', '--type', 'moon', '--config', '{}'),
            ('config.host is missing', '--type', 'http', '--config', '{}'),
            ('bad JSON', '--type', 'http', '--config', '{"password": "hush-hush'),
            ('unknown key "x"', '--type', 'http', '--config', '{"host": "h", "x": "hush-hush"}'),
            ('--config is missing', '--type', 'http'), ('--type is missing', '--config', '{}')):
        done = refuses(node, 2, text, 'source', 'add', 'ctl_bad', *words)
        assert 'hush' not in done.stderr
    refuses(node, 2, 'is not an id', 'source', 'add', 'a-b', '--type', 'http', '--config',
            '{"host": "h"}')
    refuses(node, 1, 'reserved', 'source', 'add', 'dataflux_x', '--type', 'http', '--config',
            '{"host": "h"}')
    refuses(node, 2, 'the type of a data source cannot change', 'source', 'add', 'a', '--update',
            '--type', 'http')
