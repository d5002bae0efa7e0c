# Flattened and simplified formats: GET, JSON and form.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== flattened GET: kwargs_<name> are arguments, always texts
--- request
GET /api/v1/al/auln-echo/flattened?kwargs_x=1&kwargs_y=a%20%22b%22&other=2
--- response_body chomp
{"x":"1","y":"a \"b\""}


=== flattened GET: options_<name> are options
--- request
GET /api/v1/al/auln-ok/flattened?options_unfold=false
--- response_body_like: "data":\{"result":"ok"\}


=== flattened GET: a number option out of range names its limits
--- request
GET /api/v1/al/auln-ok/flattened?options_timeout=0
--- error_code: 400
--- response_body_like: Option \\"timeout\\" must be an integer from 1 to 3600 \(seconds\)


=== flattened GET: repeated fields make a list
--- request
GET /api/v1/al/auln-echo/flattened?kwargs_x=1&kwargs_y=2&kwargs_x=3
--- response_body chomp
{"x":["1","3"],"y":"2"}


=== flattened JSON: values keep their types
--- request
POST /api/v1/al/auln-echo/flattened
{"kwargs_x": 1, "kwargs_y": [null, {"a": 1.5}], "options_timeout": 3, "other": 1}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"x":1,"y":[null,{"a":1.5}]}


=== flattened JSON: names may be written in many ways, and the last of one counts
--- request
POST /api/v1/al/auln-echo/flattened
{"\u006bwargs_\n\u0001\"\/\ud83d\ude00": 1, "kwargs_": 2, "kwargs_x": 3, "kwargs_x": 4, "Kwargs_y": 5}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"\n\u0001\"/😀":1,"x":4}


=== flattened JSON without arguments
--- request
POST /api/v1/al/auln-echo/flattened
{"other": 1}
--- more_headers
Content-Type: application/json
--- response_body chomp
{}


=== flattened form
--- request
POST /api/v1/al/auln-echo/flattened?kwargs_q=1
kwargs_x=1&kwargs_y=%E4%B8%AD
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body chomp
{"x":"1","y":"中"}


=== simplified GET: every field is an argument
--- request
GET /api/v1/al/auln-echo/simplified?x=1&kwargs=2&options_timeout=9999
--- response_body chomp
{"x":"1","kwargs":"2","options_timeout":"9999"}


=== simplified JSON: the body is the arguments
--- request
POST /api/v1/al/auln-echo/simplified
{"x": 1, "options": {"timeout": 9999}}
--- more_headers
Content-Type: application/json
--- response_body chomp
{"x":1,"options":{"timeout":9999}}


=== simplified form: an empty value is an empty text
--- request
POST /api/v1/al/auln-echo/simplified
x=&y
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- response_body chomp
{"x":"","y":""}


=== fixed arguments are refused in every format
--- request
GET /api/v1/al/auln-fixed/simplified?x=1&y=3
--- error_code: 400
--- response_body_like: "detail":\{"kwargsField":"y","kwargsValue":"3","funcId":"t__basic\.echo"\}


=== fixed arguments are added in every format
--- request
GET /api/v1/al/auln-fixed/flattened?kwargs_x=1
--- response_body chomp
{"x":"1","y":2,"é":[1,{"a":null}]}


=== an unknown format is not found, its arguments are not dropped silently
--- request
GET /api/v1/al/auln-echo/flat?kwargs_x=1
--- error_code: 404
--- response_body_like: "error":404\.41,"reason":"EClientNotFound"
