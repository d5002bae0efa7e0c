# JSON of strangers, in bodies and in queries: what breaks is refused with where it breaks,
# what is odd but right works.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/bad_request.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a body that is no JSON at all
--- request
POST /api/v1/al/auln-ok
hello
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected a value at line 1, column 1')


=== JSON that breaks in a later line: line and column
--- request eval
"POST /api/v1/al/auln-ok\n{\"kwargs\":\n  {\"a\": tru}}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected a value at line 2, column 9')


=== JSON that ends too early
--- request
POST /api/v1/al/auln-ok
{"kwargs":{"a":"b
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: string without a closing quote at line 1, column 18')


=== something behind the JSON
--- request
POST /api/v1/al/auln-ok
{"kwargs":{}} {}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected the end of the document at line 1, column 15')


=== a byte order mark is no JSON
--- request eval
"POST /api/v1/al/auln-ok\n\xef\xbb\xbf{}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected a value at line 1, column 1')


=== NaN, hexadecimal numbers and single quotes are no JSON
--- request eval
["POST /api/v1/al/auln-ok\n{\"kwargs\":{\"a\":NaN}}", "POST /api/v1/al/auln-ok\n{\"kwargs\":{\"a\":0x1}}", "POST /api/v1/al/auln-ok\n{'kwargs':{}}"]
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400, 400]
--- response_body_like eval
[::bad_request('Invalid request body: expected a value at line 1, column 16'),
 ::bad_request("Invalid request body: expected ',' or '}' at line 1, column 17"),
 ::bad_request('Invalid request body: expected a key in double quotes at line 1, column 2')]


=== a body of white space alone
--- request eval
"POST /api/v1/al/auln-ok\n  \t"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected a value at line 1, column 4')


=== bodies that are JSON but no object
--- request eval
["POST /api/v1/al/auln-ok\n[]", "POST /api/v1/al/auln-ok\nnull", "POST /api/v1/al/auln-ok\n\"x\"", "POST /api/v1/al/auln-ok/flattened\n1", "POST /api/v1/al/auln-ok/simplified\ntrue"]
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400, 400, 400, 400]
--- response_body_like eval: [(::bad_request('Invalid request body: it must be a JSON object')) x 5]


=== kwargs that are no object
--- request eval
[map { "POST /api/v1/al/auln-ok\n{\"kwargs\":$_}" } '[]', '1', '"{}"', 'true']
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400, 400, 400]
--- response_body_like eval: [(::bad_request('"kwargs" must be a JSON object')) x 4]


=== kwargs of a query that break: where in them
--- request
GET /api/v1/al/auln-ok?x=1&kwargs=%7B%22a%22:
--- error_code: 400
--- response_body_like eval: ::bad_request('"kwargs" is not valid JSON: expected a value at line 1, column 6')


=== nesting: 128 levels pass, more names the limit
--- request eval
["POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":" . '[' x 126 . ']' x 126 . '}}', "POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":" . '[' x 127 . ']' x 127 . '}}', "GET /api/v1/al/auln-same?kwargs={\"value\":" . '[' x 1000, "POST /api/v1/al/auln-same\n" . '[' x 1_000_000]
--- more_headers
Content-Type: application/json
--- error_code eval: [200, 400, 400, 400]
--- response_body_like eval
[qr/\A\[{126}\]{126}\z/,
 ::bad_request('Invalid request body: nested more than 128 levels deep at line 1, column 146'),
 ::bad_request('"kwargs" is not valid JSON: nested more than 128 levels deep at line 1, column 137'),
 ::bad_request('Invalid request body: nested more than 128 levels deep at line 1, column 129')]


=== a control character in a string must be escaped
--- request eval
["POST /api/v1/al/auln-ok\n{\"kwargs\":{\"a\":\"x\ty\"}}", "POST /api/v1/al/auln-ok\n{\"kwargs\":{\"a\":\"x\0y\"}}"]
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400]
--- response_body_like eval
[(::bad_request('Invalid request body: control character in a string, it must be escaped at line 1, column 18')) x 2]


=== a NUL outside of strings
--- request eval
"POST /api/v1/al/auln-ok\n{\"kwargs\":\0{}}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: expected a value at line 1, column 11')


=== an escaped NUL is a character like others: it reaches the function and comes back
--- request
POST /api/v1/al/auln-echo
{"kwargs": {"value": "a\u0000b", "k\u0000": 1}}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"value":"a\u0000b","k\u0000":1}


=== what is not UTF-8 in JSON is refused: where
--- request eval
"POST /api/v1/al/auln-echo\n{\"kwargs\":{\"x\":\"\xed\xa0\x80\"}}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: string is not UTF-8 at line 1, column 17')
