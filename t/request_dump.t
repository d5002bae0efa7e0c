# What an error shows of its request: masked, cut, and never more than a caller may see again.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== an error about a body with an escaped NUL still says what it is
--- request
POST /api/v1/al/auln-boom
{"kwargs": {"text": "a\u0000b", "token": "\u0000"}}
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like: "body":\{"kwargs":\{"text":"a\\u0000b","token":"\*\*\*"\}\}


=== a body in an error is masked and cut at 10 KB, as a text
--- request eval
"POST /api/v1/al/auln-boom\n" . '{"kwargs": {"text": "x", "password": "p4ss", "more": "' . 'y' x 20_000 . '"}}'
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like eval: qr/"body":"\{\\"kwargs\\":\{\\"text\\":\\"x\\",\\"password\\":\\"\*\*\*\\",\\"more\\":\\"y{10193}\.\.\. \(cut, 20057 bytes\)"\}/
--- response_body_unlike: p4ss


=== a form in an error is shown as its fields, masked
--- request
POST /api/v1/al/auln-boom
kwargs=%7B%22text%22:%22x%22,%22passw%6frd%22:%22p4ss%22%7D&user_token=p4ss&a=1&a=2
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code: 599
--- response_body_like: "body":\{"kwargs":"\{\\"text\\":\\"x\\",\\"password\\":\\"\*\*\*\\"\}","user_token":"\*\*\*","a":\["1","2"\]\}
--- response_body_unlike: p4ss


=== a number beyond 64 bits keeps its digits in the dump
--- request
POST /api/v1/al/auln-boom
{"kwargs": {"text": 123456789012345678901234567890}}
--- more_headers
Content-Type: application/json
--- error_code: 599
--- response_body_like: "body":"\{\\"kwargs\\":\{\\"text\\":123456789012345678901234567890\}\}"


=== a body that is no JSON shows its size, it may hold secrets
--- request
POST /api/v1/al/auln-boom
{"password": "p4ss"
--- more_headers
Content-Type: application/json
--- error_code: 400
--- response_body_like: "body":"\(19 bytes, not JSON\)"
--- response_body_unlike: p4ss


=== secrets in a URL are masked behind any encoding of their names
--- request eval
["GET /api/v1/al/auln-nobody?acc%65ss_%74oken=p4ss&b=1", "GET /api/v1/al/auln-nobody?kwargs={\"x\":1,\"pass\\u0077ord\":\"p4ss\"}", "GET /api/v1/al/auln-nobody?kwargs=%7B%22my_secret%22:%22p4ss%22", "GET /api/v1/al/auln-nobody?Password=p4ss"]
--- error_code eval: [404, 404, 404, 404]
--- response_body_like eval
[qr/"url":"\/api\/v1\/al\/auln-nobody\?acc%65ss_%74oken=\*\*\*&b=1"/, qr/\?kwargs=\{\\"x\\":1,\\"pass\\\\u0077ord\\":\\"\*\*\*\\"\}"/, qr/\?kwargs=\*\*\*"/, qr/\?Password=\*\*\*"/]
--- response_body_unlike: p4ss
