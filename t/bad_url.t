# URLs, queries and forms of strangers: each wrong thing is refused with the exact reason, each
# odd but right thing works. What nginx refuses before any module sees it (a NUL in a path) is
# answered by nginx, with its own page.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/bad_request.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a NUL in the path
--- raw_request eval
"GET /api/v1/al/auln\0ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- error_code: 400


=== %00 in the path
--- request
GET /api/v1/al/auln%00ok
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


=== %00 in a query value and in a form reaches the function
--- request eval
["GET /api/v1/al/auln-look/simplified?value=a%00b", "POST /api/v1/al/auln-look/simplified\nvalue=a%00\0b"]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body eval: ["str 'a\\x00b'", "str 'a\\x00\\x00b'"]


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


=== an unknown format is not found, whatever comes with it
--- request eval
["GET /api/v1/al/auln-echo/flat?kwargs_x=1", "POST /api/v1/al/auln-echo/json\n{\"x\":1}", "GET /api/v1/bat/bat-none/normal?x=1"]
--- more_headers
Content-Type: application/json
--- error_code eval: [404, 404, 404]
--- response_body_like eval: [(qr/"error":404\.41,"reason":"EClientNotFound","message":"No such API"/) x 3]
