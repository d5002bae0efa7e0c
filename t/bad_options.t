# Options of strangers, in every format: a wrong one is refused with its name and its limit.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/bad_request.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

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
