# What callers are told when a call cannot be made or does not succeed.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== an unknown link is 404.41 with its id
--- request
GET /api/v1/al/auln-nobody
--- error_code: 404
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body_like: ^\{"ok":false,"error":404\.41,"reason":"EClientNotFound","message":"No such Auth Link","detail":\{"id":"auln-nobody"\},"reqDump":\{"method":"GET","url":"/api/v1/al/auln-nobody"\},"reqCost":\d+,"traceId":"TRACE-[0-9A-F-]+","reqTime":"[^"]+","respTime":"[^"]+"\}$


=== an id that cannot be one is unknown too
--- request
GET /api/v1/al/a%20b
--- error_code: 404
--- response_body_like: "error":404\.41,"reason":"EClientNotFound","message":"No such Auth Link","detail":\{"id":"a b"\}


=== an unknown format is 404.41
--- request
GET /api/v1/al/auln-ok/fancy
--- error_code: 404
--- response_body_like: "error":404\.41,"reason":"EClientNotFound"


=== a path that is no API is 404.41 and names method and path
--- request
GET /api/v1/nothing/here
--- error_code: 404
--- response_body_like: "detail":\{"method":"GET","url":"/api/v1/nothing/here"\}


=== other methods are 405 and say which are allowed
--- request
PUT /api/v1/al/auln-ok
--- error_code: 405
--- response_headers
Allow: GET, POST, OPTIONS


=== HEAD is 405
--- request
HEAD /api/v1/al/auln-ok
--- error_code: 405


=== broken JSON: where it breaks
--- request
POST /api/v1/al/auln-ok
{"kwargs": {"a": 1,}}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "error":400\.43,"reason":"EClientBadRequest","message":"Invalid request body: [^"]+ at line 1, column 20"


=== a body that is no object
--- request
POST /api/v1/al/auln-ok
[1]
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: must be a JSON object


=== kwargs that are no object
--- request
POST /api/v1/al/auln-ok
{"kwargs": [1]}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: \\"kwargs\\" must be a JSON object


=== kwargs of a query that are no JSON: where
--- request
GET /api/v1/al/auln-ok?kwargs={x:1}
--- error_code: 400
--- response_body_like: \\"kwargs\\" is not valid JSON: [^"]+ at line 1, column 2


=== invalid UTF-8 in arguments is an error
--- request eval
"POST /api/v1/al/auln-same\n{\"kwargs\": {\"value\": \"\xc3\x28\"}}"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "error":400\.43


=== a content type that is neither JSON nor form
--- request
POST /api/v1/al/auln-ok
<a/>
--- more_headers
Content-Type: text/xml
--- error_code: 400
--- response_body_like: Content-Type must be application/json or application/x-www-form-urlencoded, got \\"text/xml\\"


=== bad percent-encoding
--- request
GET /api/v1/al/auln-ok?kwargs=%7G
--- error_code: 400
--- response_body_like: Invalid query string: bad percent-encoding


=== an option out of range names the option and its limits
--- request
GET /api/v1/al/auln-ok?options={"timeout":3601}
--- error_code: 400
--- response_body_like: Option \\"timeout\\" must be an integer from 1 to 3600 \(seconds\)


=== an unknown option
--- request
GET /api/v1/al/auln-ok?options={"timeOut":3}
--- error_code: 400
--- response_body_like: Unknown option \\"timeOut\\"


=== an auth link is synchronous
--- request
GET /api/v1/al/auln-ok?options={"execMode":"async"}
--- error_code: 400
--- response_body_like: Option \\"execMode\\" of an auth link must be \\"sync\\"


=== an exception is 599.3 with its type and text
--- request
GET /api/v1/al/auln-boom
--- error_code: 599
--- response_body_like: ^\{"ok":false,"error":599\.3,"reason":"EFuncFailed","message":"[^"]+","detail":\{"id":"task-[0-9A-Za-z]{22}","etype":"ValueError","einfoTEXT":"raise ValueError\(text\)\\nValueError: x"\},"reqDump"


=== a missing argument is the function's TypeError
--- request
GET /api/v1/al/auln-plus
--- error_code: 599
--- response_body_like: "etype":"TypeError","einfoTEXT":"[^"]*missing 2 required positional arguments


=== a worker that is killed: 599.3 at once, and the next call works
--- request eval
["GET /api/v1/al/auln-die", "GET /api/v1/al/auln-ok"]
--- error_code eval
[599, 200]
--- response_body_like eval
[qr/"error":599\.3,"reason":"EFuncFailed".*"etype":"WorkerLostError","einfoTEXT":"[^"]*signal 9/, qr/^ok$/]
--- timeout: 2


=== secrets are masked in reqDump
--- request
POST /api/v1/al/auln-boom?accessToken=abc&a=1
{"kwargs": {"text": "x", "Password": "p", "deep": [{"my_secret": 1}]}}
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like: "reqDump":\{"method":"POST","url":"/api/v1/al/auln-boom\?accessToken=\*\*\*&a=1","body":\{"kwargs":\{"text":"x","Password":"\*\*\*","deep":\[\{"my_secret":"\*\*\*"\}\]\}\}\}
