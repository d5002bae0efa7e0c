# Calling a function through an auth link, in normal format.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a text result is the body, as text/plain
--- request
GET /api/v1/al/auln-ok
--- error_code: 200
--- response_headers
Content-Type: text/plain; charset=utf-8
X-Content-Type-Options: nosniff
--- response_body chomp
ok


=== every answer carries the trace, time, cost and task headers
--- request
GET /api/v1/al/auln-ok
--- raw_response_headers_like
X-Trace-Id: TRACE-[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\r
X-Request-Time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\r
X-Response-Time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\r
X-Request-Cost: \d+\r
X-Content-Type-Options: nosniff\r
X-Dff-Task-Id: task-[0-9A-Za-z]{22}\r


=== a sane trace id of the caller is kept
--- request
GET /api/v1/al/auln-ok
--- more_headers
X-Trace-Id: my-trace_1.2:3
--- response_headers
X-Trace-Id: my-trace_1.2:3


=== a trace id that could break a log line is replaced
--- request
GET /api/v1/al/auln-ok
--- more_headers
X-Trace-Id: a "quoted" one
--- raw_response_headers_like: X-Trace-Id: TRACE-[0-9A-F-]{36}\r


=== arguments of a GET are a JSON text
--- request
GET /api/v1/al/auln-plus?kwargs={"x":1,"y":41}
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body chomp
42


=== arguments of a GET may be percent-encoded
--- request
GET /api/v1/al/auln-plus?kwargs=%7B%22x%22%3A+%22a%22%2C%22y%22%3A%22%C3%A9%22%7D
--- response_body chomp
aé


=== arguments of a JSON POST
--- request
POST /api/v1/al/auln-plus
{"kwargs": {"x": 20, "y": 22}}
--- more_headers
Content-Type: application/json
--- response_body chomp
42


=== a charset after the media type does not matter
--- request
POST /api/v1/al/auln-plus
{"kwargs": {"x": 20, "y": 22}}
--- more_headers
Content-Type: application/json; charset=utf-8
--- response_body chomp
42


=== arguments of a form POST are a JSON text
--- request
POST /api/v1/al/auln-plus
kwargs=%7B%22x%22%3A1%2C%22y%22%3A2%7D
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body chomp
3


=== the query of a POST is no argument
--- request
POST /api/v1/al/auln-echo?kwargs={"a":1}
{"kwargs": {"b": 2}}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"b":2}


=== a POST without a body has no arguments
--- request
POST /api/v1/al/auln-echo
--- more_headers
Content-Length: 0
--- response_body chomp
{}


=== arguments keep their exact text: big integers and duplicate keys
--- request
POST /api/v1/al/auln-look
{"kwargs": {"value": 1, "value": 123456789012345678901234567890}}
--- more_headers
Content-Type: application/json
--- response_body chomp
int 123456789012345678901234567890


=== options sent as a JSON object count
--- request
POST /api/v1/al/auln-ok
{"kwargs": {}, "options": {"unfold": false}}
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body_like: ^\{"ok":true,"error":200,"message":"","data":\{"result":"ok"\},"traceId":"TRACE-[0-9A-F-]+","reqTime":"[^"]+","respTime":"[^"]+","reqCost":\d+\}$


=== options in a query are a JSON text
--- request
GET /api/v1/al/auln-look?kwargs={"value":"a"}&options={"returnType":"repr"}
--- response_body chomp
"str 'a'"


=== saveResult names the task and where its result is
--- request
GET /api/v1/al/auln-ok?options={"unfold":false,"saveResult":true}
--- response_body_like: "data":\{"result":"ok"\},"taskId":"(task-[0-9A-Za-z]{22})","resultURL":"/api/v1/func-result\?taskId=\1","traceId"


=== a null result is JSON
--- request
GET /api/v1/al/auln-same?kwargs={"value":null}
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body chomp
null


=== false, zero and empty results are each their own JSON
--- request
GET /api/v1/al/auln-same?kwargs={"value":[false,0,"",[],{}]}
--- response_body chomp
[false,0,"",[],{}]


=== an empty text is an empty body of type text
--- request
GET /api/v1/al/auln-same?kwargs={"value":""}
--- response_headers
Content-Type: text/plain; charset=utf-8
Content-Length: 0
--- response_body chomp


=== fixed arguments reach the function with those of the caller
--- request
GET /api/v1/al/auln-fixed?kwargs={"x":1,"more":true}
--- response_body chomp
{"x":1,"more":true,"y":2,"é":[1,{"a":null}]}


=== a caller must not send a fixed argument
--- request
GET /api/v1/al/auln-fixed?kwargs={"x":1,"y":3}
--- error_code: 400
--- response_body_like: ^\{"ok":false,"error":400\.43,"reason":"EClientBadRequest","message":"Found unexpected function kwargs field","detail":\{"kwargsField":"y","kwargsValue":3,"funcId":"t__basic\.echo"\}


=== a fixed argument cannot be smuggled in with escapes
--- request
POST /api/v1/al/auln-fixed
{"kwargs": {"\u0079": 3}}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "kwargsField":"y","kwargsValue":3


=== the function sees the HTTP request
--- request
POST /api/v1/al/auln-seen?a=1&b=2&a=3
{"kwargs": {}}
--- more_headers
Content-Type: application/json
User-Agent: tester/1.0 "q"
--- response_body chomp
{"method":"POST","url":"/api/v1/al/auln-seen?a=1&b=2&a=3","query":{"a":["1","3"],"b":"2"},"body":{"kwargs":{}},"agent":"tester/1.0 \"q\""}


=== DFF.RESP says status, type and headers
--- request
GET /api/v1/al/auln-custom
--- error_code: 201
--- response_headers
Content-Type: text/html; charset=utf-8
X-Own: yes
--- response_body chomp
<p>hi</p>


=== a body larger than a buffer arrives whole
--- request eval
"POST /api/v1/al/auln-same\n" . '{"kwargs":{"value":"' . ('x' x 2_000_000) . '"}}'
--- more_headers
Content-Type: application/json
--- response_body eval
'x' x 2_000_000
--- timeout: 10
