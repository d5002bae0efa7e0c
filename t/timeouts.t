# API timeout (599.1), function timeout (599.31), and the results that come later.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== the API timeout is 599.1 with the task id, after api_timeout seconds
--- request
GET /api/v1/al/auln-late?kwargs={"seconds":2}
--- error_code: 599
--- response_body_like: ^\{"ok":false,"error":599\.1,"reason":"EAPITimeout","message":"Waiting function result timeout, but task is still running\. Use task ID to fetch result later\.","detail":\{"id":"task-[0-9A-Za-z]{22}"\},"reqDump":\{"method":"GET","url":"/api/v1/al/auln-late\?kwargs=[^ ]*"\},"reqCost":10\d\d,"traceId":"TRACE-[0-9A-F-]+","reqTime":"[^"]+","respTime":"[^"]+"\}$
--- timeout: 3


=== the caller may shorten the API timeout
--- request
GET /api/v1/al/auln-nap?kwargs={"seconds":2}&options={"apiTimeout":1}
--- error_code: 599
--- response_body_like: "error":599\.1,.*"reqCost":10\d\d,
--- timeout: 3


=== the soft limit ends a sleep: 599.31
--- request
GET /api/v1/al/auln-oversleep
--- error_code: 599
--- response_body_like: ^\{"ok":false,"error":599\.31,"reason":"EFuncTimeout","message":"Calling Function timeout\.","detail":\{"id":"task-[0-9A-Za-z]{22}","etype":"SoftTimeLimitExceeded","einfoTEXT":"raise SoftTimeLimitExceeded\(\)\\nbilliard\.exceptions\.SoftTimeLimitExceeded: SoftTimeLimitExceeded\(\)"\},"reqDump":.*"reqCost":(?:99\d|1[0-4]\d\d),
--- timeout: 3


=== the soft limit ends a loop: 599.31
--- request
GET /api/v1/al/auln-overrun
--- error_code: 599
--- response_body_like: "error":599\.31,.*"reqCost":(?:99\d|1[0-4]\d\d),
--- timeout: 3


=== the timeout option is the function's limit
--- request
GET /api/v1/al/auln-nap?kwargs={"seconds":5}&options={"timeout":1}
--- error_code: 599
--- response_body_like: "error":599\.31,
--- timeout: 3


=== a function may catch the limit and answer
--- request
GET /api/v1/al/auln-caught
--- response_body chomp
caught
--- timeout: 3


=== func-result wants a task id
--- request
GET /api/v1/func-result
--- error_code: 400
--- response_body_like: "error":400\.43,.*taskId


=== func-result of an unknown task is 404.41
--- request
GET /api/v1/func-result?taskId=task-unknown
--- error_code: 404
--- response_body_like: "error":404\.41,"reason":"EClientNotFound",.*"detail":\{"id":"task-unknown"\}


=== func-result takes GET only
--- request
POST /api/v1/func-result?taskId=task-unknown
--- error_code: 405
--- response_headers
Allow: GET, OPTIONS
