"""DFF.SQL: what becomes of values, identifiers and the text around them."""

import json

import pytest

# sql, params (Python), dialect -> text
TEXTS = [
    ('SELECT 1', 'None', 'mysql', 'SELECT 1'),
    ('a = ? AND b = ?', '[1, "x"]', 'mysql', "a = 1 AND b = 'x'"),
    ('?', '"alone"', 'mysql', "'alone'"),
    ('?', '[None]', 'mysql', 'NULL'), ('? ?', '[True, False]', 'mysql', 'TRUE FALSE'),
    ('? ? ?', '[-5, 1.5, 10**30]', 'mysql', f'-5 1.5 {10**30}'),
    ('?', '[decimal.Decimal("1.10")]', 'mysql', '1.10'),
    ('?', '[enum.IntEnum("E", "A").A]', 'mysql', '1'),
    ('?', '''["it's"]''', 'mysql', "'it''s'"),
    ('?', r'''["a\\' OR 1=1 --"]''', 'mysql', r"'a\\'' OR 1=1 --'"),
    ('?', r'''["a\\' OR 1=1 --"]''', 'postgresql', r"'a\'' OR 1=1 --'"),
    ('?', r'["a\0b\n"]', 'mysql', "'a\\0b\n'"),
    ('?', r'[b"\x00\xff"]', 'mysql', "X'00ff'"),
    ('?', r'[b"\x00\xff"]', 'postgresql', r"'\x00ff'::bytea"),
    ('? ?', '[datetime.datetime(2021, 1, 2, 3, 4, 5), datetime.date(2021, 1, 2)]', 'mysql',
     "'2021-01-02 03:04:05' '2021-01-02'"),
    ('IN (?)', '[[1, "a", None]]', 'mysql', "IN (1, 'a', NULL)"),
    ('VALUES ?', '[[[1, "a"], [2, "b"]]]', 'mysql', "VALUES (1, 'a'), (2, 'b')"),
    ('?? ??', '["a", "s.t"]', 'mysql', '`a` `s`.`t`'),
    ('?? ??', '["a", "s.t"]', 'postgresql', '"a" "s"."t"'),
    ('??', '["a` b"]', 'mysql', '`a`` b`'), ('??', "['a\" b']", 'postgresql', '"a"" b"'),
    ('(??)', '[["a", "b"]]', 'mysql', '(`a`, `b`)'),
    # no place for a value in literals, quoted identifiers and comments
    ("'?' ?", '[1]', 'mysql', "'?' 1"), ('"?" ?', '[1]', 'mysql', '"?" 1'),
    ('`?` ?', '[1]', 'mysql', '`?` 1'), ('"?" ?', '[1]', 'postgresql', '"?" 1'),
    (r"'\'?' ?", '[1]', 'mysql', r"'\'?' 1"), (r"'\' ? '''", '[1]', 'postgresql', r"'\' 1 '''"),
    (r"E'\'?' ?", '[1]', 'postgresql', r"E'\'?' 1"), ("'''?' ?", '[1]', 'mysql', "'''?' 1"),
    ('-- ?\n?', '[1]', 'mysql', '-- ?\n1'), ('# ?\n?', '[1]', 'mysql', '# ?\n1'),
    ('1--?', '[1]', 'mysql', '1--1'), ('--?\n?', '[1]', 'postgresql', '--?\n1'),
    ('/* ? */ ?', '[1]', 'mysql', '/* ? */ 1'), ('$$ ? $$ ?', '[1]', 'postgresql', '$$ ? $$ 1'),
    ('$a$ $$ ? $a$ ?', '[1]', 'postgresql', '$a$ $$ ? $a$ 1'),
    ("? '?", '[1]', 'mysql', "1 '?"),
    ('?', '["%s ? ??"]', 'mysql', "'%s ? ??'"),      # what was put in is not looked at again
]


@pytest.mark.parametrize('sql,params,dialect,text', TEXTS)
def test_texts(worker, sql, params, dialect, text):
    reply = worker.run('import datetime, decimal, enum\ndef f(sql, dialect):\n'
                       f'    return DFF.SQL(sql, {params}, dialect=dialect)',
                       json.dumps({'sql': sql, 'dialect': dialect}))
    assert reply.value == text


REFUSED = [
    ('"?", []', '0 params, but the SQL has more'), ('"?", [1, 2]', '2 params, but the SQL has 1'),
    ('"?"', 'more places'), ('5', 'sql must be a str'), ('"?", [{"a": 1}]', 'values are'),
    ('"?", [object()]', 'values are'), ('"?", [float("nan")]', 'finite'), ('"?", [[]]', 'empty'),
    ('"??", [5]', 'identifier'), ('"??", ["a..b"]', 'identifier'), ('"??", [""]', 'identifier'),
    ('"?", ["\\0"], "postgresql"', 'NUL'), ('"", None, "oracle"', 'dialect must be one of mysql'),
]


@pytest.mark.parametrize('arguments,says', REFUSED)
def test_what_has_no_safe_text_is_refused(worker, arguments, says):
    reply = worker.run(f'def f(): return DFF.sql({arguments})')
    assert reply.etype == 'InvalidOptionException' and says in reply.einfo
