# The health check, CORS, and Redis away.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== ping answers pong
--- request
GET /api/v1/do/ping
--- response_headers
Content-Type: application/json; charset=utf-8
--- response_body_like: ^\{"ok":true,"error":200,"message":"","data":"pong","traceId":"TRACE-[0-9A-F-]+","reqTime":"[^"]+","respTime":"[^"]+","reqCost":\d+\}$


=== an answer reflects the origin
--- request
GET /api/v1/do/ping
--- more_headers
Origin: http://elsewhere.example
--- response_headers
Access-Control-Allow-Origin: http://elsewhere.example
Access-Control-Allow-Credentials: true
Vary: Origin


=== without an origin there are no CORS headers
--- request
GET /api/v1/do/ping
--- raw_response_headers_unlike: Access-Control


=== preflight
--- request
OPTIONS /api/v1/al/auln-ok
--- more_headers
Origin: http://elsewhere.example
Access-Control-Request-Method: POST
Access-Control-Request-Headers: content-type, x-trace-id
--- error_code: 200
--- response_headers
Access-Control-Allow-Origin: http://elsewhere.example
Access-Control-Allow-Methods: GET, POST, OPTIONS
Access-Control-Allow-Headers: content-type, x-trace-id
Access-Control-Max-Age: 86400
