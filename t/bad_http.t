# HTTP of strangers: methods, headers, lengths and chunks, and how a request comes. Bodies over
# their limit and files are elsewhere.
#
# What nginx refuses before any module sees it (broken heads, broken chunks) is answered by
# nginx, with its own page.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/bad_request.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a NUL in a header
--- raw_request eval
"GET /api/v1/al/auln-ok HTTP/1.1\r\nHost: localhost\r\nX-Trace-Id: a\0b\r\nConnection: close\r\n\r\n"
--- error_code: 400


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
