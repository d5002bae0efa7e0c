# A location with "dff" among nginx's own ways to use a location: as a part of a page (SSI), as
# a judge (auth_request), as a mirror, in "if" and "limit_except", behind filters of bodies.

use Test::Nginx::Socket 'no_plan';

our $main = 'load_module $TEST_NGINX_DFF_MODULE;';
our $http = 'dff_config $TEST_NGINX_DFF_CONFIG;';
our $api = 'location /api/v1/ { dff; }';
our $page = $api . ' location = /page { default_type text/html; ssi on; root html; }';

add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(main_config => $main) unless defined $block->main_config;
    $block->set_value(http_config => $http) unless defined $block->http_config;
    $block->set_value(config => $page) unless defined $block->config;
});

no_long_string();
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

