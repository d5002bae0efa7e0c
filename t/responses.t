# What the caller gets for what the function returned: body and Content-Type, each row of
# the table, and the options that change it.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== dict, list, bool and None are JSON
--- request eval
[map { "POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":$_}}" } '{"a":[1,"b"]}', '[]', '{}', 'true', 'false', 'null']
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body eval: ['{"a":[1,"b"]}', '[]', '{}', 'true', 'false', 'null']


=== a number is its JSON text, zero too
--- request eval
[map { "POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":$_}}" } '0', '-1', '1.5', '30.0', '9007199254740992.0', '1e400', '123456789012345678901234567890']
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body eval: ['0', '-1', '1.5', '30', '9007199254740992', 'null', '123456789012345678901234567890']


=== a str is the text itself, also when it looks like JSON
--- request eval
[map { "POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":$_}}" } '"a"', '"{}"', '"null"', '"\u4e2d\n"']
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: text/plain; charset=utf-8
--- response_body eval: ['a', '{}', 'null', "\xe4\xb8\xad\n"]


=== inside JSON text that is not ASCII is written as it is
--- request
GET /api/v1/al/auln-same?kwargs={"value":["%E4%B8%AD","\u4e2d"]}
--- response_body chomp
["中","中"]


=== other types: bytes and objects by their repr, times in ISO 8601, Decimal a number, NaN null
--- request
GET /api/v1/al/auln-types
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body chomp
{"tuple":[1,2],"bytes":"b'x'","datetime":"2026-01-02T03:04:05","decimal":1.10,"nan":null,"inf":null,"object":"<odd>"}


=== returnType repr, jsonDumps and ALL
--- request eval
[map { "GET /api/v1/al/auln-same?kwargs={\"value\":{\"a\":1.0}}&options={\"returnType\":\"$_\"}" } 'raw', 'repr', 'jsonDumps', 'ALL']
--- response_body_like eval
[qr/\A\{"a":1\}\z/, qr/\A\{'a': 1\.0\}\z/, qr/\A\{"a":1\}\z/, qr/\A\Q{"raw":{"a":1},"repr":"{'a': 1.0}","jsonDumps":"{\"a\":1}"}\E\z/]
--- response_headers eval
[map { "Content-Type: $_; charset=utf-8" } 'application/json', 'text/plain', 'text/plain', 'application/json']


=== unfold false: the result inside the envelope
--- request
GET /api/v1/al/auln-same?kwargs={"value":[0]}&options={"unfold":false}
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body_like: ^\{"ok":true,"error":200,"message":"","data":\{"result":\[0\]\},"traceId":"[^"]+","reqTime":"[^"]+","respTime":"[^"]+","reqCost":\d+\}$


=== unfold false with a text: a JSON text
--- request
GET /api/v1/al/auln-same?kwargs={"value":"a%5C"b"}&options={"unfold":false}
--- response_body_like: "data":\{"result":"a\\"b"\}
