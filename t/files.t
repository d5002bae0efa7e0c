# Answers that are files, and responses that a function has shaped: DFF.RESP_FILE,
# DFF.RESP_LARGE_DATA, DFF.RESP.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults();
run_tests();

__DATA__

=== a file is sent with its type, length, time and name
--- request
GET /api/v1/al/auln-send?kwargs={"path":"a/b.csv","content":"1,2","mtime":1700000000}
--- response_headers
Content-Type: text/csv; charset=utf-8
Content-Length: 3
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-3"
Accept-Ranges: bytes
Content-Disposition: attachment; filename="b.csv"
X-Content-Type-Options: nosniff
--- response_body chomp
1,2


=== an empty file
--- request
GET /api/v1/al/auln-send?kwargs={"path":"empty.txt","content":""}
--- response_headers
Content-Length: 0
Content-Type: text/plain; charset=utf-8
--- response_body chomp


=== a type that nobody knows
--- request
GET /api/v1/al/auln-send?kwargs={"path":"x.qqq","content":"1"}
--- response_headers
Content-Type: application/octet-stream


=== a file in the browser, with a status and headers
--- request
GET /api/v1/al/auln-send?kwargs={"path":"p.html","content":"hi","download":false,"status_code":203,"headers":{"X-A":"b"}}
--- error_code: 203
--- response_headers
Content-Type: text/html; charset=utf-8
X-A: b
!Content-Disposition
--- response_body chomp
hi


=== a name of its own, that could break out of the header or the quotes
--- request
GET /api/v1/al/auln-send?kwargs={"path":"n.txt","content":"1","download":"a\"b\\c;%25\u4e2d.txt"}
--- response_headers
Content-Disposition: attachment; filename="a_b_c;__.txt"; filename*=UTF-8''a%22b%5Cc%3B%25%E4%B8%AD.txt


=== a line break in a name is refused where it is written
--- request
GET /api/v1/al/auln-send?kwargs={"path":"n.txt","content":"1","download":"a\r\nX-Evil:%201"}
--- error_code: 599
--- response_body_like: download must be a bool or a file name
--- response_headers
!X-Evil


=== ranges
--- request eval
["GET /api/v1/al/auln-send?kwargs=%7B%22path%22:%22r.txt%22,%22content%22:%220123456789%22%7D",
"GET /api/v1/al/auln-send?kwargs=%7B%22path%22:%22r.txt%22%7D",
"GET /api/v1/al/auln-send?kwargs=%7B%22path%22:%22r.txt%22%7D"]
--- more_headers eval
["Range: bytes=2-4", "Range: bytes=-3", "Range: bytes=20-"]
--- error_code eval
[206, 206, 416]
--- response_headers eval
["Content-Range: bytes 2-4/10", "Content-Range: bytes 7-9/10", "Content-Range: bytes */10"]


=== 304 only where the function allows it
--- request eval
my $q = 'kwargs=%7B%22path%22:%22c.txt%22,%22content%22:%22x%22,%22mtime%22:1700000000';
["GET /api/v1/al/auln-send?$q%7D", "GET /api/v1/al/auln-send?$q,%22allow_304%22:true%7D",
"GET /api/v1/al/auln-send?$q,%22allow_304%22:true%7D"]
--- more_headers eval
["If-None-Match: \"6553f100-1\"", "If-None-Match: \"6553f100-1\"",
"If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT"]
--- error_code eval
[200, 304, 304]


=== another ETag gets the file
--- request
GET /api/v1/al/auln-send?kwargs={"path":"c.txt","content":"x","allow_304":true}
--- more_headers
If-None-Match: "other"
--- response_body chomp
x


=== a path out of the resource folder
--- request
GET /api/v1/al/auln-send?kwargs={"path":"../../../../etc/passwd"}
--- error_code: 599
--- response_body_like: AccessDenyException.*is outside the resource folder


=== a file that is not there
--- request
GET /api/v1/al/auln-send?kwargs={"path":"none.txt"}
--- error_code: 599
--- response_body_like: "error":599\.3,.*NotFoundException.*there is no file 'none.txt' in the resource folder


=== a file that goes before it is sent
--- request
GET /api/v1/al/auln-send-removed
--- error_code: 599
--- response_headers
!Content-Disposition
--- response_body_like: "reason":"EFuncFailed".*"etype":"FileNotFoundError","einfoTEXT":"FileNotFoundError: the file \\"gone.txt\\" that the function returned cannot be sent: No such file or directory"


=== a file that becomes a link out of the folder
--- request
GET /api/v1/al/auln-send-swapped
--- error_code: 599
--- response_body_like: cannot be sent: Too many levels of symbolic links


=== a file that becomes a pipe, which nobody writes
--- request
GET /api/v1/al/auln-send-pipe
--- error_code: 599
--- response_body_like: cannot be sent: Invalid argument


=== auto_delete removes the file when it has been sent
--- request eval
["GET /api/v1/al/auln-send?kwargs=%7B%22path%22:%22d/e.txt%22,%22content%22:%22x%22,%22auto_delete%22:true%7D",
"GET /api/v1/al/auln-exists?kwargs=%7B%22path%22:%22d/e.txt%22%7D"]
--- response_body eval
["x", "false"]


=== a file has no envelope
--- request
GET /api/v1/al/auln-send?kwargs={"path":"u.txt","content":"x"}&options={"unfold":false}
--- response_body chomp
x


=== a large text
--- request
GET /api/v1/al/auln-large?kwargs={"size":3}
--- response_headers
Content-Type: text/plain; charset=utf-8
Content-Length: 6
!Content-Disposition
--- response_body chomp
ééé


=== a large result of 2 MB
--- request
GET /api/v1/al/auln-large?kwargs={"size":2000000,"kind":"bytes"}
--- response_headers
Content-Type: application/octet-stream
Content-Length: 2000000


=== large JSON, and a type by name
--- request eval
["GET /api/v1/al/auln-large?kwargs=%7B%22size%22:3,%22kind%22:%22list%22%7D",
"GET /api/v1/al/auln-large?kwargs=%7B%22content_type%22:%22html%22%7D"]
--- response_headers eval
["Content-Type: application/json; charset=utf-8", "Content-Type: text/html; charset=utf-8"]
--- response_body eval
["[0,1,2]", "\xc3\xa9" x 10]


=== a large result is cached like others
--- request eval
["GET /api/v1/al/auln-large-cached?kwargs=%7B%22value%22:%22a%22%7D",
"GET /api/v1/al/auln-large-cached?kwargs=%7B%22value%22:%22a%22%7D"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "X-Dataflux-Func-Cache: Cached"]
--- response_body_like: \A0\.\d+\z


=== a file that is removed when it was sent is not cached
--- request eval
["GET /api/v1/al/auln-once-cached", "GET /api/v1/al/auln-once-cached"]
--- response_headers eval
["!X-Dataflux-Func-Cache", "!X-Dataflux-Func-Cache"]
--- response_body_like: \A0\.\d+\z


=== a response with an ETag over its body
--- request eval
["GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22x%22,%22allow_304%22:true%7D",
"GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22x%22,%22allow_304%22:true%7D",
"GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22y%22,%22allow_304%22:true%7D"]
--- more_headers eval
["", "If-None-Match: \"2d711642b726b04401627ca9fbac32f5\"",
"If-None-Match: \"2d711642b726b04401627ca9fbac32f5\""]
--- error_code eval
[200, 304, 200]
--- response_headers eval
["ETag: \"2d711642b726b04401627ca9fbac32f5\"", "ETag: \"2d711642b726b04401627ca9fbac32f5\"", ""]


=== without allow_304 there is no ETag, and 304 neither
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"x"}
--- more_headers
If-None-Match: "2d711642b726b04401627ca9fbac32f5"
--- response_headers
!ETag
--- response_body chomp
x


=== a POST is never answered 304
--- request
POST /api/v1/al/auln-respond
{"kwargs":{"data":"x","allow_304":true}}
--- more_headers
Content-Type: application/json
If-None-Match: "2d711642b726b04401627ca9fbac32f5"
--- response_body chomp
x


=== a response as a download
--- request eval
["GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22x%22,%22download%22:true%7D",
"GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22x%22,%22download%22:%22a.txt%22%7D"]
--- response_headers eval
["Content-Disposition: attachment", "Content-Disposition: attachment; filename=\"a.txt\""]


=== content types by name, and in full
--- request eval
[map { "GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22x%22,%22content_type%22:%22$_%22%7D" }
qw(json html text xml css js csv text/x-own)]
--- response_headers eval
[map { "Content-Type: $_" } 'application/json; charset=utf-8', 'text/html; charset=utf-8',
'text/plain; charset=utf-8', 'application/xml; charset=utf-8', 'text/css; charset=utf-8',
'application/javascript; charset=utf-8', 'text/csv; charset=utf-8', 'text/x-own']


=== bytes
--- request
GET /api/v1/al/auln-respond-bytes
--- response_headers
Content-Type: application/octet-stream
Content-Length: 3
--- response_body eval
"\0\1\2"


=== a content type among the headers wins, headers of the connection are ours
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"xyz","headers":{"content-type":"a/b","Content-Length":"1","Transfer-Encoding":"gzip","X-B":"c"}}
--- response_headers
Content-Type: a/b
Content-Length: 3
!Transfer-Encoding
X-B: c
--- response_body chomp
xyz


=== Date and Server of a function take the place of nginx's
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"x","headers":{"Date":"Tue,%2014%20Nov%202023%2022:13:20%20GMT","server":"mine"}}
--- response_headers
Date: Tue, 14 Nov 2023 22:13:20 GMT
Server: mine


=== what concerns the connection, or is said to an nginx, is no function's to say
--- request eval
[map { "GET /api/v1/al/auln-respond?kwargs=%7B%22data%22:%22xyz%22,%22headers%22:%7B%22$_%22:%221%22%7D%7D" }
qw(Content-Length content-length Transfer-Encoding Connection Keep-Alive Proxy-Connection TE Trailer Upgrade
X-Accel-Redirect x-accel-buffering)]
--- response_headers eval
["Content-Length: 3", "Content-Length: 3", "!Transfer-Encoding\nContent-Length: 3", "Connection: close",
map { "!$_" } qw(Keep-Alive Proxy-Connection TE Trailer Upgrade X-Accel-Redirect X-Accel-Buffering)]
--- response_body eval
[('xyz') x 11]


=== headers that nginx makes of a file: the function's are sent alone
--- request
GET /api/v1/al/auln-send?kwargs={"path":"h.txt","content":"x","mtime":1700000000,"headers":{"Last-Modified":"Wed,%2015%20Nov%202023%2022:13:20%20GMT","etag":"\"own\"","Content-Disposition":"inline"}}
--- response_headers
Last-Modified: Wed, 15 Nov 2023 22:13:20 GMT
ETag: "own"
Content-Disposition: inline


=== ranges of a file are nginx's
--- request eval
[("GET /api/v1/al/auln-send?kwargs=%7B%22path%22:%22h.txt%22,%22content%22:%220123456789%22,"
. "%22headers%22:%7B%22Accept-Ranges%22:%22none%22,%22Content-Range%22:%22bytes%200-1/2%22%7D%7D") x 2]
--- more_headers eval
["", "Range: bytes=2-4"]
--- error_code eval
[200, 206]
--- response_headers eval
["Accept-Ranges: bytes\n!Content-Range", "Content-Range: bytes 2-4/10"]
--- response_body eval
["0123456789", "234"]


=== ranges of anything else are the function's
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"xy","status_code":206,"headers":{"Accept-Ranges":"bytes","Content-Range":"bytes%200-1/9"}}
--- error_code: 206
--- response_headers
Accept-Ranges: bytes
Content-Range: bytes 0-1/9
--- response_body chomp
xy


=== a Last-Modified of the function's own is what a condition is compared with
--- request eval
my $q = 'kwargs=%7B%22data%22:%22x%22,%22allow_304%22:true,%22headers%22:%7B%22Last-Modified%22:%22Tue,%2014%20Nov%202023%2022:13:20%20GMT%22%7D%7D';
["GET /api/v1/al/auln-respond?$q", "GET /api/v1/al/auln-respond?$q"]
--- more_headers eval
["If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT", "If-Modified-Since: Mon, 13 Nov 2023 22:13:20 GMT"]
--- error_code eval
[304, 200]


=== "expires" of the location changes what the function said and adds nothing
--- config
location /api/v1/ { dff; expires 60; }
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"x","headers":{"Expires":"0","Cache-Control":"no-store"}}
--- response_headers
Cache-Control: max-age=60
--- response_headers_like
Expires: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT


=== one of nginx in two spellings is one, others may be two
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"x","headers":{"Server":"a","SERVER":"b","Set-Cookie":"a=1","set-cookie":"b=2"}}
--- response_headers
Server: b
Set-Cookie: a=1, b=2


=== a line break in what becomes a header, from a script that goes round DFF.RESP, starts no other
--- request eval
[map { "POST /api/v1/al/auln-respond-forged\n{\"kwargs\":$_}" }
    '{"contentType":"text/x\r\nX-Evil: 1"}', '{"etag":"a\r\nX-Evil: 1"}',
    '{"contentType":"text/\u007f"}', '{"contentType":"text/x; a=\"\t\u4e2d\"","etag":"a\u4e2d"}']
--- more_headers
Content-Type: application/json
--- response_body eval
["forged", "forged", "forged", "forged"]
--- response_headers eval
my $text = "!X-Evil\nContent-Type: text/plain; charset=utf-8";
["$text\n!ETag", "$text\n!ETag", $text,
 "Content-Type: text/x; a=\"\t\xe4\xb8\xad\"\nETag: \"a\xe4\xb8\xad\""]


=== headers of the platform are the platform's
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"x","headers":{"X-Trace-Id":"x","X-Dff-Task-Id":"x","X-Request-Cost":"x","X-Content-Type-Options":"x","X-Dataflux-Func-Cache":"x","Access-Control-Allow-Origin":"*"}}
--- more_headers
Origin: http://a.example
--- response_headers
X-Content-Type-Options: nosniff
!X-Dataflux-Func-Cache
Access-Control-Allow-Origin: http://a.example
--- response_headers_like
X-Trace-Id: TRACE-[0-9A-F-]+
X-Dff-Task-Id: task-\w{22}
X-Request-Cost: \d+


=== an ETag of the function's own
--- request
GET /api/v1/al/auln-respond?kwargs={"data":"xyz","headers":{"ETag":"\"own\""},"allow_304":true}
--- more_headers
If-None-Match: "own"
--- error_code: 304
