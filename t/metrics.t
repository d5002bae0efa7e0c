# GET /metrics: what one nginx says; what moves it is in t/system/test_metrics.py.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults(config => 'location /api/v1/ { dff; } location = /metrics { dff; }');
run_tests();

__DATA__

=== metrics are text of format 0.0.4
--- request
GET /metrics
--- response_headers
Content-Type: text/plain; version=0.0.4; charset=utf-8
--- response_body_like: ^# HELP dff_build_info [^\n]+\n# TYPE dff_build_info gauge\ndff_build_info\{version="[^"]+",nginx="[^"]+"\} 1\n


=== a call is counted under its outcome, whatever came before it
--- request eval
["GET /api/v1/al/auln-ok", "GET /api/v1/al/auln-nobody", "GET /metrics"]
--- error_code eval
[200, 404, 200]
--- response_body_like eval
[qr/^ok$/, qr/404\.41/, qr/\ndff_calls_total\{outcome="ok"\} [1-9]\d*\ndff_calls_total\{outcome="client_error"\} [1-9]/]


=== the queues and the executor of the cluster are there
--- request
GET /metrics
--- response_body_like: \ndff_queue_length\{queue="0"\} 0\n(.*\n)*dff_workers\{node="[^"]+",group="1-6",state="busy"\} \d+\n


=== POST is 405
--- request
POST /metrics
x
--- error_code: 405
--- response_headers
Allow: GET, OPTIONS


=== HEAD is 405
--- request
HEAD /metrics
--- error_code: 405


=== a path below it is no API
--- config
location /metrics { dff; }
--- request
GET /metrics/x
--- error_code: 404
--- response_body_like: "reason":"EClientNotFound","message":"No such API"


=== only whom the location allows
--- config
location = /metrics { deny all; dff; }
--- request
GET /metrics
--- error_code: 403
