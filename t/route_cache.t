# Routes in Redis that are not as they should be, and the cache around them. What needs
# time, several workers or a reload is in system/test_route_cache.py.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";
require "$FindBin::Bin/redis.pl";

# Ids of one bucket in a cache of 256k: whoever knows the hash may make as many as he likes.
our @crowd = map { "auln-$_" . 'a' x (8 - length) } qw(
    ge 1j am 5x snc 4sc 34c bpd vse 53e vkf vqf fwf scg m2g 2nh oyh nvi ppj brj 3nl 3nm 3bn
    tpn 1ro cvo lpp esp e2p h5p oqq alr dis gis 1qs bts yvs w0s 4it pst);

our $func = '"v":1,"kind":"al","funcId":"t__basic.ok"';

defaults(http_config => 'dff_config $TEST_NGINX_DFF_CONFIG; dff_route_cache 256k;');
add_block_preprocessor(sub {
    my $block = shift;
    redis(['DEL', 'dff:route:al:auln-odd']);
    redis(@{ $block->redis }) if defined $block->redis;
});
add_cleanup_handler(sub { redis(['DEL', 'dff:route:al:auln-odd']) });

run_tests();

__DATA__

=== a route that is no JSON is our fault, not the caller's, and is said once for each call
--- redis eval
[['SET', 'dff:route:al:auln-odd', '{"v":1,']]
--- request
GET /api/v1/al/auln-odd
--- error_code: 500
--- response_body_like: "error":500\.5,"reason":"ESys"
--- error_log
dff: route "al:auln-odd":


=== a route of a version to come is refused, not guessed
--- redis eval
[['SET', 'dff:route:al:auln-odd', '{"v":2,"id":"auln-odd","kind":"al","funcId":"t__basic.ok"}']]
--- request
GET /api/v1/al/auln-odd
--- error_code: 500
--- error_log
dff: route "al:auln-odd":


=== a key of another type
--- redis eval
[['LPUSH', 'dff:route:al:auln-odd', 'x']]
--- request
GET /api/v1/al/auln-odd
--- error_code: 503
--- response_body_like: "error":503\.53,"reason":"ESysCache"
--- error_log
dff: GET route "al:auln-odd": WRONGTYPE


=== an empty text is no route
--- redis eval
[['SET', 'dff:route:al:auln-odd', '']]
--- request
GET /api/v1/al/auln-odd
--- error_code: 500
--- error_log
dff: route "al:auln-odd":


=== fields that a newer publisher adds do no harm
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func,\"colour\":\"blue\",\"func\":{\"speed\":1}}"]]
--- request
GET /api/v1/al/auln-odd
--- response_body chomp
ok


=== a route larger than the whole cache is served without it, again and again
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func,\"kwargs\":{\"x\":\"" . 'y' x 400_000 . '"}}']]
--- request eval
["GET /api/v1/al/auln-odd?kwargs={\"x\":1}", "GET /api/v1/al/auln-odd?kwargs={\"x\":1}", "GET /api/v1/al/auln-ok"]
--- error_code eval: [400, 400, 200]
--- response_body_like eval
[(qr/Found unexpected function kwargs field/) x 2, qr/\Aok\z/]


=== a disabled link is not called
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func,\"isDisabled\":true}"]]
--- request
GET /api/v1/al/auln-odd
--- error_code: 403
--- response_body_like: "error":403\.21,"reason":"EBizCondition\.AuthLinkDisabled"


=== an expired link is not called, one that expires later is
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func,\"expireTimeMs\":1}"]]
--- request
GET /api/v1/al/auln-odd
--- error_code: 403
--- response_body_like: "reason":"EBizCondition\.AuthLinkExpired"


=== a link whose function is gone says which
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func,\"funcGone\":true}"]]
--- request
GET /api/v1/al/auln-odd
--- error_code: 404
--- response_body_like: "message":"No such Func","detail":\{"funcId":"t__basic\.ok"\}


=== al and bat with one id are two links
--- redis eval
[['SET', 'dff:route:al:auln-odd', "{\"id\":\"auln-odd\",$::func}"]]
--- request eval
["GET /api/v1/bat/auln-odd", "GET /api/v1/al/auln-odd", "GET /api/v1/bat/auln-odd"]
--- error_code eval: [404, 200, 404]
--- response_body_like eval
[qr/"message":"No such Batch","detail":\{"id":"auln-odd"\}/, qr/\Aok\z/, qr/No such Batch/]


=== strangers cannot make lookups slow: of ids that meet in one bucket some are kept
--- config
location /api/v1/ { dff; }
location = /metrics { dff; }
--- request eval
[(map { "GET /api/v1/al/$_" } @main::crowd), "GET /metrics"]
--- error_code eval
[(404) x @main::crowd, 200]
--- response_body_like eval
[(qr/No such Auth Link/) x @main::crowd, qr/\ndff_route_cache_entries 32\n/]
