# API auth of links: who may call.

use utf8;
use Test::Nginx::Socket 'no_plan';
use Digest::MD5 ();
use Digest::SHA ();
use Encode ();
use FindBin;
use MIME::Base64 ();

require "$FindBin::Bin/defaults.pl";

defaults();

sub secret {
    open my $file, '<', $ENV{TEST_NGINX_DFF_CONFIG} or die $!;
    my ($line) = grep { /^SECRET:/ } <$file>;
    $line =~ /^SECRET:\s*['"]?([^'"\s]+)/ or die 'no SECRET';
    return $1;
}

# A nonce as the module makes them; $age in seconds.
sub nonce {
    my ($realm, $age) = @_;
    my $random = join '', map { ('0' .. '9', 'a' .. 'z')[rand 36] } 1 .. 22;
    my $head = sprintf('%012x', (time - ($age || 0)) * 1000) . $random;
    my $parts = join '', map { pack('Q<', length) . $_ } $realm, $head;
    my $key = Digest::SHA::hmac_sha256('nonce of HTTP Digest', secret());
    return $head . substr Digest::SHA::hmac_sha256_hex(Digest::SHA::sha256($parts), $key), 0, 32;
}

# The Authorization header of a client; every part may be replaced, undef leaves it out.
sub digest {
    my %with = @_;
    my %p = (
        algorithm => 'SHA-256', username => 'bob', password => 'Circle of Life', method => 'GET',
        realm => 'AuthLink:auln-auth-digest', uri => '/api/v1/al/auln-auth-digest',
        nc => '00000001', cnonce => 'c0ffee', qop => 'auth', %with);
    $p{nonce} = nonce($p{realm}, $p{age}) unless defined $p{nonce};
    my $h = ($p{algorithm} || 'MD5') eq 'MD5' ? \&Digest::MD5::md5_hex : \&Digest::SHA::sha256_hex;
    my ($user, $password) = map { Encode::encode_utf8($_) } @p{qw(username password)};
    my $a1 = $h->("$user:$p{realm}:$password");
    my $a2 = $h->("$p{method}:$p{uri}");
    $p{response} = $h->(join ':', map { $_ // '' } $a1, @p{qw(nonce nc cnonce qop)}, $a2)
        unless exists $p{response};
    $user =~ s/(["\\])/\\$1/g;
    my @parts = (qq{username="$user"});
    push @parts, map { qq{$_="$p{$_}"} } grep { defined $p{$_} } qw(realm nonce uri response cnonce);
    push @parts, map { "$_=$p{$_}" } grep { defined $p{$_} } qw(algorithm qop nc userhash);
    return 'Authorization: Digest ' . join(', ', @parts) . "\n";
}

sub basic {
    return 'Authorization: Basic ' . MIME::Base64::encode_base64(Encode::encode_utf8($_[0]), '')
        . "\n";
}

our $url = 'GET /api/v1/al/auln-auth-digest';

master_on();
workers(3);
run_tests();

__DATA__

=== the API auth of a link that was deleted lets nobody in
--- request
GET /api/v1/al/auln-auth-gone
--- more_headers eval: main::basic('bob:b')
--- error_code: 401
--- response_headers
!WWW-Authenticate
--- response_body_like: ^\{"ok":false,"error":401\.99,"reason":"EAPIAuth","message":"API authentication failed\.","reqDump"


=== httpBasic without credentials is challenged with the realm of the link
--- request
GET /api/v1/al/auln-auth-basic
--- error_code: 401
--- response_headers
WWW-Authenticate: Basic realm="AuthLink:auln-auth-basic", charset="UTF-8"
!X-Dff-Task-Id
--- response_body_like: "error":401\.99,"reason":"EAPIAuth"


=== the realm of a batch says so
--- request
GET /api/v1/bat/bat-basic
--- error_code: 401
--- response_headers
WWW-Authenticate: Basic realm="Batch:bat-basic", charset="UTF-8"


=== httpBasic: the password may have a colon, and the function does not get it
--- request
GET /api/v1/al/auln-auth-basic
--- more_headers eval: main::basic('bob:bob:pass')
--- response_body_like: "authorization": "\*\*\*"


=== httpBasic: user and password in UTF-8
--- request
GET /api/v1/al/auln-auth-basic
--- more_headers eval: main::basic('Jäsøn:päss "word"')
--- error_code: 200


=== httpBasic guards a batch
--- request
GET /api/v1/bat/bat-basic
--- more_headers eval: main::basic('bob:bob:pass')
--- response_body_like: "taskId":"task-


=== httpBasic refuses whatever is not exactly a user and its password
--- request eval
[map { "GET /api/v1/al/auln-auth-basic" } 1 .. 15]
--- more_headers eval
[
    (map { main::basic($_) } 'bob:bob:Pass', 'bob:bob:pas', 'bob:bob:pass ', 'Bob:bob:pass', 'bob:',
        ':bob:pass', '', 'bob', "bob:bob:pass\0", 'Jäsøn:bob:pass'),
    "Authorization: Basic\n", "Authorization: Basic !!!!\n", "Authorization: \n",
    "Authorization: Bearer Ym9iOmJvYjpwYXNz\n",
    'Authorization: Basic ' . ('A' x 7000) . "\n",
]
--- error_code eval
[(401) x 15]


=== credentials longer than nginx's header buffers are nginx's 400
--- request
GET /api/v1/al/auln-auth-basic
--- more_headers eval: 'Authorization: Basic ' . ('A' x 40000) . "\n"
--- error_code: 400


=== a second Authorization header is nginx's 400
--- request
GET /api/v1/al/auln-auth-basic
--- more_headers eval: main::basic('bob:x') . main::basic('bob:bob:pass')
--- error_code: 400


=== a CORS preflight needs no credentials
--- request
OPTIONS /api/v1/al/auln-auth-basic
--- more_headers
Origin: http://here
--- error_code: 200


=== httpDigest offers SHA-256 before MD5, one nonce for both
--- request
GET /api/v1/al/auln-auth-digest
--- error_code: 401
--- raw_response_headers_like eval
qr/WWW-Authenticate: Digest realm="AuthLink:auln-auth-digest", qop="auth", algorithm=SHA-256, nonce="(\w{66})", charset=UTF-8\r\n.*WWW-Authenticate: Digest realm="AuthLink:auln-auth-digest", qop="auth", algorithm=MD5, nonce="\1", charset=UTF-8\r\n/s
--- response_body_like: "error":401\.99,"reason":"EAPIAuth"


=== httpDigest with both algorithms, MD5 where none is named, and a quoted or UTF-8 name
--- request eval
[($main::url) x 5]
--- more_headers eval
[
    main::digest(algorithm => 'SHA-256'), main::digest(algorithm => 'MD5'),
    main::digest(algorithm => undef),
    main::digest(username => 'a "quoted\\ one', password => 'Jäsøn'),
    main::digest(algorithm => 'MD5', username => 'a "quoted\\ one', password => 'Jäsøn'),
]
--- response_body eval
[('ok') x 5]


=== httpDigest of a POST with a query, for a batch too
--- request eval
["POST /api/v1/al/auln-auth-digest?a=%20b\n{}", 'GET /api/v1/bat/bat-digest']
--- more_headers eval
[
    "Content-Type: application/json\n"
        . main::digest(method => 'POST', uri => '/api/v1/al/auln-auth-digest?a=%20b'),
    main::digest(realm => 'Batch:bat-digest', uri => '/api/v1/bat/bat-digest'),
]
--- error_code eval
[200, 200]


=== a digest is good once, whatever its cnonce; the next count is good
--- request eval
[($main::url) x 5]
--- more_headers eval
my $nonce = main::nonce('AuthLink:auln-auth-digest');
[
    main::digest(nonce => $nonce, nc => '00000002'), main::digest(nonce => $nonce, nc => '00000002'),
    main::digest(nonce => $nonce, nc => '00000002', cnonce => 'other'),
    main::digest(nonce => $nonce, nc => '00000001'), main::digest(nonce => $nonce, nc => '00000003'),
]
--- error_code eval
[200, 401, 401, 200, 200]
--- raw_response_headers_like eval
['', 'algorithm=SHA-256, .*stale=true', 'algorithm=MD5, .*stale=true', '', '']


=== a digest is refused by the other workers of the node too
--- request eval
[($main::url) x 8]
--- more_headers eval
my $nonce = main::nonce('AuthLink:auln-auth-digest');
[(main::digest(nonce => $nonce)) x 8]
--- error_code eval
[200, (401) x 7]


=== an old nonce is stale when the digest is right, and only then
--- request eval
[($main::url) x 4]
--- more_headers eval
[
    main::digest(age => 200), main::digest(age => 301),
    main::digest(age => 301, password => 'wrong'), main::digest(age => -120),
]
--- error_code eval
[200, 401, 401, 401]
--- raw_response_headers_like eval
['', 'stale=true', 'charset=UTF-8\r\n', 'stale=true']


=== a wrong password is not stale
--- request eval: $main::url
--- more_headers eval: main::digest(password => 'wrong')
--- error_code: 401
--- response_headers_like
WWW-Authenticate: Digest realm="AuthLink:auln-auth-digest", .*charset=UTF-8


=== a nonce that was not made here, or for another link, is refused
--- request eval
[($main::url) x 3]
--- more_headers eval
my $forged = main::nonce('AuthLink:auln-auth-digest');
substr($forged, 20, 1) = substr($forged, 20, 1) eq 'x' ? 'y' : 'x';
[
    main::digest(nonce => $forged), main::digest(nonce => 'mine'),
    main::digest(nonce => main::nonce('Batch:bat-digest')),
]
--- error_code eval
[401, 401, 401]


=== a nonce has a last count
--- request eval
[($main::url) x 3]
--- more_headers eval
[map { main::digest(nc => $_) } '00003fff', '00004000', 'ffffffff']
--- error_code eval
[200, 401, 401]


=== a digest for another URI, method or realm is refused
--- request eval
["$main::url?a=1", ($main::url) x 4]
--- more_headers eval
[
    main::digest(), main::digest(uri => '/api/v1/al/auln-ok'),
    main::digest(uri => 'http://localhost/api/v1/al/auln-auth-digest'),
    main::digest(method => 'POST'), main::digest(realm => 'AuthLink:auln-auth-basic'),
]
--- error_code eval
[(401) x 5]


=== digests that break a rule of RFC 7616 are refused
--- request eval
[($main::url) x 17]
--- more_headers eval
[
    main::digest(qop => undef), main::digest(qop => 'auth-int'), main::digest(nc => undef),
    main::digest(nc => '1'), main::digest(nc => '0000000g'), main::digest(nc => '00000000'),
    main::digest(cnonce => ''), main::digest(algorithm => 'MD5-sess'),
    main::digest(algorithm => 'SHA-512-256'), main::digest(userhash => 'true'),
    main::digest(response => undef), main::digest(response => ''),
    main::digest(username => 'eve'), main::digest(username => ''),
    main::digest() =~ s/\n/, nc=00000002\n/r,
    # the right digest of the other algorithm
    main::digest(algorithm => 'MD5') =~ s/algorithm=MD5/algorithm=SHA-256/r,
    main::basic('bob:Circle of Life'),
]
--- error_code eval
[(401) x 17]


=== garbage behind Digest is refused
--- request eval
[($main::url) x 12]
--- more_headers eval
[
    "Authorization: Digest\n", "Authorization: Digest \n", "Authorization: Digest ,,,\n",
    "Authorization: Digest =\n", "Authorization: Digest username\n",
    "Authorization: Digest username=\"\n", "Authorization: Digest username=\"bob\\\n",
    "Authorization: Digest username=\"bob\" realm=\"x\"\n",
    "Authorization: Digest \xff\xfe=\"\x01\"\n", "Authorization: Digest " . ('a="b",' x 1000) . "\n",
    "Authorization: Digest " . ('"' x 5000) . "\n",
    "Authorization: Digest username=\"" . ('a' x 7000) . "\"\n",
]
--- error_code eval
[(401) x 12]


=== fixedField: any one field is enough, in any case of the header's name
--- request eval
[
    'GET /api/v1/al/auln-auth-field', 'GET /api/v1/al/auln-auth-field?key=q%3D1%26%C3%A9',
    'GET /api/v1/al/auln-auth-field?key=wrong&key=second',
    "POST /api/v1/al/auln-auth-field\npass=in+the+body",
    "POST /api/v1/al/auln-auth-field\n{\"pin\":1234}",
    "POST /api/v1/al/auln-auth-field?key=second\n{\"pin\":0}",
]
--- more_headers eval
[
    "X-PASS: open sesame\n", '', '', "Content-Type: application/x-www-form-urlencoded\n",
    ("Content-Type: application/json\n") x 2,
]
--- error_code eval
[(200) x 6]


=== fixedField: a right value in the wrong place is refused, as is a near one
--- request eval
[
    'GET /api/v1/al/auln-auth-field', 'GET /api/v1/al/auln-auth-field?pass=in+the+body',
    'GET /api/v1/al/auln-auth-field?key=open+sesame', 'GET /api/v1/al/auln-auth-field?Key=second',
    'GET /api/v1/al/auln-auth-field?key=secon', 'GET /api/v1/al/auln-auth-field?key=second2',
    'GET /api/v1/al/auln-auth-field?key', 'GET /api/v1/al/auln-auth-field?key=%zz&key=second',
    "POST /api/v1/al/auln-auth-field\n{\"kwargs\":{\"pin\":1234}}",
    "POST /api/v1/al/auln-auth-field\n{\"pin\":[1234]}", "POST /api/v1/al/auln-auth-field\n{\"pin\":1234",
    "POST /api/v1/al/auln-auth-field\n[{\"pin\":1234}]", "POST /api/v1/al/auln-auth-field\npin=1234",
    "POST /api/v1/al/auln-auth-field",
]
--- more_headers eval
["X-Pass: open sesam\n", ('') x 7, ("Content-Type: application/json\n") x 5, '']
--- error_code eval
[(401) x 14]
--- response_headers eval
[('!WWW-Authenticate') x 14]


=== fixedField: a matched field is no argument, in no format
--- request eval
[
    'GET /api/v1/al/auln-auth-field/simplified?a=1&k%65y=second&b=2&key=x',
    'GET /api/v1/al/auln-auth-field/flattened?key=second&kwargs_key=1',
    'GET /api/v1/al/auln-auth-field?key=second&kwargs={"a":1}',
    "POST /api/v1/al/auln-auth-field/simplified\npin=1234&a=1&pin=5&pass=x",
    "POST /api/v1/al/auln-auth-field/simplified\n{\"a\":{\"pin\":1},\"p\\u0069n\":\"12\\u00334\",\"\\u00e9\":2,\"pin\":0}",
    "POST /api/v1/al/auln-auth-field\n{\"pin\":\"1234\",\"kwargs\":{\"pin\":1}}",
    "POST /api/v1/al/auln-auth-field/simplified\n{\"pin\":\"1234\"}",
]
--- more_headers eval
['', '', '', "Content-Type: application/x-www-form-urlencoded\n",
    ("Content-Type: application/json\n") x 3]
--- response_body eval
[
    '{"authorization": null, "body": null, "kwargs": {"a": "1", "b": "2"}, "pass": null, "query": {"a": "1", "b": "2"}, "url": "/api/v1/al/auln-auth-field/simplified?a=1&b=2"}',
    '{"authorization": null, "body": null, "kwargs": {"key": "1"}, "pass": null, "query": {"kwargs_key": "1"}, "url": "/api/v1/al/auln-auth-field/flattened?kwargs_key=1"}',
    '{"authorization": null, "body": null, "kwargs": {"a": 1}, "pass": null, "query": {"kwargs": "{\"a\":1}"}, "url": "/api/v1/al/auln-auth-field?kwargs={\"a\":1}"}',
    '{"authorization": null, "body": "a=1&pass=x", "kwargs": {"a": "1", "pass": "x"}, "pass": null, "query": {}, "url": "/api/v1/al/auln-auth-field/simplified"}',
    Encode::encode_utf8('{"authorization": null, "body": {"a": {"pin": 1}, "é": 2}, "kwargs": {"a": {"pin": 1}, "é": 2}, "pass": null, "query": {}, "url": "/api/v1/al/auln-auth-field/simplified"}'),
    '{"authorization": null, "body": {"kwargs": {"pin": 1}}, "kwargs": {"pin": 1}, "pass": null, "query": {}, "url": "/api/v1/al/auln-auth-field"}',
    '{"authorization": null, "body": {}, "kwargs": {}, "pass": null, "query": {}, "url": "/api/v1/al/auln-auth-field/simplified"}',
]


=== fixedField: a field that did not have to match stays an argument; the header is masked
--- request
GET /api/v1/al/auln-auth-field/simplified?key=mine
--- more_headers
X-Pass: open sesame
--- response_body_like: "kwargs": \{"key": "mine"\}, "pass": "\*\*\*"


=== a refused call's body is not read: the answer comes before it
--- raw_request eval
["POST /api/v1/al/auln-auth-head HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n", "x"]
--- raw_request_middle_delay: 0.3
--- error_code: 401


=== nor is it asked for
--- raw_request eval
"POST /api/v1/al/auln-auth-head HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
--- error_code: 401


=== nor is it taken for the connection's next request
--- pipelined_requests eval
["POST /api/v1/al/auln-auth-basic\nGET /api/v1/al/auln-ok HTTP/1.1\r\nHost: x\r\n\r\n", 'GET /api/v1/al/auln-ok']
--- error_code eval
[401, 200]
--- response_body_like eval
['"error":401\.99', '^ok$']


=== func: what is true in Python lets in
--- request eval
[map { 'GET /api/v1/al/auln-auth-func' } 1 .. 7]
--- more_headers eval
[map { "X-Verdict: $_\n" } 'True', '1', '0.1', '"no"', '[0]', '{1: 2}', '{0}']
--- response_body eval
[('ok') x 7]


=== func: what is not, does not
--- request eval
[map { 'GET /api/v1/al/auln-auth-func' } 1 .. 10]
--- more_headers eval
['', map { "X-Verdict: $_\n" } 'False', '0', '-0.0', '""', '[]', '{}', 'set()', 'b""', 'None']
--- error_code eval
[(401) x 10]
--- response_headers eval
[("!WWW-Authenticate\n!X-Dff-Task-Id") x 10]


=== func: req has all of the request
--- request
POST /api/v1/al/auln-auth-req?a=1&a=2
{"kwargs": {"value": 1}}
--- more_headers
Content-Type: application/json
X-Mixed-Case: Yes
X-Requested-With: XMLHttpRequest
--- response_body chomp
1


=== func: one that raises, or answers with a response, lets nobody in
--- request eval
['GET /api/v1/al/auln-auth-raises', 'GET /api/v1/al/auln-auth-resp']
--- error_code eval
[401, 401]
--- response_body_like eval
[('"error":401\.99,"reason":"EAPIAuth"') x 2]


=== func: its time limits close the door too
--- request eval
['GET /api/v1/al/auln-auth-slow', 'GET /api/v1/al/auln-auth-late']
--- error_code eval
[401, 401]
--- timeout: 5


=== func: a client that leaves while the function thinks harms nobody
--- request
GET /api/v1/al/auln-auth-late
--- timeout: 200ms
--- abort
--- wait: 1


=== secrets that let in do not come back in an error
--- request
GET /api/v1/al/auln-auth-field?key=second&kwargs={bad
--- error_code: 400
--- response_body_like: "reqDump":\{"method":"GET","url":"/api/v1/al/auln-auth-field\?kwargs=\{bad"\}
