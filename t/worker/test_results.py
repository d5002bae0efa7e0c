"""Values that functions return, and the bytes that the master gets for them."""

import json

import pytest

# expression -> body (JSON)
JSON_BODIES = {
    'None': 'null',
    'True': 'true',
    'False': 'false',
    '0': '0',
    '-1': '-1',
    '2**63': '9223372036854775808',
    '-2**63': '-9223372036854775808',
    '2**63 - 1': '9223372036854775807',
    '10**40': '1' + '0' * 40,
    '30.0': '30',
    '-0.0': '0',
    '0.1': '0.1',
    '-2.5e-7': '-2.5e-07',
    '2.0**53': '9007199254740992',
    '-(2.0**53)': '-9007199254740992',
    '2.0**53 + 2': '9007199254740994.0',
    '1e22': '1e+22',
    'float("nan")': 'null',
    'float("inf")': 'null',
    '[float("-inf"), 1.0]': '[null,1]',
    '[]': '[]',
    '()': '[]',
    '{}': '{}',
    '[1, [2, (3, {"a": None})]]': '[1,[2,[3,{"a":null}]]]',
    '{"b": 1, "a": [True]}': '{"b":1,"a":[true]}',
    '{1: "i", 1.5: "f", True: "never", None: "n", False: "b"}':
        '{"1":"never","1.5":"f","null":"n","false":"b"}',
    '{(1, 2): 3, b"k": 4}': '{"(1, 2)":3,"b\'k\'":4}',
    '["\\u00e9\\u4e2d\\U0001f600", "\\x7f"]': '["é中😀","\x7f"]',
    '["\\"\\\\/\\b\\f\\n\\r\\t\\x00\\x1f"]': r'["\"\\/\b\f\n\r\t\u0000\u001f"]',
    '["中\\n\\"" * 400]': '["' + '中\\n\\"' * 400 + '"]',
    '["a" * 5000 + "\\n"]': '["' + 'a' * 5000 + '\\n"]',
    '["\\ud800x", {"\\udfff": 1}]': '["\ufffdx",{"\ufffd":1}]',
    'b"\\x00a"': '"b\'\\\\x00a\'"',
    '[b"a", {1}, 1j, range(3), len]':
        '["b\'a\'","{1}","1j","range(0, 3)","<built-in function len>"]',
    'datetime.datetime(2021, 10, 14, 1, 2, 3)': '"2021-10-14T01:02:03"',
    'datetime.datetime(2021, 10, 14, 1, 2, 3, 5, datetime.timezone.utc)':
        '"2021-10-14T01:02:03.000005+00:00"',
    '[datetime.date(2021, 10, 14), datetime.time(1, 2)]': '["2021-10-14","01:02:00"]',
    'datetime.timedelta(1)': '"datetime.timedelta(days=1)"',
    'decimal.Decimal("1.10")': '1.10',
    '[decimal.Decimal("1E+3"), decimal.Decimal("NaN"), decimal.Decimal("-Infinity")]':
        '[1E+3,null,null]',
    'type("D", (decimal.Decimal,), {"__str__": lambda self: "}{"})("1.5")': '1.5',
    'collections.OrderedDict(z=1, a=2)': '{"z":1,"a":2}',
    'collections.defaultdict(int, a=1)': '{"a":1}',
    'collections.namedtuple("P", "x y")(1, 2)': '[1,2]',
    '[enum.IntEnum("E", "A").A, enum.Enum("F", {"B": 2}).B]': '[1,"<F.B: 2>"]',
    'type("S", (str,), {})("s") and [type("S", (str,), {})("s")]': '["s"]',
    '[ValueError("x")]': '["ValueError(\'x\')"]',
    '[[]] * 3': '[[],[],[]]',
    'list(range(5000))': json.dumps(list(range(5000)), separators=(',', ':')),
}

PRELUDE = 'import collections, datetime, decimal, enum\n\n'


def returning(expression):
    return f'{PRELUDE}@DFF.API("f")\ndef f(**kwargs):\n    return {expression}\n'


@pytest.mark.parametrize('expression', JSON_BODIES)
def test_a_result_is_written_as_the_rules_say(worker, expression):
    reply = worker.run(returning(expression))
    assert (reply.status, reply.type) == ('success', 'json')
    assert reply.body.decode() == JSON_BODIES[expression]
    assert reply.control is None and reply.log == '' and not reply.recycle
    assert reply.head['startedAt'] <= reply.head['endedAt']


def test_a_str_is_text(worker):
    reply = worker.run(returning('"é中\\n\\"\\ud800"'))
    assert (reply.type, reply.body.decode()) == ('text', 'é中\n"\ufffd')
    assert worker.run(returning('""')).value == ''


ARGUMENTS = [
    '{}', '{"a":1}', '{ "a" : [1, 2.5, null, true] }', '{"n":123456789012345678901234567890}',
    '{"s":"\\u00e9\\ud83d\\ude00\\n"}', '{"deep":' + '[' * 100 + ']' * 100 + '}',
    '{"big":"' + 'x' * 300000 + '"}',
]


@pytest.mark.parametrize('kwargs', ARGUMENTS)
def test_arguments_come_as_they_were_sent(worker, kwargs):
    assert worker.run(returning('kwargs'), kwargs).value == json.loads(kwargs)


def test_the_last_of_two_equal_arguments_wins(worker):
    assert worker.run(returning('kwargs'), '{"a":1,"a":2}').value == {'a': 2}


@pytest.mark.parametrize('kwargs', ['[]', '1', '{"a":}', '{"a":1}x', ''])
def test_arguments_that_are_no_object_fail_the_call(worker, kwargs):
    reply = worker.run(returning('kwargs'), kwargs)
    assert reply.status == 'failure' and reply.error['einfoTEXT']


RETURN_TYPES = [
    ('{"a": 30.0}', 'repr', 'text', "{'a': 30.0}"),
    ('{"a": 30.0}', 'jsonDumps', 'text', '{"a":30}'),
    ('"é"', 'repr', 'text', "'é'"),
    ('"é"', 'jsonDumps', 'text', '"é"'),
    ('"a\\"b"', 'ALL', 'json',
     r'{"raw":"a\"b","repr":"' + "'a\\\"b'" + r'","jsonDumps":"\"a\\\"b\""}'),
    ('[1]', 'ALL', 'json', '{"raw":[1],"repr":"[1]","jsonDumps":"[1]"}'),
]


@pytest.mark.parametrize('expression,kind,body_type,body', RETURN_TYPES)
def test_the_return_type_says_how(worker, expression, kind, body_type, body):
    reply = worker.run(returning(expression), returnType=kind)
    assert (reply.type, reply.body.decode()) == (body_type, body)


# lines of f -> what einfoTEXT says
UNWRITABLE = {
    'a = {"a": [1, 2, 3, {}]}; a["a"][3]["b"] = a; return a': 'result.a[3].b: circular reference',
    'a = []; a.append(a); return a': 'result[0]: circular reference',
    'a = {"x y": {}}; a["x y"][5] = a["x y"]; return a': 'result["x y"][5]: circular reference',
    'a = 1\n    for _ in range(200): a = [a]\n    return {"k": a}': 'nested deeper than 128 levels',
    'class C:\n        def __repr__(self): raise KeyError(1)\n    return {"a": [C()]}':
        'result.a[0]: its repr raised KeyError',
    'class C(dict):\n        def items(self): return 5\n    return [C(a=1)]':
        'result[0]: its items',
    'class C(dict):\n        def items(self): return [5]\n    return [C(a=1)]':
        'result[0]: items() are not pairs',
    'd = {}\n    class C:\n        def __repr__(self): d[len(d)] = 1; return ""\n'
    '    d["a"] = C(); return d': 'result: the dict changed while it was written',
    'return {"a": 10**5000}': 'result.a: its text raised ValueError',
}


@pytest.mark.parametrize('lines', UNWRITABLE)
def test_a_result_that_cannot_be_written_fails_and_says_where(worker, lines):
    reply = worker.run(f'def f():\n    {lines}\n')
    assert (reply.status, reply.etype) == ('failure', 'ValueError')
    assert UNWRITABLE[lines] in reply.einfo


def test_a_list_that_shrinks_while_it_is_written_does_no_harm(worker):
    reply = worker.run('def f():\n    a = []\n    class C:\n        def __repr__(self):\n'
                       '            a.clear(); return "c"\n    a.extend([C(), 1, 2]); return a\n')
    assert reply.value == ['c']


def test_the_deepest_allowed_result_is_written(worker):
    reply = worker.run('def f():\n    a = 1\n    for _ in range(128): a = [a]\n    return a\n')
    assert reply.body == b'[' * 128 + b'1' + b']' * 128


def test_a_large_result_arrives_whole(worker):
    reply = worker.run('def f():\n    return ["x" * 1000] * 20000\n')
    assert reply.value == ['x' * 1000] * 20000


def test_a_result_over_the_frame_limit_fails(own_worker):
    reply = own_worker.run('def f():\n    return ["x" * (1 << 20)] * 300\n')
    assert reply.status == 'failure' and 'larger than' in reply.einfo
    assert own_worker.run('def f(): return 1').value == 1


RESPONSES = [
    ('"<b>"', 'content_type="html"', b'<b>', {'contentType': 'text/html; charset=utf-8',
                                              'headers': {}}),
    ('{"a": 1.0}', 'status_code=201, headers={"X-A": "b"}', b'{"a":1}',
     {'contentType': 'application/json; charset=utf-8', 'headers': {'X-A': 'b'},
      'statusCode': 201}),
    ('b"\\x00\\xff"', 'content_type="image/png", download="é.png", allow_304=True', b'\x00\xff',
     {'contentType': 'image/png', 'headers': {}, 'allow304': True, 'download': 'é.png',
      'etag': '06eb7d6a69ee19e5fbdf749018d3d2ab'}),
    ('"t"', '', b't', {'contentType': 'text/plain; charset=utf-8', 'headers': {}}),
]


@pytest.mark.parametrize('data,arguments,body,control', RESPONSES)
def test_a_response_has_its_body_and_control(worker, data, arguments, body, control):
    reply = worker.run(returning(f'DFF.RESP({data}, {arguments})'), returnType='repr')
    assert (reply.status, reply.type, reply.body) == ('success', 'raw', body)
    assert reply.control == control


BAD_RESPONSES = ['status_code=99', 'status_code="200"', 'content_type="nothing"',
                 'headers={"a b": "c"}', 'headers={"A": "b\\r\\nC: d"}', 'headers=[]',
                 'content_type="text/html\\n"', 'download="a\\nb"', 'allow_304=1']


@pytest.mark.parametrize('arguments', BAD_RESPONSES)
def test_a_response_with_a_bad_argument_is_refused(worker, arguments):
    reply = worker.run(returning(f'DFF.RESP("x", {arguments})'))
    assert reply.etype == 'InvalidOptionException' and reply.control is None
    assert 'DFF.RESP: ' + arguments.split('=')[0] in reply.einfo
