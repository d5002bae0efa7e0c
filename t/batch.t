# Batches: asynchronous, answered when their job is queued; the result comes later by
# func-result.

use Test::Nginx::Socket 'no_plan';
use FindBin;
use Time::HiRes ();

require "$FindBin::Bin/defaults.pl";
require "$FindBin::Bin/redis.pl";

defaults();
add_block_preprocessor(sub {
    redis(['SET', 'dff:route:bat:bat-t-echo',
        '{"v":1,"id":"bat-t-echo","kind":"bat","funcId":"t__basic.echo"}'], ['SET', 'dff:route:bat:bat-t-fixed',
        '{"v":1,"id":"bat-t-fixed","kind":"bat","funcId":"t__basic.echo","kwargs":{"x":"INPUT_BY_CALLER","y":2}}']);
});
add_cleanup_handler(sub { redis(['DEL', 'dff:route:bat:bat-t-echo', 'dff:route:bat:bat-t-fixed']) });

run_tests();

__DATA__

=== a call through a batch is answered with its task and where its result will be
--- request eval
["GET /api/v1/bat/bat-t-echo?kwargs={\"x\":1}", "POST /api/v1/bat/bat-t-echo\n{\"kwargs\":{\"x\":1}}", "GET /api/v1/bat/bat-t-echo/flattened?kwargs_x=1", "GET /api/v1/bat/bat-t-echo/simplified?x=1"]
--- more_headers
Content-Type: application/json
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body_like eval
[(qr/\A\{"ok":true,"error":200,"message":"","data":\{"result":null\},"taskId":"(task-[0-9A-Za-z]{22})","resultURL":"\/api\/v1\/func-result\?taskId=\1","traceId":/) x 4]


=== an unknown batch is 404.41 with its id
--- request
GET /api/v1/bat/bat-nobody
--- error_code: 404
--- response_body_like: "error":404\.41,"reason":"EClientNotFound","message":"No such Batch","detail":\{"id":"bat-nobody"\}


=== execMode of a batch can only be async
--- request eval
["GET /api/v1/bat/bat-t-echo?options={\"execMode\":\"async\"}", "GET /api/v1/bat/bat-t-echo?options={\"execMode\":\"sync\"}"]
--- error_code eval: [200, 400]
--- response_body_like eval
[qr/"taskId":/, qr/"message":"Option \\"execMode\\" of a batch must be \\"async\\""/]


=== fixed arguments of a batch are refused from the caller
--- request eval
["GET /api/v1/bat/bat-t-fixed/simplified?x=1", "GET /api/v1/bat/bat-t-fixed/simplified?y=1"]
--- error_code eval: [200, 400]
--- response_body_like eval
[qr/"taskId":/, qr/"message":"Found unexpected function kwargs field","detail":\{"kwargsField":"y","kwargsValue":"1","funcId":"t__basic\.echo"\}/]


=== other methods are 405
--- request
PUT /api/v1/bat/bat-t-echo
--- error_code: 405
--- response_headers
Allow: GET, POST, OPTIONS
