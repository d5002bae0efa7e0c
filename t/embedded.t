# A location with "dff" among nginx's own ways to use a location: as a part of a page (SSI), as
# a judge (auth_request), as a mirror, in "if" and "limit_except", behind filters of bodies.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults(config => 'location /api/v1/ { dff; }'
    . ' location = /page { default_type text/html; ssi on; root html; }');
run_tests();

__DATA__

=== calls are parts of a page
--- user_files
>>> page
<<!--# include virtual='/api/v1/al/auln-nap?kwargs={"seconds":0.3,"answer":"a"}' -->|<!--# include virtual="/api/v1/al/auln-ok" -->>
--- request eval
["GET /page", "GET /api/v1/al/auln-ok"]
--- response_body eval
["<a|ok>\n", "ok"]


=== parts of a page may be empty, errors, files
--- user_files
>>> page
<<!--# include virtual='/api/v1/al/auln-echo?x=a' -->|<!--# include virtual='/api/v1/al/auln-same?kwargs={"value":""}' -->|<!--# include virtual='/api/v1/al/auln-send?kwargs={"path":"part.txt","content":"12"}' -->|<!--# include virtual='/api/v1/al/auln-send?kwargs={"path":"nopart.txt","content":""}' -->|<!--# include virtual='/api/v1/nothing' -->>
--- request
GET /page
--- response_body_like: ^<\{\}\|\|12\|\|\{"ok":false,"error":404\.41,.*\}>$


=== results that are parts of a page are looked for in MySQL, each for itself
--- config
location /api/v1/ { dff; dff_saved_results @saved; }
location = /page { default_type text/html; ssi on; root html; }
location @saved { return 200 "saved"; }
--- user_files
>>> page
<<!--# include virtual='/api/v1/func-result?taskId=task-none1' -->|<!--# include virtual='/api/v1/func-result?taskId=task-none2' -->|<!--# include virtual='/api/v1/al/auln-ok' -->>
--- request
GET /page
--- response_body
<saved|saved|ok>


=== a function lets a request in
--- config
location /api/v1/ { dff; }
location = /judge { internal; set $args 'kwargs={"status_code":$http_x_s}'; rewrite ^ /api/v1/al/auln-respond break; dff; }
location = /t { auth_request /judge; root html; default_type text/html; }
location = /b { auth_request /judge; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/api/v1/al/auln-length; }
--- user_files
>>> t
in
--- request eval
my $body = "\n{\"kwargs\":{\"value\":\"abc\"}}";
["GET /t", "GET /t", "POST /b$body", "GET /t", "GET /t"]
--- more_headers eval
my $json = "\nContent-Type: application/json";
["X-S: 200", "X-S: 403", "X-S: 200$json", "X-S: 200", "X-S: 401"]
--- error_code eval
[200, 403, 200, 200, 401]


=== how to sign in, that it tells who is not let in
--- config
location = /judge { internal; rewrite ^ /api/v1/al/auln-$http_x_link break; dff; }
location = /say { internal; set $args 'kwargs={"status_code":401,"headers":{"WWW-Authenticate":"Bearer%20realm=x"}}'; rewrite ^ /api/v1/al/auln-respond break; dff; }
location = /t { auth_request /judge; root html; }
location = /s { auth_request /say; root html; }
--- request eval
["GET /t", "GET /t", "GET /s"]
--- more_headers eval
["X-Link: auth-basic", "X-Link: auth-digest", "X-Link: none"]
--- error_code eval
[401, 401, 401]
--- raw_response_headers_like eval
["WWW-Authenticate: Basic realm=", "WWW-Authenticate: Digest realm=", "WWW-Authenticate: Bearer realm=x"]


=== what a function lets in may have a body of any size
--- config
location = /judge { internal; rewrite ^ /api/v1/al/auln-ok break; dff; }
location = /t { auth_request /judge; root html; client_max_body_size 0; lingering_close off; }
--- user_files
>>> t
in
--- request
GET /t
--- more_headers
Content-Length: 99999999999
--- response_body
in


=== a body is for its request and for its mirrors
--- config
location /api/v1/ { dff; mirror /m1; mirror /m2; }
location = /m1 { internal; rewrite ^ /api/v1/al/auln-length break; dff; log_subrequest on; access_log logs/error.log m; }
location = /m2 { internal; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/length; log_subrequest on; access_log logs/error.log m; }
location = /length { rewrite ^ /api/v1/al/auln-length break; dff; }
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
log_format m "mirror $uri $status";
--- request eval
my $big = "{\"kwargs\":{\"value\":\"" . ("x" x 300000) . "\"}}";
["POST /api/v1/al/auln-length\n{\"kwargs\":{\"value\":\"abc\"}}", "POST /api/v1/al/auln-length\n$big"]
--- more_headers
Content-Type: application/json
--- response_body eval
["3", "300000"]
--- error_log eval
["mirror /api/v1/al/auln-length 200", "mirror /m2 200"]
--- no_error_log
auln-length 599
m2 599


=== "if" and "limit_except" in a location leave it what it is
--- config
location /api/v1/ {
    dff;
    limit_except GET { allow 127.0.0.1; deny all; }
    if ($arg_x) { set $seen 1; }
}
--- request eval
["GET /api/v1/al/auln-ok?x=1", "GET /api/v1/al/auln-ok", "POST /api/v1/al/auln-plus\n{\"kwargs\":{\"x\":1,\"y\":2}}"]
--- more_headers
Content-Type: application/json
--- response_body eval
["ok", "ok", "3"]


=== filters find answers by their type
--- config
location /api/v1/ { dff; gzip on; gzip_min_length 1; gzip_types application/json; }
location /sub { rewrite ^/sub/(.*) /api/v1/al/$1 break; dff; sub_filter_types application/json text/plain; sub_filter '"a"' '"b"'; }
--- request eval
["GET /api/v1/do/ping", "GET /sub/auln-echo/simplified?x=a"]
--- more_headers
Accept-Encoding: gzip
--- raw_response_headers_like eval
["Content-Encoding: gzip", "Content-Type: application/json; charset=utf-8\r\n"]


=== what a filter has replaced
--- config
location /sub { rewrite ^/sub/(.*) /api/v1/al/$1 break; dff; sub_filter_types application/json; sub_filter '"a"' '"b"'; }
--- request
GET /sub/auln-echo/simplified?x=a
--- response_body chomp
{"x":"b"}


=== nginx adds no second charset to that of a type
--- config
location /api/v1/ { dff; charset koi8-r; charset_types *; }
--- request eval
["GET /api/v1/al/auln-ok", "GET /api/v1/al/auln-custom"]
--- error_code eval
[200, 201]
--- response_headers eval
["Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"]
