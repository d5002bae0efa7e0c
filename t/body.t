# Bodies: their limits, in every way a body can come, and what happens to one that nobody
# reads.

BEGIN {
    $ENV{DFF__WEB_BODY_SIZE_LIMIT} = '4K';
    $ENV{DFF__UPLOAD_FILE_SIZE_LIMIT} = '16K';
}

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();

sub chunked {
    return CORE::join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_) . "0\r\n\r\n";
}

# A JSON body of just so many bytes.
sub json_of {
    my ($size) = @_;
    return '{"kwargs":{"value":"' . ('x' x ($size - 23)) . '"}}';
}

run_tests();

__DATA__

=== a body that is announced larger than the limit is refused before it is read
--- raw_request eval
"POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n"
. "Content-Type: application/json\r\n\r\n"
--- error_code: 413
--- response_headers
Content-Type: application/json; charset=utf-8
Connection: close
--- response_body_like: "error":413\.44,"reason":"EClientBadRequest","message":"The body is larger than the limit of 4096 bytes","detail":\{"limit":4096\}


=== a body of the limit is taken
--- request eval
"POST /api/v1/al/auln-length\n" . main::json_of(4096)
--- more_headers
Content-Type: application/json
--- response_body chomp
4073


=== a body of one byte more is not
--- request eval
"POST /api/v1/al/auln-length\n" . main::json_of(4097)
--- more_headers
Content-Type: application/json
--- error_code: 413
--- response_body_like: "error":413\.44


=== a chunked body is counted as it comes
--- raw_request eval
["POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
. "Content-Type: application/json\r\n\r\n" . sprintf("%x\r\n", 100000) . ('x' x 3000), 'x' x 3000]
--- raw_request_middle_delay: 0.1
--- error_code: 413
--- response_headers
Connection: close
--- response_body_like: "error":413\.44.*limit of 4096 bytes


=== a chunked body of the limit is taken, in whatever pieces
--- raw_request eval
my $body = main::json_of(4096);
["POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n",
map { $_ } unpack('(a700)*', main::chunked(unpack('(a333)*', $body)))]
--- raw_request_middle_delay: 0.02
--- response_body chomp
4073


=== a body with a length may come in pieces
--- raw_request eval
my $body = main::json_of(4000);
["POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Length: 4000\r\nContent-Type: application/json\r\n\r\n" . substr($body, 0, 10),
substr($body, 10, 1), substr($body, 11, 2000), substr($body, 2011)]
--- raw_request_middle_delay: 0.05
--- response_body chomp
3977


=== broken chunks are refused in our form
--- raw_request eval
["POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
. "Content-Type: application/json\r\n\r\n", "zz\r\n"]
--- raw_request_middle_delay: 0.05
--- error_code: 400
--- response_body_like: "error":400\.43.*"message":"Invalid request body: its transfer encoding is broken"


=== an upload may be larger than a body, up to its own limit
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n--b\r\nContent-Disposition: form-data; name=\"f\"; "
. "filename=\"f\"\r\n\r\n" . ('y' x 16000) . "\r\n--b--"
--- more_headers
Content-Type: multipart/form-data; boundary=b
--- response_body_like: "size":16000


=== an upload over its limit is refused before it is read
--- raw_request eval
"POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n"
. "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
--- error_code: 413
--- response_body_like: "message":"The upload is larger than the limit of 16384 bytes"


=== a chunked upload over its limit is refused as it comes
--- raw_request eval
["POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
. "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
. main::chunked("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n",
'y' x 9000, 'y' x 9000)]
--- error_code: 413
--- response_body_like: "message":"The upload is larger than the limit of 16384 bytes"


=== the fields of an upload have the limit of a body
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
. ('y' x 5000) . "\r\n--b--"
--- more_headers
Content-Type: multipart/form-data; boundary=b
--- error_code: 413
--- response_body_like: "message":"The sum of the fields of the upload is larger than the limit of 4096 bytes"


=== in the normal format multipart is no upload, and a body like others
--- request eval
"POST /api/v1/al/auln-uploaded\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
. "\r\n--b--"
--- more_headers
Content-Type: multipart/form-data; boundary=b
--- error_code: 400
--- response_body_like: "message":"Content-Type must be application/json or application/x-www-form-urlencoded, got


=== a body that nobody reads is not taken for the next request
--- pipelined_requests eval
["POST /api/v1/al/auln-none\nGET /api/v1/al/auln-ok HTTP/1.1\r\nHost: smuggled\r\n\r\n",
"GET /api/v1/do/ping"]
--- error_code eval
[404, 200]
--- response_body_like eval
['"message":"No such Auth Link"', '"data":"pong"']


=== nor is one of an API that takes none
--- pipelined_requests eval
["POST /api/v1/do/ping\nGET /api/v1/al/auln-ok HTTP/1.1\r\nHost: smuggled\r\n\r\n",
"GET /api/v1/al/auln-ok"]
--- error_code eval
[405, 200]
--- response_body_like eval
['"error":405', '\Aok\z']


=== a refused call with Expect: 100-continue hears the answer, not 100
--- raw_request eval
"POST /api/v1/al/auln-none HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
--- error_code: 404
--- response_headers
Connection: close


=== a body that is too large is not asked for with 100
--- raw_request eval
"POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
--- error_code: 413
--- response_headers
Connection: close


=== a condition on a file says nothing about a call
--- request
GET /api/v1/al/auln-ok
--- more_headers
If-Match: "x"
If-None-Match: *
If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT
--- response_body chomp
ok


=== HEAD is not allowed
--- request
HEAD /api/v1/al/auln-ok
--- error_code: 405
--- response_headers
Allow: GET, POST, OPTIONS


=== PUT is not allowed, and has a body of JSON
--- request
PUT /api/v1/al/auln-ok
{}
--- error_code: 405
--- response_headers
Allow: GET, POST, OPTIONS
--- response_body_like: "error":405\.41


=== a location may have its own limit, which nginx keeps
--- config
location /api/v1/ { dff; client_max_body_size 1k; }
--- must_die
--- error_log
"client_max_body_size" directive is duplicate


=== before the directive it may
--- config
location /api/v1/ { client_max_body_size 1k; dff; }
--- request eval
"POST /api/v1/al/auln-length\n" . main::json_of(2000)
--- more_headers
Content-Type: application/json
--- error_code: 413


=== a chunked body over that limit is refused in our form
--- config
location /api/v1/ { client_max_body_size 1k; dff; }
--- raw_request eval
["POST /api/v1/al/auln-length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
. "Content-Type: application/json\r\n\r\n" . main::chunked(unpack('(a900)*', main::json_of(2000)))]
--- error_code: 413
--- response_headers
Connection: close
--- response_body_like: "error":413\.44,"reason":"EClientBadRequest","message":"The body is larger than the limit of 1024 bytes","detail":\{"limit":1024\}
