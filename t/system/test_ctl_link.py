"""dffctl link: auth links of published functions."""

import json

import pytest


@pytest.fixture(scope='module', autouse=True)
def script(session_node):
    session_node.ctl('script', 'publish', '-', '--id', 't__links', stdin="""
@DFF.API('x')
def add(x, y=1):
    return x + y

@DFF.API('x')
def echo(**kwargs):
    return kwargs
""")


def route(node, link):
    text = node.redis('GET', f'dff:route:al:{link}')
    return json.loads(text) if text else None


def test_a_link_is_live_when_the_command_ends(node):
    for number in range(10):
        done = node.ctl('link', 'add', 't__links.add', '--id', f'auln-live-{number}')
        assert f'/api/v1/al/auln-live-{number}' in done.stdout
        assert node.call(f'auln-live-{number}', x=number, y=1).json == number + 1


def test_an_id_is_made_when_none_is_given(node):
    made = [node.ctl('link', 'add', 't__links.add').stdout.split()[0] for _ in range(2)]
    assert made[0] != made[1]
    assert all(link.startswith('auln-') and len(link) == 27 for link in made)
    assert node.call(made[0], x=1).json == 2


def test_an_existing_link_is_an_error_and_update_may_be_repeated(node):
    add = ['link', 'add', 't__links.add', '--id', 'auln-twice']
    node.ctl(*add, '--kwargs', '{"y": 1.10, "x": "INPUT_BY_CALLER"}')
    done = node.ctl(*add, check=False)
    assert done.returncode == 1 and 'auln-twice exists already' in done.stderr

    node.ctl(*add, '--update')
    assert list(route(node, 'auln-twice')['kwargs']) == ['y', 'x']
    for _ in range(2):
        node.ctl('link', 'add', 't__links.echo', '--id', 'auln-twice', '--update', '--kwargs',
                 '{"big": 123456789012345678901234567890}')
    assert route(node, 'auln-twice')['funcId'] == 't__links.echo'
    assert '123456789012345678901234567890' in node.redis('GET', 'dff:route:al:auln-twice')
    assert node.ctl('link', 'list').stdout.count('auln-twice') == 1


def test_the_route_carries_the_functions_configuration(node):
    node.ctl('script', 'publish', '-', '--id', 't__config', stdin="""
@DFF.API('x', timeout=20, api_timeout=4, queue=3, cache_result=1.5, retry_on_lost=True, max_memory=64)
def f():
    pass
""")
    node.ctl('link', 'add', 't__config.f', '--id', 'auln-config')
    made = route(node, 'auln-config')
    assert made['func'] == {'timeout': 20, 'apiTimeout': 4, 'queue': 3, 'cacheResult': 1.5,
                            'retryOnLost': True, 'maxMemory': 64}
    assert made['scriptVersion'] == 1 and made['funcGone'] is False
    assert made['expireTimeMs'] == 0 and made['apiAuth'] is None and made['throttling'] is None


def test_a_changed_row_reaches_the_route_with_the_next_sync(node):
    database = node.setting('MYSQL_DATABASE')
    node.ctl('link', 'add', 't__links.add', '--id', 'auln-row')
    node.mysql(f"USE {database}; UPDATE auth_link SET isDisabled = 1, apiAuthId = 'apia-none',"
               " expireTime = '2037-01-01 00:00:00.250', throttlingJSON = '{\"bySecond\":5}'"
               " WHERE id = 'auln-row'")
    node.ctl('link', 'add', 't__links.add', '--id', 'auln-row', '--update')
    made = route(node, 'auln-row')
    zone = int(node.mysql('SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())'))
    assert made['isDisabled'] is True
    assert made['expireTimeMs'] == 2114380800250 - zone * 1000
    assert made['throttling'] == {'bySecond': 5}
    # An API auth that does not exist must stay a closed door.
    assert made['apiAuth'] == {'id': 'apia-none', 'type': 'missing', 'config': {}}
    listed = node.ctl('link', 'list').stdout
    assert 'disabled' in listed and '2037-01-01' in listed


def test_wrong_words_say_what_and_where(node):
    for words, status, text in (
            (['t__links.nonesuch'], 1, 'no such function: t__links.nonesuch'),
            (['nonesuch'], 2, 'not a function id'),
            (["t__links.add' OR '1'='1"], 2, 'not a function id'),
            (['t__links.add', '--id', 'a/b'], 2, 'not a link id'),
            (['t__links.add', '--id', ''], 2, 'not a link id'),
            (['t__links.add', '--id', 'x' * 65], 2, 'not a link id'),
            (['t__links.add', '--kwargs', '{"x":\n }'], 2, 'line 2, column 2'),
            (['t__links.add', '--kwargs', '[1]'], 2, 'must be a JSON object'),
            (['t__links.add', '--update'], 2, '--update needs --id'),
            (['t__links.add', '--idd', 'x'], 2, 'unknown option'),
            ([], 2, 'FUNC_ID'),
    ):
        done = node.ctl('link', 'add', *words, check=False)
        assert done.returncode == status and text in done.stderr, (words, done)
