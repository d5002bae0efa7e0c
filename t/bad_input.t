# What strangers send: each wrong thing is refused with the exact reason, each odd but
# right thing works. Bodies over their limit and files are elsewhere.
#
# What nginx refuses before any module sees it (broken heads, broken chunks, NUL in a
# path) is answered by nginx, with its own page.

use Test::Nginx::Socket 'no_plan';

our $main = 'load_module $TEST_NGINX_DFF_MODULE;';
our $http = 'dff_config $TEST_NGINX_DFF_CONFIG;';
our $api = 'location /api/v1/ { dff; }';

add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(main_config => $main) unless defined $block->main_config;
    $block->set_value(http_config => $http) unless defined $block->http_config;
    $block->set_value(config => $api) unless defined $block->config;
});

# The start of an error document with this message, as a pattern.
sub bad_request {
    my ($message) = @_;
    $message =~ s/"/\\"/g;
    my $start = '{"ok":false,"error":400.43,"reason":"EClientBadRequest","message":"';
    return qr/\A\Q$start$message"\E,"reqDump":/;
}

no_long_string();
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


=== %00 in a query value and in a form reaches the function
--- request eval
["GET /api/v1/al/auln-look/simplified?value=a%00b", "POST /api/v1/al/auln-look/simplified\nvalue=a%00\0b"]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body eval: ["str 'a\\x00b'", "str 'a\\x00\\x00b'"]


=== an error about a body with an escaped NUL still says what it is
--- request
POST /api/v1/al/auln-boom
{"kwargs": {"text": "a\u0000b", "token": "\u0000"}}
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like: "body":\{"kwargs":\{"text":"a\\u0000b","token":"\*\*\*"\}\}


=== a NUL in the path
--- raw_request eval
"GET /api/v1/al/auln\0ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- error_code: 400


=== %00 in the path
--- request
GET /api/v1/al/auln%00ok
--- error_code: 400


=== a NUL in a header
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nX-Trace-Id: a\0b\r\nConnection: close\r\n\r\n"
--- error_code: 400


=== broken percent-encoding: where
--- request eval
["GET /api/v1/al/auln-ok?a=%", "GET /api/v1/al/auln-ok?a=1&b=%2", "GET /api/v1/al/auln-ok/flattened?kwargs_%zz=1", "GET /api/v1/al/auln-ok/simplified?x=%u0041"]
--- error_code eval: [400, 400, 400, 400]
--- response_body_like eval
[::bad_request('Invalid query string: bad percent-encoding at byte 3'),
 ::bad_request('Invalid query string: bad percent-encoding at byte 7'),
 ::bad_request('Invalid query string: bad percent-encoding at byte 8'),
 ::bad_request('Invalid query string: bad percent-encoding at byte 3')]


=== broken percent-encoding in the path
--- request
GET /api/v1/al/auln-%zz
--- error_code: 400


=== the query of a POST must be readable too, since the function sees it
--- request eval
["POST /api/v1/al/auln-ok?a=%zz\n{}", "POST /api/v1/al/auln-ok?a=%ff\n{}"]
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400]
--- response_body_like eval
[::bad_request('Invalid query string: bad percent-encoding at byte 3'),
 ::bad_request('Invalid query string: text that is not UTF-8 at byte 3')]


=== what is not UTF-8 in a query is refused, not replaced
--- request eval
["GET /api/v1/al/auln-echo/simplified?x=%c3%28", "GET /api/v1/al/auln-echo/simplified?ok=1&%e4%b8=1", "GET /api/v1/al/auln-echo/flattened?kwargs_x=%ed%a0%80", "GET /api/v1/al/auln-echo?kwargs={\"x\":\"\xff\"}"]
--- error_code eval: [400, 400, 400, 400]
--- response_body_like eval
[::bad_request('Invalid query string: text that is not UTF-8 at byte 3'),
 ::bad_request('Invalid query string: text that is not UTF-8 at byte 6'),
 ::bad_request('Invalid query string: text that is not UTF-8 at byte 10'),
 ::bad_request('Invalid query string: text that is not UTF-8 at byte 8')]


=== what is not UTF-8 in a form is refused, not replaced
--- request eval
["POST /api/v1/al/auln-echo/simplified\nx=\xff", "POST /api/v1/al/auln-echo/simplified\nx=1&y=%c0%80", "POST /api/v1/al/auln-echo\nkwargs=%7B%22x%22:%22%ff%22%7D"]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code eval: [400, 400, 400]
--- response_body_like eval
[::bad_request('Invalid form: text that is not UTF-8 at byte 3'),
 ::bad_request('Invalid form: text that is not UTF-8 at byte 7'),
 ::bad_request('Invalid form: text that is not UTF-8 at byte 8')]


=== what is not UTF-8 in JSON is refused: where
--- request eval
"POST /api/v1/al/auln-echo\n{\"kwargs\":{\"x\":\"\xed\xa0\x80\"}}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like eval: ::bad_request('Invalid request body: string is not UTF-8 at line 1, column 17')


=== a thousand fields pass, one more and ten thousand name the limit
--- request eval
["POST /api/v1/al/auln-ok\n" . 'a=1&' x 1000, "POST /api/v1/al/auln-ok\n" . 'a=1&' x 1001, "POST /api/v1/al/auln-ok/simplified\n" . CORE::join('&', map { "p$_=1" } 1..10_000), "GET /api/v1/al/auln-ok?" . 'a&' x 1001]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code eval: [200, 400, 400, 400]
--- response_body_like eval
[qr/\Aok\z/,
 ::bad_request('Invalid form: more than 1000 fields at byte 4001'),
 ::bad_request('Invalid form: more than 1000 fields at byte 6894'),
 ::bad_request('Invalid query string: more than 1000 fields at byte 2001')]


=== a query string over nginx's limit is its 414
--- request eval
"GET /api/v1/al/auln-ok?" . 'a' x 9000
--- error_code: 414


=== a header over nginx's limit is its 400, a megabyte of it too
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Big: " . 'a' x 1_000_000 . "\r\n\r\n"
--- ignore_response
--- error_log
client sent too long header line
--- wait: 0.1


=== many headers are no reason to refuse, their sum is
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" . CORE::join('', map { "X-H$_: $_\r\n" } 1..200) . "\r\n"
--- response_body chomp
ok


=== other methods: 405 and what is allowed
--- request eval
[map { "$_ /api/v1/al/auln-ok" } qw(PUT DELETE PATCH FOO PROPFIND)]
--- error_code eval: [405, 405, 405, 405, 405]
--- response_headers
Allow: GET, POST, OPTIONS
--- response_body_like eval: [(qr/"error":405\.41,"reason":"EClientNotFound","message":"Method not allowed\."/) x 5]


=== TRACE and CONNECT are refused by nginx
--- request eval
["TRACE /api/v1/al/auln-ok", "CONNECT /api/v1/al/auln-ok"]
--- error_code eval: [405, 405]


=== a method in lower case is no method
--- request
get /api/v1/al/auln-ok
--- error_code: 400


=== func-result and ping take no POST
--- request eval
["POST /api/v1/func-result\n{}", "POST /api/v1/do/ping\n{}"]
--- error_code eval: [405, 405]
--- response_headers
Allow: GET, OPTIONS


=== a POST with a body and no content type
--- request
POST /api/v1/al/auln-ok
{}
--- error_code: 400
--- response_body_like: "message":"Content-Type must be application/json[^"]*, got \\"\\""


=== a content type that only begins like one of ours
--- request
POST /api/v1/al/auln-ok
{}
--- more_headers
Content-Type: application/jsonp
--- error_code: 400
--- response_body_like: "message":"Content-Type must be application/json[^"]*, got \\"application/jsonp\\""


=== the case of a media type does not matter
--- request
POST /api/v1/al/auln-same
{"kwargs": {"value": 1}}
--- more_headers
content-type: Application/JSON;Charset="utf-8"
--- response_body chomp
1


=== a content type that is not even UTF-8
--- request
POST /api/v1/al/auln-ok
{}
--- more_headers eval
"Content-Type: text/\xff"
--- error_code: 400
--- response_body_like eval: qr{"message":"Content-Type must be application/json[^"]*, got \\"text/\xef\xbf\xbd\\""}


=== two content types, the same or not, are refused
--- raw_request eval
"POST /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\ncontent-type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n{}"
--- error_code: 400
--- response_body_like eval: ::bad_request('Content-Type must be sent only once')


=== a length that is no number, or two of them
--- raw_request eval
["POST /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"]
--- error_code: 400


=== a length and chunks at once are refused: who believes which is how requests are smuggled
--- raw_request eval
"POST /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
--- error_code: 400


=== a chunked body
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{\"kwargs\":\r\nc;ext=1\r\n{\"value\":12}\r\n1\r\n}\r\n0\r\nX-Trailer: x\r\n\r\n"
--- response_body chomp
12


=== a chunked body of many small chunks
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" . CORE::join('', map { "1\r\n$_\r\n" } split //, '{"kwargs":{"value":"' . 'x' x 5000 . '"}}') . "0\r\n\r\n"
--- response_body eval: 'x' x 5000


=== chunks that are none
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
--- error_code: 400


=== a chunk longer than it says
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}}\r\n0\r\n\r\n"
--- error_code: 400


=== Expect: 100-continue: first the word, then the answer
--- raw_request eval
["POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 22\r\nExpect: 100-continue\r\n\r\n", '{"kwargs":{"value":1}}']
--- raw_request_middle_delay: 0.1
--- error_code: 100


=== a refused call with Expect: 100-continue is refused before its body
--- raw_request eval
"POST /api/v1/al/auln-nobody HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
--- error_code: 404
--- response_body_like: "No such Auth Link"


=== a body that comes byte by byte
--- raw_request eval
["POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n", split //, '{"kwargs":{"value":"z"}}']
--- raw_request_middle_delay: 0.01
--- response_body chomp
z


=== a head that comes byte by byte
--- raw_request eval
[split //, "GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
--- raw_request_middle_delay: 0.005
--- response_body chomp
ok


=== a client that stalls in its body is cut off
--- config
location /api/v1/ { access_log logs/error.log; client_body_timeout 300ms; dff; }
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"kwargs\":"
--- ignore_response
--- error_log
HTTP/1.1" 408 0


=== a client that leaves in its body leaves nothing behind
--- raw_request eval
"POST /api/v1/al/auln-same HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"kwargs\":"
--- timeout: 0.2
--- abort
--- error_log
client prematurely closed connection


=== pipelined requests are answered in their order
--- pipelined_requests eval
["GET /api/v1/al/auln-nap?kwargs={\"seconds\":0.2}", "GET /api/v1/al/auln-ok", "GET /api/v1/al/auln-nobody", "GET /api/v1/al/auln-same?kwargs={\"value\":3}"]
--- error_code eval: [200, 200, 404, 200]
--- response_body_like eval: [qr/\Arested\z/, qr/\Aok\z/, qr/No such Auth Link/, qr/\A3\z/]


=== pipelined requests with bodies keep to their lengths
--- pipelined_requests eval
["POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":1}}", "POST /api/v1/al/auln-same\n{\"kwargs\":{\"value\":22}}"]
--- more_headers
Content-Type: application/json
--- response_body eval: ["1", "22"]


=== HTTP/1.0 without a host
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.0\r\n\r\n"
--- response_body chomp
ok


=== HTTP/1.1 without a host is nginx's 400
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.1\r\n\r\n"
--- error_code: 400


=== an absolute URI: its host counts, its path is the URL
--- raw_request eval
"GET http://other.example:81/api/v1/al/auln-from?a=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- response_body_like: "hostname":"other\.example".*"url":"/api/v1/al/auln-from\?a=1"


=== slashes that repeat are one, what is behind .. is resolved, by nginx
--- request eval
["GET //api/v1//al/auln-ok", "GET /api/v1/x/../al/auln-ok", "GET /api/v1/al/../../../../etc/passwd"]
--- error_code eval: [200, 200, 400]


=== an empty id, a trailing slash, a format of nothing
--- request eval
["GET /api/v1/al/", "GET /api/v1/al", "GET /api/v1/al/auln-ok/", "GET /api/v1/al//flattened", "GET /api/v1/al/auln-ok/flattened/x", "GET /api/v1/al/auln-ok/Flattened"]
--- error_code eval: [(404) x 6]
--- response_body_like eval
[(qr/"message":"No such API","detail":\{"method":"GET","url":"/) x 3, qr/"message":"No such Auth Link"/, (qr/"message":"No such API"/) x 2]


=== an encoded slash belongs to the id and is no separator
--- request eval
["GET /api/v1/al/auln-ok%2Fflattened", "GET /api/v1/al/auln-ok%2f", "GET /api/v1/al/auln%2Dok", "GET /api/v1/al/auln-same/simplified?value=a%2Fb"]
--- error_code eval: [404, 404, 200, 200]
--- response_body_like eval
[qr/"message":"No such Auth Link","detail":\{"id":"auln-ok\/flattened"\}/, qr/"message":"No such Auth Link","detail":\{"id":"auln-ok\/"\}/, qr/\Aok\z/, qr/\Aa\/b\z/]


=== an id that is not UTF-8 or too long to be one
--- request eval
["GET /api/v1/al/%ff%fe", "GET /api/v1/al/" . 'a' x 2000]
--- error_code eval: [404, 404]
--- response_body_like eval
[qr/"message":"No such Auth Link","detail":\{"id":"\xef\xbf\xbd\xef\xbf\xbd"\}/, qr/"message":"No such Auth Link","detail":\{"id":"a{2000}"\}/]


=== options of a POST are an object, no text and no list
--- request eval
["POST /api/v1/al/auln-ok\n{\"options\":{\"unfold\":false}}", "POST /api/v1/al/auln-ok\n{\"options\":null}", "POST /api/v1/al/auln-ok\n{\"options\":\"{}\"}", "POST /api/v1/al/auln-ok\n{\"options\":[]}", "POST /api/v1/al/auln-ok\n{\"options\":0}"]
--- more_headers
Content-Type: application/json
--- error_code eval: [200, 200, 400, 400, 400]
--- response_body_like eval
[qr/"data":\{"result":"ok"\}/, qr/\Aok\z/, (::bad_request('"options" must be a JSON object')) x 3]


=== options of a query and of a form are JSON texts
--- request eval
["GET /api/v1/al/auln-ok?options={\"unfold\":false}", "GET /api/v1/al/auln-ok?options=[]", "GET /api/v1/al/auln-ok?options=%7B%22unfold%22:fals%7D", "POST /api/v1/al/auln-ok\noptions={\"unfold\":false}"]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code eval: [200, 400, 400, 200]
--- response_body_like eval
[qr/"data":\{"result":"ok"\}/, ::bad_request('"options" must be a JSON object'), ::bad_request('"options" is not valid JSON: expected a value at line 1, column 11'), qr/"data":\{"result":"ok"\}/]


=== unknown options are refused by their name, also odd ones
--- request eval
["POST /api/v1/al/auln-ok\n{\"options\":{\"timeOut\":1}}", "POST /api/v1/al/auln-ok\n{\"options\":{\"\":1}}", "GET /api/v1/al/auln-ok/flattened?options_x%22=1", "POST /api/v1/al/auln-ok\n{\"options\":{\"" . "\xc3\xa9" x 300 . "\":1}}"]
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400, 400, 400]
--- response_body_like eval
[::bad_request('Unknown option "timeOut"'), ::bad_request('Unknown option ""'), ::bad_request('Unknown option "x""'), qr/"message":"Unknown option \\"(?:\xc3\xa9){50}\\""/]


=== times out of range, of huge numbers, and of other types name the limit
--- request eval
[map { "POST /api/v1/al/auln-ok\n{\"options\":{\"timeout\":$_}}" } '0', '3601', '-1', '99999999999999999999999', '1e999', '1.5', '"3"', 'null', 'true', '{}', '"\u0000"']
--- more_headers
Content-Type: application/json
--- error_code eval: [(400) x 11]
--- response_body_like eval: [(::bad_request('Option "timeout" must be an integer from 1 to 3600 (seconds)')) x 11]


=== the API timeout has its own limit
--- request eval
["GET /api/v1/al/auln-ok?options={\"apiTimeout\":181}", "GET /api/v1/al/auln-ok/flattened?options_apiTimeout=0", "GET /api/v1/al/auln-ok/flattened?options_apiTimeout=99999999999999999999"]
--- error_code eval: [400, 400, 400]
--- response_body_like eval: [(::bad_request('Option "apiTimeout" must be an integer from 1 to 180 (seconds)')) x 3]


=== booleans of flattened fields are the texts true and false, and nothing else
--- request eval
[map { "GET /api/v1/al/auln-ok/flattened?options_unfold=$_" } 'false', 'true', 'False', '0', '', 'no', '%22false%22']
--- error_code eval: [200, 200, 400, 400, 400, 400, 400]
--- response_body_like eval
[qr/"data":\{"result":"ok"\}/, qr/\Aok\z/, (::bad_request('Option "unfold" must be true or false')) x 5]


=== booleans of JSON are booleans, no texts and no numbers
--- request eval
[map { "POST /api/v1/al/auln-ok\n{\"options\":{\"saveResult\":$_}}" } '"true"', '1', 'null']
--- more_headers
Content-Type: application/json
--- error_code eval: [400, 400, 400]
--- response_body_like eval: [(::bad_request('Option "saveResult" must be true or false')) x 3]


=== an option given twice in a query is a list and so refused
--- request
GET /api/v1/al/auln-ok/flattened?options_timeout=1&options_timeout=2
--- error_code: 400
--- response_body_like eval: ::bad_request('Option "timeout" must be an integer from 1 to 3600 (seconds)')


=== an unknown return type names the known ones
--- request eval
["GET /api/v1/al/auln-ok?options={\"returnType\":\"xml\"}", "GET /api/v1/al/auln-ok?options={\"returnType\":1}"]
--- error_code eval: [400, 400]
--- response_body_like eval: [(::bad_request('Option "returnType" must be "raw", "repr", "jsonDumps" or "ALL"')) x 2]


=== a batch is asynchronous, an auth link is not, and neither can be asked to be other
--- request eval
["GET /api/v1/al/auln-ok?options={\"execMode\":\"async\"}", "GET /api/v1/al/auln-ok?options={\"execMode\":1}"]
--- error_code eval: [400, 400]
--- response_body_like eval: [(::bad_request('Option "execMode" of an auth link must be "sync"')) x 2]


=== an unknown format is not found, whatever comes with it
--- request eval
["GET /api/v1/al/auln-echo/flat?kwargs_x=1", "POST /api/v1/al/auln-echo/json\n{\"x\":1}", "GET /api/v1/bat/bat-none/normal?x=1"]
--- more_headers
Content-Type: application/json
--- error_code eval: [404, 404, 404]
--- response_body_like eval: [(qr/"error":404\.41,"reason":"EClientNotFound","message":"No such API"/) x 3]


=== a trace id of the caller: sane ones are kept, others replaced
--- request eval
[("GET /api/v1/do/ping") x 6]
--- more_headers eval
["X-Trace-Id: a", "X-Trace-Id: " . 'a' x 64, "X-Trace-Id: " . 'a' x 500, "X-Trace-Id: \xff", "X-Trace-Id: a\\b", "X-Trace-Id:"]
--- response_body_like eval
[qr/"traceId":"a"/, qr/"traceId":"a{64}"/, (qr/"traceId":"TRACE-[0-9A-F-]{36}"/) x 4]


=== a request by a script in a page is known as one
--- request eval
["GET /api/v1/al/auln-from", "GET /api/v1/al/auln-from", "GET /api/v1/al/auln-from"]
--- more_headers eval
["X-Requested-With: XMLHttpRequest", "X-Requested-With: xmlhttprequests", "Host: Some.HOST:8088"]
--- response_body_like eval
[qr/"xhr":true/, qr/"xhr":false/, qr/"hostname":"some\.host"/]


=== a body in an error is masked and cut at 10 KB, as a text
--- request eval
"POST /api/v1/al/auln-boom\n" . '{"kwargs": {"text": "x", "password": "p4ss", "more": "' . 'y' x 20_000 . '"}}'
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like eval: qr/"body":"\{\\"kwargs\\":\{\\"text\\":\\"x\\",\\"password\\":\\"\*\*\*\\",\\"more\\":\\"y{10193}\.\.\. \(cut, 20057 bytes\)"\}/
--- response_body_unlike: p4ss


=== a form in an error is shown as its fields, masked
--- request
POST /api/v1/al/auln-boom
kwargs=%7B%22text%22:%22x%22,%22passw%6frd%22:%22p4ss%22%7D&user_token=p4ss&a=1&a=2
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code: 599
--- response_body_like: "body":\{"kwargs":"\{\\"text\\":\\"x\\",\\"password\\":\\"\*\*\*\\"\}","user_token":"\*\*\*","a":\["1","2"\]\}
--- response_body_unlike: p4ss


=== a number beyond 64 bits keeps its digits in the dump
--- request
POST /api/v1/al/auln-boom
{"kwargs": {"text": 123456789012345678901234567890}}
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like: "body":"\{\\"kwargs\\":\{\\"text\\":123456789012345678901234567890\}\}"


=== a body that is no JSON shows its size, it may hold secrets
--- request
POST /api/v1/al/auln-boom
{"password": "p4ss"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "body":"\(19 bytes, not JSON\)"
--- response_body_unlike: p4ss


=== secrets in a URL are masked behind any encoding of their names
--- request eval
["GET /api/v1/al/auln-nobody?acc%65ss_%74oken=p4ss&b=1", "GET /api/v1/al/auln-nobody?kwargs={\"x\":1,\"pass\\u0077ord\":\"p4ss\"}", "GET /api/v1/al/auln-nobody?kwargs=%7B%22my_secret%22:%22p4ss%22", "GET /api/v1/al/auln-nobody?Password=p4ss"]
--- error_code eval: [404, 404, 404, 404]
--- response_body_like eval
[qr/"url":"\/api\/v1\/al\/auln-nobody\?acc%65ss_%74oken=\*\*\*&b=1"/, qr/\?kwargs=\{\\"x\\":1,\\"pass\\\\u0077ord\\":\\"\*\*\*\\"\}"/, qr/\?kwargs=\*\*\*"/, qr/\?Password=\*\*\*"/]
--- response_body_unlike: p4ss
