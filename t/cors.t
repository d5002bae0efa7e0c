# CORS by WEB_CORS_ORIGIN and WEB_CORS_CREDENTIALS.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/config_with.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(http_config => config_with('t-cors', $block->dff_config || ''));
});

run_tests();

__DATA__

=== true: every origin is reflected, on errors too
--- dff_config
WEB_CORS_ORIGIN: true
--- request eval
["GET /api/v1/al/auln-ok", "GET /api/v1/al/auln-nobody"]
--- more_headers
Origin: null
--- error_code eval: [200, 404]
--- response_headers
Access-Control-Allow-Origin: null
Access-Control-Allow-Credentials: true
Access-Control-Expose-Headers: X-Trace-Id, X-Request-Time, X-Response-Time, X-Request-Cost, X-Dff-Task-Id, X-Dataflux-Func-Cache, Retry-After
Vary: Origin


=== true, and no origin: only Vary
--- dff_config
WEB_CORS_ORIGIN: true
--- request
GET /api/v1/al/auln-ok
--- response_headers
Vary: Origin
! Access-Control-Allow-Origin
! Access-Control-Allow-Credentials


=== false: nothing, not even for a preflight
--- dff_config
WEB_CORS_ORIGIN: false
--- request eval
["GET /api/v1/al/auln-ok", "OPTIONS /api/v1/al/auln-ok"]
--- more_headers
Origin: http://a.example
Access-Control-Request-Method: POST
--- response_headers
! Access-Control-Allow-Origin
! Access-Control-Allow-Credentials
! Access-Control-Allow-Methods
! Vary


=== a list: its origins, in any case, and no others
--- dff_config
WEB_CORS_ORIGIN: http://a.example, https://b.example:8443
--- request eval
[("GET /api/v1/do/ping") x 7]
--- more_headers eval
[map { "Origin: $_" } 'http://a.example', 'https://B.example:8443', 'https://a.example', 'http://a.example:80', 'http://a.example.evil.example', 'http://a.exampl', 'http://a.example,']
--- response_headers eval
["Access-Control-Allow-Origin: http://a.example\nVary: Origin", "Access-Control-Allow-Origin: https://B.example:8443",
 ("! Access-Control-Allow-Origin\n! Access-Control-Allow-Credentials\nVary: Origin") x 5]


=== a YAML list is a list
--- dff_config
WEB_CORS_ORIGIN: ["http://a.example", "http://b.example"]
--- request
GET /api/v1/do/ping
--- more_headers
Origin: http://b.example
--- response_headers
Access-Control-Allow-Origin: http://b.example


=== regexp: entries match by their pattern, beside plain ones
--- dff_config
WEB_CORS_ORIGIN: ["regexp:^https://[a-z0-9-]+[.]example$", "http://localhost:3000"]
--- request eval
[("GET /api/v1/do/ping") x 5]
--- more_headers eval
[map { "Origin: $_" } 'https://x-1.example', 'http://localhost:3000', 'https://x.y.example', 'https://x.example.evil', 'http://x.example']
--- response_headers eval
["Access-Control-Allow-Origin: https://x-1.example", "Access-Control-Allow-Origin: http://localhost:3000", ("! Access-Control-Allow-Origin") x 3]


=== a broken pattern is refused at start
--- dff_config
WEB_CORS_ORIGIN: "regexp:^(http"
--- must_die
--- error_log
dff_config: WEB_CORS_ORIGIN: pcre


=== what is no origin is refused at start and told what would be one
--- dff_config
WEB_CORS_ORIGIN: "*"
--- must_die
--- error_log
dff_config: WEB_CORS_ORIGIN: "*" is no origin: "true" for all, "false" for none, or a list of scheme://host[:port]


=== an origin with a path could never match, so it is refused at start
--- dff_config
WEB_CORS_ORIGIN: http://a.example/
--- must_die
--- error_log
"http://a.example/" is no origin


=== credentials can be denied
--- dff_config
WEB_CORS_ORIGIN: true
WEB_CORS_CREDENTIALS: false
--- request
GET /api/v1/do/ping
--- more_headers
Origin: http://a.example
--- response_headers
Access-Control-Allow-Origin: http://a.example
! Access-Control-Allow-Credentials


=== a preflight says methods, headers and for how long
--- dff_config
WEB_CORS_ORIGIN: http://a.example
--- request eval
["OPTIONS /api/v1/bat/bat-x/flattened", "OPTIONS /api/v1/func-result"]
--- more_headers
Origin: http://a.example
Access-Control-Request-Method: POST
Access-Control-Request-Headers: content-type, x-trace-id
--- response_headers eval
[map { "Access-Control-Allow-Origin: http://a.example\nAccess-Control-Allow-Methods: $_\nAccess-Control-Allow-Headers: content-type, x-trace-id\nAccess-Control-Max-Age: 86400\nAllow: $_" } "GET, POST, OPTIONS", "GET, OPTIONS"]


=== a preflight of a foreign origin gets nothing
--- dff_config
WEB_CORS_ORIGIN: http://a.example
--- request
OPTIONS /api/v1/al/auln-ok
--- more_headers
Origin: http://b.example
Access-Control-Request-Method: POST
Access-Control-Request-Headers: content-type
--- response_headers
! Access-Control-Allow-Origin
! Access-Control-Allow-Methods
! Access-Control-Allow-Headers
Vary: Origin


=== a preflight that asks for no headers is allowed none
--- dff_config
WEB_CORS_ORIGIN: true
--- request
OPTIONS /api/v1/al/auln-ok
--- more_headers
Origin: http://a.example
Access-Control-Request-Method: GET
--- response_headers
Access-Control-Allow-Methods: GET, POST, OPTIONS
! Access-Control-Allow-Headers


=== a preflight of what does not exist is not found
--- dff_config
WEB_CORS_ORIGIN: true
--- request
OPTIONS /api/v1/nothing
--- more_headers
Origin: http://a.example
--- error_code: 404
--- response_headers
Access-Control-Allow-Origin: http://a.example
