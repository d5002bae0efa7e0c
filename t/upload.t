# Uploads: multipart/form-data in the formats that take it.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

defaults(more_headers => "Content-Type: multipart/form-data; boundary=b\n");

# Parts, each [Content-Disposition's parameters, content, other header lines].
sub multipart {
    return CORE::join('', map { "--b\r\nContent-Disposition: form-data; $_->[0]\r\n"
        . ($_->[2] // '') . "\r\n$_->[1]\r\n" } @_) . "--b--\r\n";
}

run_tests();

__DATA__

=== simplified: fields are arguments, files are one more
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(
['name="a"', "1"], ['name="f"; filename="x.txt"', "hello", "Content-Type: text/x-one; q=1\r\n"],
['name="b"', "\xc3\xa9"], ['name="g"; filename="y.bin"', "", "Content-Type: image/png\r\n"])
--- response_body chomp
{"fields":{"a":"1","b":"é"},"files":[{"originalname":"x.txt","encoding":"7bit","mimetype":"text/x-one","size":5,"content":"hello","folder":".uploads","length":5},{"originalname":"y.bin","encoding":"7bit","mimetype":"image/png","size":0,"content":"","folder":".uploads","length":0}]}


=== flattened: kwargs_<name> are arguments, options_<name> options, the rest nothing
--- request eval
"POST /api/v1/al/auln-uploaded/flattened\n" . main::multipart(
['name="kwargs_a"', "1"], ['name="b"', "2"], ['name="options_unfold"', "false"],
['name="kwargs_f"; filename="x"', "12"])
--- response_body_like: "data":\{"result":\{"fields":\{"a":"1"\},"files":\[\{"originalname":"x",.*"size":2,


=== fields that repeat make a list
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="a"', "1"], ['name="a"', ""])
--- response_body chomp
{"fields":{"a":["1",""]},"files":null}


=== without a file there is no argument files
--- request eval
"POST /api/v1/al/auln-upload-path/simplified\n" . main::multipart(['name="a"', "1"])
--- error_code: 599
--- response_body_like: unexpected keyword argument


=== a file that was not chosen in a browser is none
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(
['name="f"; filename=""', "", "Content-Type: application/octet-stream\r\n"])
--- response_body chomp
{"fields":{},"files":null}


=== a content without a file name is a file
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="f"; filename=""', "x"])
--- response_body_like: "files":\[\{"originalname":"","encoding":"7bit","mimetype":"text/plain","size":1,


=== the client's file name is told without folders, and is not where the file is
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(
['name="f"; filename="../../etc/passwd"', "1"], ['name="f"; filename="C:\\a\\b.txt"', "2"],
['name="f"; filename=".."', "3"], ['name="f"; filename="a%22\\"b%0A"', "4"],
["name=\"f\"; filename*=UTF-8''%e4%b8%ad.txt", "5"])
--- response_body_like eval
CORE::join '.*', map { quotemeta qq("originalname":"$_",) } 'passwd', 'b.txt', '', 'a\"\"b\n',
"\xe4\xb8\xad.txt"


=== the path has nothing of the client's in it
--- request eval
"POST /api/v1/al/auln-upload-path/simplified\n" . main::multipart(['name="f"; filename="secret.txt"', "1"])
--- response_body_like: \A/.*/resources/\.uploads/upload-[0-9A-Za-z]{22}\z


=== the body that the function sees has the fields, not the files
--- request eval
"POST /api/v1/al/auln-upload-body/simplified\n" . main::multipart(
['name="a"', "1"], ['name="a"', "2"], ['name="b"', "\""], ['name="f"; filename="x"', "zzz"])
--- response_body chomp
{"a":["1","2"],"b":"\""}


=== reqDump has the fields, masked, and no content
--- request eval
"POST /api/v1/al/auln-boom/simplified\n" . main::multipart(
['name="text"', "t"], ['name="password"', "p"], ['name="f"; filename="x"', "CONTENT"])
--- error_code: 599
--- response_body_like: "body":\{"text":"t","password":"\*\*\*"\}
--- response_body_unlike: CONTENT


=== a field files and a file do not go together
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(
['name="files"', "1"], ['name="f"; filename="x"', "1"])
--- error_code: 400
--- response_body_like: Argument \\"files\\" is for the uploaded files


=== a fixed argument files refuses uploads
--- request eval
"POST /api/v1/al/auln-uploaded-fixed/simplified\n" . main::multipart(
['name="a"', "1"], ['name="f"; filename="x"', "1"])
--- error_code: 400
--- response_body_like: Found unexpected function kwargs field


=== a cut body is refused with where
--- request eval
my $body = main::multipart(['name="f"; filename="x"', 'x' x 1000]);
"POST /api/v1/al/auln-uploaded/simplified\n" . substr($body, 0, 500)
--- error_code: 400
--- response_body_like: "message":"Invalid multipart body: part 1 ends before a boundary, at byte 500"
--- no_error_log
[error]


=== a part without a name is refused with which, after others were taken
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="f"; filename="x"', 'x' x 1000],
['filename="y"', 'y'])
--- error_code: 400
--- response_body_like: "message":"Invalid multipart body: part 2 has no name, at byte \d+"


=== no boundary
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="a"', "1"])
--- more_headers
Content-Type: multipart/form-data
--- error_code: 400
--- response_body_like: "message":"Invalid multipart body: Content-Type has no boundary"


=== a boundary that does not occur
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="a"', "1"])
--- more_headers
Content-Type: multipart/form-data; boundary=c
--- error_code: 400
--- response_body_like: Invalid multipart body: its boundary does not occur in it


=== an empty body
--- request
POST /api/v1/al/auln-uploaded/simplified
--- more_headers
Content-Type: multipart/form-data; boundary=b
Content-Length: 0
--- error_code: 400
--- response_body_like: Invalid multipart body: its boundary does not occur in it, at byte 0


=== a field that is not text
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="a"', "1"],
['name="b"', "\xff"])
--- error_code: 400
--- response_body_like: Invalid multipart body: the field of part 2 is not UTF-8


=== a file that is not text is none of our business
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(["name=\"f\"; filename=\"\xff\"", "\xff"])
--- response_body_like eval
qr/"originalname":"\xef\xbf\xbd",.*"size":1,/


=== nested multipart
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="a"', "1",
"Content-Type: multipart/mixed; boundary=c\r\n"])
--- error_code: 400
--- response_body_like: Invalid multipart body: part 1 is multipart itself


=== 1001 parts
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(map { ['name="a"', "1"] } 1 .. 1001)
--- error_code: 400
--- response_body_like: Invalid multipart body: part 1000 is the last that is allowed, but more follow


=== 1000 parts
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(map { ['name="a"', "1"] } 1 .. 1000)
--- response_body_like: \A\{"fields":\{"a":\["1",.*"1"\]\},"files":null\}\z


=== an upload in pieces of any size, with a content that looks like a boundary
--- raw_request eval
my $body = main::multipart(['name="f"; filename="x"', "\r\n--a\r\n-\r\n\r\n--" . ("\r" x 50)],
['name="a"', "\r\n--"]);
["POST /api/v1/al/auln-uploaded/simplified HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
. "Content-Length: " . length($body) . "\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n",
unpack('(a17)*', $body)]
--- raw_request_middle_delay: 0.01
--- response_body eval
'{"fields":{"a":"\r\n--"},"files":[{"originalname":"x","encoding":"7bit","mimetype":"text/plain","size":64,"content":"\r\n--a\r\n-\r\n\r\n--' . ('\r' x 50) . '","folder":".uploads","length":64}]}'


=== a batch takes uploads, too
--- request eval
"POST /api/v1/al/auln-uploaded/simplified\n" . main::multipart(['name="f"; filename="x"', "1"])
--- error_code: 200


=== GET with a multipart type has no upload
--- request
GET /api/v1/al/auln-uploaded/simplified?a=1
--- response_body chomp
{"fields":{"a":"1"},"files":null}


