# The result cache of functions with cache_result.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== an equal call is answered from the cache, and says so
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"a\":1}", "GET /api/v1/al/auln-cache-token?kwargs={\"a\":1}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "X-Dataflux-Func-Cache: Cached\n!X-Dff-Task-Id"]
--- response_body_like eval
[qr/^[0-9a-f]{32}$/, qr/^[0-9a-f]{32}$/]


=== other arguments are another call
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"b\":1}", "GET /api/v1/al/auln-cache-token?kwargs={\"b\":2}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]


=== the text of the arguments counts: another order is another call
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"c\":1,\"d\":2}", "GET /api/v1/al/auln-cache-token?kwargs={\"d\":2,\"c\":1}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]


=== another returnType is another call
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"e\":1}", "GET /api/v1/al/auln-cache-token?kwargs={\"e\":1}&options={\"returnType\":\"repr\"}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]
--- response_body_like eval
[qr/^[0-9a-f]{32}$/, qr/^'[0-9a-f]{32}'$/]


=== the cached result comes folded where that is asked for
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"f\":1}", "GET /api/v1/al/auln-cache-token?kwargs={\"f\":1}&options={\"unfold\":false}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "X-Dataflux-Func-Cache: Cached"]
--- response_body_like eval
[qr/^[0-9a-f]{32}$/, qr/^\{"ok":true,"error":200,"message":"","data":\{"result":"[0-9a-f]{32}"\},"traceId"/]


=== a caller that wants to fetch the result later gets a task of its own
--- request eval
["GET /api/v1/al/auln-cache-token?kwargs={\"g\":1}", "GET /api/v1/al/auln-cache-token?kwargs={\"g\":1}&options={\"saveResult\":true,\"unfold\":false}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]
--- response_body_like eval
[qr/^[0-9a-f]{32}$/, qr/"taskId":"task-[0-9A-Za-z]{22}"/]


=== the fixed arguments of the link count as the caller's do
--- request eval
["GET /api/v1/al/auln-cache-fixed", "GET /api/v1/al/auln-cache-token?kwargs={\"x\":1}", "GET /api/v1/al/auln-cache-fixed?kwargs={\"h\":1}"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "X-Dataflux-Func-Cache: Cached", "!X-Dataflux-Func-Cache"]


=== a function without cache_result is run each time
--- request eval
["GET /api/v1/al/auln-cache-none", "GET /api/v1/al/auln-cache-none"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]


=== a DFF.RESP comes from the cache with its status, type and headers
--- request eval
["GET /api/v1/al/auln-cache-page", "GET /api/v1/al/auln-cache-page"]
--- error_code eval
[201, 201]
--- response_headers eval
["X-Own: yes\nContent-Type: text/html; charset=utf-8\n!X-Dataflux-Func-Cache", "X-Own: yes\nContent-Type: text/html; charset=utf-8\nX-Dataflux-Func-Cache: Cached"]


=== a failure is not cached
--- request eval
["GET /api/v1/al/auln-cache-failed", "GET /api/v1/al/auln-cache-failed"]
--- error_code eval
[599, 599]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]


=== a large result comes from the cache whole
--- request eval
["GET /api/v1/al/auln-cache-large", "GET /api/v1/al/auln-cache-large"]
--- response_headers eval
["Content-Length: 3000032\n!X-Dataflux-Func-Cache", "Content-Length: 3000032\nX-Dataflux-Func-Cache: Cached"]
--- response_body_like eval
[qr/^[0-9a-f]{32}x{1000}/, qr/^[0-9a-f]{32}x{1000}/]
--- timeout: 10


=== a page of another origin may see that a result was cached
--- request
GET /api/v1/al/auln-cache-none
--- more_headers
Origin: http://elsewhere.example
--- response_headers_like
Access-Control-Expose-Headers: .*\bX-Dataflux-Func-Cache\b.*
