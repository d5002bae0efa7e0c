# The module's directives: bad configuration is refused with a reason.

use Test::Nginx::Socket 'no_plan';
use FindBin;

require "$FindBin::Bin/defaults.pl";

# The configuration with a Redis of its own, in a file beside it.
our $configs = 0;
sub config_with_redis {
    my ($host) = @_;
    my $path = $ENV{TEST_NGINX_DFF_CONFIG};
    open my $in, '<', $path or die "$path: $!";
    my @lines = grep { !/^REDIS_/ } <$in>;
    close $in;
    $path =~ s{[^/]+\z}{"t-redis" . ++$configs . ".yaml"}e;
    open my $out, '>', $path or die "$path: $!";
    print {$out} @lines, qq(REDIS_HOST: "$host"\nREDIS_PORT: 1\nREDIS_SOCKET: ""\n);
    close $out or die "$path: $!";
    return "dff_config $path;";
}

defaults(http_config => undef, config => undef);
run_tests();

__DATA__

=== loaded but not used, the module changes nothing
--- config
location = /t { return 200 "plain"; }
--- request
GET /t
--- response_body chomp
plain


=== dff needs dff_config
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
"dff" directive needs "dff_config" before it


=== a configuration file that is not there
--- http_config
dff_config /nonexistent/user-config.yaml;
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
/nonexistent/user-config.yaml


=== a route cache that is too small
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
dff_route_cache 1k;
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
dff_route_cache must be a size of at least 256k, got "1k"


=== a place of saved results that is no named location
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
--- config
location /api/v1/ { dff; dff_saved_results saved; }
--- must_die
--- error_log
dff_saved_results must be the name of a location such as "@dff_saved", got "saved"


=== dff_config twice
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
dff_config $TEST_NGINX_DFF_CONFIG;
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
"dff_config" directive is duplicate


=== dff_route_cache twice
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
dff_route_cache 1m;
dff_route_cache 1m;
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
"dff_route_cache" directive is duplicate


=== dff_saved_results twice
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
--- config
location /api/v1/ { dff; dff_saved_results @a; dff_saved_results @a; }
--- must_die
--- error_log
"dff_saved_results" directive is duplicate


=== dff twice
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
--- config
location /api/v1/ { dff; dff; }
--- must_die
--- error_log
"dff" directive is duplicate


=== a place of saved results for all locations, and another for one
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
dff_saved_results @a;
--- config
dff_saved_results @b;
location /api/v1/ { dff; dff_saved_results @c; location /api/v1/do/ { dff; } }
--- request
GET /api/v1/do/ping
--- response_body_like: pong


=== other locations of the server stay what they are
--- http_config
dff_config $TEST_NGINX_DFF_CONFIG;
dff_route_cache 1m;
--- config
location /api/v1/ { dff; }
location = /t { return 200 "plain"; }
--- request
GET /t
--- response_body chomp
plain


=== Redis at an IPv6 address
--- http_config eval: main::config_with_redis('::1')
--- config
location /api/v1/ { dff; }
--- request
GET /api/v1/do/ping
--- error_code: 503
--- response_body_like: "message":"(Connection refused|Cannot assign requested address)"
--- error_log
dff: Redis link "commands" is down:


=== a port behind the address of Redis is no part of it
--- http_config eval: main::config_with_redis('127.0.0.1:6379')
--- config
location /api/v1/ { dff; }
--- must_die
--- error_log
dff_config: REDIS_HOST "127.0.0.1:6379": host not found
