# Where a request came from: X-Forwarded-For is believed only as far as trusted proxies
# vouch for it.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/config_with.pl";
require "$FindBin::Bin/defaults.pl";

defaults();
add_block_preprocessor(sub {
    my $block = shift;
    # The platform's log goes to error.log, where tests look.
    $block->set_value(http_config => config_with('t-forwarded', $block->dff_config || '',
        LOG_FILE_PATH => server_root() . '/logs/error.log', LOG_LEVEL => 'INFO'));
    $block->set_value(request => 'GET /api/v1/al/auln-from')
        unless defined $block->request || defined $block->must_die;
});

run_tests();

__DATA__

=== by default nobody is trusted: the header is ignored
--- more_headers
X-Forwarded-For: 203.0.113.7
--- response_body_like: "ip":"127\.0\.0\.1","ips":\["127\.0\.0\.1"\]
--- error_log
[REQUEST FROM] ip=127.0.0.1 forwarded-for=- referer=-


=== a peer that is no trusted proxy is not believed
--- dff_config
WEB_TRUSTED_PROXIES: 10.0.0.0/8, ::1
--- more_headers
X-Forwarded-For: 203.0.113.7
--- response_body_like: "ip":"127\.0\.0\.1","ips":\["127\.0\.0\.1"\]
--- error_log
[REQUEST FROM] ip=127.0.0.1 forwarded-for=-
--- no_error_log
ip=203.0.113.7
forwarded-for=203.0.113.7


=== a trusted proxy says who asked it
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1
--- more_headers
X-Forwarded-For: 203.0.113.7
--- response_body_like: "ip":"203\.0\.113\.7","ips":\["203\.0\.113\.7","127\.0\.0\.1"\]
--- error_log
[REQUEST FROM] ip=203.0.113.7 forwarded-for=203.0.113.7, 127.0.0.1


=== what the client itself claims is left of the first untrusted address and not read
--- dff_config
WEB_TRUSTED_PROXIES: [127.0.0.0/8, 10.0.0.0/8]
--- more_headers
X-Forwarded-For: 1.1.1.1, 10.0.0.1, 203.0.113.7, 10.0.0.2
--- response_body_like: "ip":"203\.0\.113\.7","ips":\["203\.0\.113\.7","10\.0\.0\.2","127\.0\.0\.1"\]


=== several lines of the header are one list
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1, 10.0.0.0/8
--- more_headers
X-Forwarded-For: 198.51.100.1,203.0.113.7
X-Forwarded-For: 10.1.1.1
x-forwarded-for: 10.2.2.2 ,
--- response_body_like: "ip":"203\.0\.113\.7","ips":\["203\.0\.113\.7","10\.1\.1\.1","10\.2\.2\.2","127\.0\.0\.1"\]


=== only trusted proxies: the leftmost one asked
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1, 10.0.0.0/8
--- more_headers
X-Forwarded-For: 10.1.1.1, 10.2.2.2
--- response_body_like: "ip":"10\.1\.1\.1","ips":\["10\.1\.1\.1","10\.2\.2\.2","127\.0\.0\.1"\]


=== IPv6, brackets and ports are understood and left out
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1, fd00::/8, 10.0.0.0/8
--- more_headers
X-Forwarded-For: [2001:DB8::0:7]:4711, fd00::1, ::ffff:10.0.0.1, 10.0.0.2:8080
--- response_body_like: "ip":"2001:db8::7","ips":\["2001:db8::7","fd00::1","::ffff:10\.0\.0\.1","10\.0\.0\.2","127\.0\.0\.1"\]


=== nonsense ends the list: the last address that could be read counts
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1, 10.0.0.0/8
--- request eval
[("GET /api/v1/al/auln-from") x 7]
--- more_headers eval
[map { "X-Forwarded-For: $_" } 'unknown', '203.0.113.7, _hidden, 10.0.0.1', '999.1.1.1', ',', '203.0.113.7;10.0.0.1', '203.0.113.7, localhost', '203.0.113.7:99999']
--- response_body_like eval
[qr/"ip":"127\.0\.0\.1","ips":\["127\.0\.0\.1"\]/, qr/"ip":"10\.0\.0\.1","ips":\["10\.0\.0\.1","127\.0\.0\.1"\]/, (qr/"ip":"127\.0\.0\.1"/) x 5]


=== a list without end is read for 32 hops
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1, 10.0.0.0/8
--- more_headers eval
"X-Forwarded-For: 203.0.113.7" . ', 10.0.0.1' x 500
--- response_body_like: "ip":"10\.0\.0\.1","ips":\[("10\.0\.0\.1",){32}"127\.0\.0\.1"\]


=== a trusted proxy that says nothing is the client
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1
--- response_body_like: "ip":"127\.0\.0\.1","ips":\["127\.0\.0\.1"\]


=== the host of a forwarded request is the one that was asked for
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1
--- more_headers
Host: api.example
X-Forwarded-Host: evil.example
--- response_body_like: "hostname":"api\.example"


=== nonsense among the proxies is refused at start
--- dff_config
WEB_TRUSTED_PROXIES: 10.0.0.0/8, everyone
--- must_die
--- error_log
WEB_TRUSTED_PROXIES must be a list of addresses and networks, like 10.0.0.0/8, fd00::/8, got 10.0.0.0/8, everyone


=== a network mask that is too long is refused at start
--- dff_config
WEB_TRUSTED_PROXIES: 10.0.0.0/33
--- must_die
--- error_log
WEB_TRUSTED_PROXIES must be a list of addresses and networks


=== a network with bits behind its mask is taken with a warning
--- dff_config
WEB_TRUSTED_PROXIES: 127.0.0.1/8
--- more_headers
X-Forwarded-For: 203.0.113.7
--- response_body_like: "ip":"203\.0\.113\.7"
--- error_log
WEB_TRUSTED_PROXIES: the low bits of "127.0.0.1/8" mean nothing


=== a secret in the referer is masked in the log, as in the URL
--- request
GET /api/v1/al/auln-from?x_token=p4ss
--- more_headers
Referer: http://elsewhere.example/?Access%54oken=p4ss&a=1
User-Agent: tester
--- error_log
url=/api/v1/al/auln-from?x_token=***
referer=http://elsewhere.example/?Access%54oken=***&a=1 user-agent=tester
