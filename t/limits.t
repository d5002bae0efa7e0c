# Limits of a link: disabled, expired, throttled.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a disabled link is 403.21 AuthLinkDisabled
--- request
GET /api/v1/al/auln-lim-disabled
--- error_code: 403
--- response_body_like: ^\{"ok":false,"error":403\.21,"reason":"EBizCondition\.AuthLinkDisabled","message":"[^"]+","reqDump"


=== a link whose expireTime has passed is 403.21 AuthLinkExpired
--- request
GET /api/v1/al/auln-lim-expired
--- error_code: 403
--- response_body_like: ^\{"ok":false,"error":403\.21,"reason":"EBizCondition\.AuthLinkExpired","message":"[^"]+","reqDump"


=== a link that expires later is called
--- request
GET /api/v1/al/auln-lim-expires-later
--- response_body chomp
ok


=== empty throttling limits nothing
--- request eval
["GET /api/v1/al/auln-lim-none", "GET /api/v1/al/auln-lim-none", "GET /api/v1/al/auln-lim-none"]
--- error_code eval
[200, 200, 200]


=== over byMinute: 403.21 AuthLinkThrottling with rule, limit, count and wait
--- request eval
["GET /api/v1/al/auln-lim-minute", "GET /api/v1/al/auln-lim-minute"]
--- error_code eval
[200, 403]
--- response_headers_like eval
["", "Retry-After: [1-9]\\d?"]
--- response_body_like eval
[qr/^ok$/, qr/^\{"ok":false,"error":403\.21,"reason":"EBizCondition\.AuthLinkThrottling","message":"[^"]+","detail":\{"rule":"byMinute","limit":1,"currentCount":1,"waitSeconds":[1-9]\d?\},"reqDump"/]


=== over byHour
--- request eval
["GET /api/v1/al/auln-lim-hour", "GET /api/v1/al/auln-lim-hour"]
--- error_code eval
[200, 403]
--- response_body_like eval
[qr/^ok$/, qr/"detail":\{"rule":"byHour","limit":1,"currentCount":1,"waitSeconds":[1-9]\d{0,3}\}/]


=== over byDay
--- request eval
["GET /api/v1/al/auln-lim-day", "GET /api/v1/al/auln-lim-day"]
--- error_code eval
[200, 403]
--- response_body_like eval
[qr/^ok$/, qr/"detail":\{"rule":"byDay","limit":1,"currentCount":1,"waitSeconds":[1-9]\d{0,4}\}/]


=== over byMonth
--- request eval
["GET /api/v1/al/auln-lim-month", "GET /api/v1/al/auln-lim-month"]
--- error_code eval
[200, 403]
--- response_body_like eval
[qr/^ok$/, qr/"detail":\{"rule":"byMonth","limit":1,"currentCount":1,"waitSeconds":[1-9]\d{0,6}\}/]


=== over byYear
--- request eval
["GET /api/v1/al/auln-lim-year", "GET /api/v1/al/auln-lim-year"]
--- error_code eval
[200, 403]
--- response_body_like eval
[qr/^ok$/, qr/"detail":\{"rule":"byYear","limit":1,"currentCount":1,"waitSeconds":[1-9]\d{0,7}\}/]


=== over several rules: the one that lasts longest is told
--- request eval
["GET /api/v1/al/auln-lim-several", "GET /api/v1/al/auln-lim-several"]
--- error_code eval
[200, 403]
--- response_body_like eval
[qr/^ok$/, qr/"detail":\{"rule":"byYear",/]


=== the body of a refused call does not become the next request
--- pipelined_requests eval
["POST /api/v1/al/auln-lim-body\n{\"kwargs\":{}}",
 "POST /api/v1/al/auln-lim-body\n{\"kwargs\":{}}",
 "POST /api/v1/al/auln-lim-disabled\nGET /api/v1/do/ping HTTP/1.1\r\nHost: x\r\n\r\n",
 "POST /api/v1/al/auln-nobody\n{\"kwargs\":{}}",
 "GET /api/v1/al/auln-ok"]
--- more_headers
Content-Type: application/json
--- error_code eval
[200, 403, 403, 404, 200]
--- response_body_like eval
[qr/^ok$/, qr/\.AuthLinkThrottling"/, qr/\.AuthLinkDisabled"/, qr/"No such Auth Link"/, qr/^ok$/]


=== a page of another origin may read when to come again
--- request eval
["GET /api/v1/al/auln-lim-cors", "GET /api/v1/al/auln-lim-cors"]
--- more_headers
Origin: http://elsewhere.example
--- error_code eval
[200, 403]
--- response_headers_like
Access-Control-Expose-Headers: .*\bRetry-After\b.*


=== an auth link takes no eta
--- request
GET /api/v1/al/auln-ok?options={"eta":"2037-01-01T00:00:00Z"}
--- error_code: 400
--- response_body_like: "error":400\.43,.*Option \\"eta\\" is for async calls only
