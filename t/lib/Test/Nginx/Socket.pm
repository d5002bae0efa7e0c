package Test::Nginx::Socket;

# A small subset of the CPAN module of this name, for machines that do not have it:
# t/run.sh puts t/lib before the other folders only then. The sections and functions
# below mean what that module documents; t/README.md lists them.

use Test::Base -Base;

our $VERSION = '0.01';

use DFF::TestClient;
use DFF::TestServer;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Time::HiRes ();

our @EXPORT = qw(
    run_tests repeat_each no_shuffle no_root_location no_long_string
    master_on master_off workers worker_connections log_level timeout server_port
    html_dir server_root add_block_preprocessor add_cleanup_handler env_to_nginx
);

my %setting = (
    repeat_each        => 1,
    master             => 0,
    workers            => 1,
    worker_connections => 64,
    log_level          => $ENV{TEST_NGINX_LOG_LEVEL} || 'debug',
    root_location      => 1,
    timeout            => $ENV{TEST_NGINX_TIMEOUT} || 3,
);
my (@preprocessors, @cleanups, @env);
my @Fatal = ('[alert]', '[crit]', '[emerg]', 'AddressSanitizer', 'LeakSanitizer',
    'runtime error:');

# Prototypes, because Test::Base -Base makes methods of subs without one.

sub setting ($@) {
    my ($name, @value) = @_;
    $setting{$name} = $value[0] if @value && defined $value[0];
    return $setting{$name};
}

sub repeat_each (@)        { return setting('repeat_each', @_) }
sub workers (@)            { return setting('workers', @_) }
sub worker_connections (@) { return setting('worker_connections', @_) }
sub log_level (@)          { return setting('log_level', @_) }
sub timeout (@)            { return setting('timeout', @_) }
sub master_on ()           { return setting('master', 1) }
sub master_off ()          { return setting('master', 0) }
sub no_root_location ()    { return setting('root_location', 0) }
sub server_port ()         { return $ENV{TEST_NGINX_SERVER_PORT} || 1984 }
sub server_root ()         { return DFF::TestServer->new->{root} }
sub html_dir ()            { return DFF::TestServer->new->html_dir }
sub env_to_nginx (@)       { push @env, @_; return }

# Blocks always run in order here, and failures are shown whole.
sub no_shuffle ()     { return }
sub no_long_string () { return }

sub add_block_preprocessor (&) { push @preprocessors, $_[0]; return }
sub add_cleanup_handler (&)    { push @cleanups, $_[0]; return }

# --- small things --------------------------------------------------------------------

sub bail_out ($) {
    Test::More::BAIL_OUT($_[0]);
}

sub list_of ($) {
    my ($value) = @_;
    return ref $value eq 'ARRAY' ? @$value : ($value);
}

# The expectation for request number $i: one for all, or one for each.
sub expected ($$) {
    my ($value, $i) = @_;
    return ref $value eq 'ARRAY' ? $value->[$i] : $value;
}

# "2", "500ms", "2s"
sub duration ($) {
    my ($text) = @_;
    return $1 / 1000 if $text =~ /\A\s*([\d.]+)ms\s*\z/;
    return $text =~ /\A\s*([\d.]+)/ ? $1 : bail_out("bad duration '$text'");
}

sub trimmed ($) {
    my ($text) = @_;
    $text =~ s/\A\s+|\s+\z//g;
    return $text;
}

# --- configuration ----------------------------------------------------------------

# $TEST_NGINX_NAME becomes the environment's value; a missing one ends the run.
sub expand ($$) {
    my ($text, $server) = @_;
    return '' unless defined $text;
    my %own = (
        TEST_NGINX_SERVER_PORT => $server->{port},
        TEST_NGINX_HTML_DIR    => $server->html_dir,
        TEST_NGINX_SERVER_ROOT => $server->{root},
    );
    $text =~ s{\$(TEST_NGINX_\w+)}{
        my $value = exists $own{$1} ? $own{$1} : $ENV{$1};
        defined $value ? $value : bail_out("no environment variable $1");
    }ge;
    return $text;
}

# ">>> name" begins a file; or a list of [name => content].
sub user_files ($) {
    my ($text) = @_;
    return {} unless defined $text;
    return { map { $_->[0] => $_->[1] } @$text } if ref $text;

    my (%files, $name);
    for my $line (split /(?<=\n)/, $text) {
        if ($line =~ /\A>>> (\S+)/) {
            $name = $1;
            $files{$name} = '';
        } elsif (defined $name) {
            $files{$name} .= $line;
        }
    }
    return \%files;
}

# --- a TCP peer that the configuration talks to ------------------------------------------------

sub serve_peer ($$$) {
    my ($block, $listener, $writer) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (my $client = $listener->accept) {
        my $want = defined $block->tcp_query_len ? trimmed($block->tcp_query_len)
            : defined $block->tcp_query ? length $block->tcp_query : 1;
        my $query = '';
        while (length $query < $want) {
            my $got = sysread $client, my $piece, 65536;
            last unless $got;
            $query .= $piece;
        }
        syswrite $writer, pack('N/a', $query);
        Time::HiRes::sleep(duration($block->tcp_reply_delay)) if defined $block->tcp_reply_delay;
        my $reply = $block->tcp_reply;
        $reply = $reply->($query) if ref $reply eq 'CODE';
        DFF::TestClient::send_all($client, $_) for grep { defined } list_of($reply);
        if (defined $block->tcp_no_close) {
            1 while sysread $client, my $piece, 65536;
        }
        close $client;
    }
}

# tcp_listen: a port or the path of a socket; tcp_reply: what each connection is told.
sub start_peer ($) {
    my ($block) = @_;
    return undef unless defined $block->tcp_listen;
    my $target = trimmed($block->tcp_listen);
    my $listener = $target =~ m{/}
        ? IO::Socket::UNIX->new(Local => $target, Type => SOCK_STREAM, Listen => 8)
        : IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $target, ReuseAddr => 1,
            Listen => 8);
    $listener or bail_out("tcp_listen $target: $!");
    pipe my $reader, my $writer or bail_out("pipe: $!");

    my $child = fork;
    bail_out("fork: $!") unless defined $child;
    if ($child == 0) {
        close $reader;
        serve_peer($block, $listener, $writer);
        require POSIX;
        POSIX::_exit(0);
    }
    close $writer;
    close $listener;
    return { pid => $child, reader => $reader, path => $target =~ m{/} ? $target : undef };
}

sub check_peer ($$$) {
    my ($block, $peer, $name) = @_;
    return unless $peer && defined $block->tcp_query;
    require IO::Select;
    my $got = '';
    if (IO::Select->new($peer->{reader})->can_read(2)) {
        sysread $peer->{reader}, $got, 1 << 20;
        ($got) = unpack 'N/a', $got;
    }
    Test::More::is($got, $block->tcp_query, "$name - tcp_query");
}

sub stop_peer ($) {
    my ($peer) = @_;
    return unless $peer;
    kill 'KILL', $peer->{pid};
    waitpid $peer->{pid}, 0;
    unlink $peer->{path} if defined $peer->{path};
}

# --- checks of an answer -----------------------------------------------------------------

sub like_text ($$$) {
    my ($got, $pattern, $title) = @_;
    if (!ref $pattern) {
        $pattern =~ s/\n\z//;
        $pattern = qr/$pattern/sm;
    }
    Test::More::like($got, $pattern, $title);
}

sub header_value ($$) {
    my ($answer, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $answer->{headers} };
    return @values ? join ', ', @values : undef;
}

# "Name: value" must be there with that value; "!Name" must not be there.
sub check_headers ($$$$) {
    my ($block, $answer, $i, $name) = @_;

    for my $line (grep { /\S/ } split /\n/, expected($block->response_headers, $i) // '') {
        if ($line =~ /\A\s*!\s*(\S+)/) {
            Test::More::is(header_value($answer, $1), undef, "$name - no header $1");
        } elsif ($line =~ /\A\s*([^:]+?)\s*:\s*(.*?)\s*\z/) {
            Test::More::is(header_value($answer, $1), $2, "$name - header $1");
        } else {
            bail_out("bad line in response_headers: $line");
        }
    }
    for my $line (grep { /\S/ } split /\n/, expected($block->response_headers_like, $i) // '') {
        my ($header, $pattern) = $line =~ /\A\s*([^:]+?)\s*:\s*(.*?)\s*\z/
            or bail_out("bad line in response_headers_like: $line");
        my $value = header_value($answer, $header);
        Test::More::like(defined $value ? $value : '', qr/\A$pattern\z/,
            "$name - header $header is like");
    }
    my $raw = expected($block->raw_response_headers_like, $i);
    like_text($answer->{head}, $raw, "$name - header block is like") if defined $raw;
    my $unlike = expected($block->raw_response_headers_unlike, $i);
    if (defined $unlike) {
        $unlike =~ s/\n\z// unless ref $unlike;
        Test::More::unlike($answer->{head}, qr/$unlike/sm, "$name - header block is unlike");
    }
}

sub check_answer ($$$$) {
    my ($block, $answer, $i, $name) = @_;

    my $code = expected($block->error_code, $i);
    my $code_like = expected($block->error_code_like, $i);
    if (defined $code_like) {
        like_text($answer->{code}, $code_like, "$name - status code");
    } else {
        Test::More::is($answer->{code}, defined $code ? trimmed($code) : 200,
            "$name - status code");
    }
    check_headers($block, $answer, $i, $name);
    Test::More::fail("$name - the body is whole") if $answer->{truncated};

    my $body = expected($block->response_body, $i);
    Test::More::is($answer->{body}, $body, "$name - body") if defined $body;
    my $like = expected($block->response_body_like, $i);
    like_text($answer->{body}, $like, "$name - body is like") if defined $like;
    my $unlike = expected($block->response_body_unlike, $i);
    if (defined $unlike) {
        $unlike =~ s/\n\z// unless ref $unlike;
        Test::More::unlike($answer->{body}, qr/$unlike/sm, "$name - body is unlike");
    }
}

# --- checks of error.log --------------------------------------------------------------------

# A section's patterns: a regular expression, a list, or a text for each line.
sub log_patterns ($) {
    my ($value) = @_;
    return () unless defined $value;
    return ($value) if ref $value && ref $value ne 'ARRAY';
    return grep { ref || /\S/ } map { ref $_ ? $_ : split /\n/, $_ } list_of($value);
}

sub log_has ($$) {
    my ($pattern, $server) = @_;
    return grep { ref $pattern ? $_ =~ $pattern : index($_, $pattern) >= 0 } $server->log_lines;
}

# What must never be written, unless the block says that it will be.
sub check_fatal ($$$) {
    my ($block, $server, $name) = @_;
    my @wanted = log_patterns($block->error_log);

    for my $word (@Fatal) {
        for my $line (log_has($word, $server)) {
            next if grep { ref $_ ? $line =~ $_ : index($line, $_) >= 0 } @wanted;
            Test::More::fail("$name - no $word in error.log");
            Test::More::diag($line);
        }
    }
}

sub check_patterns ($$$) {
    my ($block, $server, $name) = @_;

    # The line may follow the answer.
    for my $pattern (log_patterns($block->error_log)) {
        my $found = DFF::TestServer::wait_until(2, sub { log_has($pattern, $server) });
        Test::More::ok($found, "$name - error.log has '$pattern'");
    }
    for my $pattern (log_patterns($block->no_error_log)) {
        my @lines = log_has($pattern, $server);
        Test::More::ok(!@lines, "$name - error.log has no '$pattern'")
            or Test::More::diag(@lines);
    }
}

# --- requests -------------------------------------------------------------------------

sub headers_for ($$) {
    my ($block, $i) = @_;
    my $headers = expected($block->more_headers, $i);
    return defined $headers ? $headers : '';
}

sub run_requests ($$$) {
    my ($block, $server, $name) = @_;
    my %common = (
        port    => $server->{port},
        timeout => defined $block->timeout ? duration($block->timeout) : $setting{timeout},
    );
    my @exchanges;

    if (defined $block->raw_request) {
        my @pieces = list_of($block->raw_request);
        my ($method) = join('', @pieces) =~ /\A\s*(\S+)/;
        push @exchanges, { pieces => \@pieces, delay => scalar $block->raw_request_middle_delay,
            methods => [$method] };
    } elsif (defined $block->pipelined_requests) {
        my @texts = list_of($block->pipelined_requests);
        my (@pieces, @methods);
        for my $i (0 .. $#texts) {
            my $connection = $i < $#texts ? 'keep-alive' : 'close';
            push @pieces, DFF::TestClient::build_request(
                $texts[$i], headers_for($block, $i), $connection);
            push @methods, $texts[$i] =~ /\A\s*(\S+)/;
        }
        push @exchanges, { pieces => [join '', @pieces], methods => \@methods };
    } elsif (defined $block->request) {
        my @texts = list_of($block->request);
        for my $i (0 .. $#texts) {
            my ($method) = $texts[$i] =~ /\A\s*(\S+)/;
            push @exchanges, { methods => [$method], pieces => [
                DFF::TestClient::build_request($texts[$i], headers_for($block, $i), 'close')] };
        }
    } else {
        Test::More::fail("$name - has a request");
        return;
    }

    my $i = 0;
    for my $exchange (@exchanges) {
        my $got = DFF::TestClient::exchange(%common, %$exchange);
        next if defined $block->abort || defined $block->ignore_response;
        for my $method (@{ $exchange->{methods} }) {
            my $answer = shift @{ $got->{answers} };
            my $title = $i || @exchanges > 1 || @{ $exchange->{methods} } > 1
                ? "$name (request $i)" : $name;
            if ($answer) {
                check_answer($block, $answer, $i, $title);
            } else {
                Test::More::fail("$title - is answered");
                Test::More::diag($got->{timed_out} ? 'timed out' :
                    $got->{error} || "connection closed, read: '$got->{rest}'");
            }
            $i++;
        }
    }
}

# --- blocks --------------------------------------------------------------------------

sub run_block ($) {
    my ($block) = @_;
    my $name = $block->name;
    my $server = DFF::TestServer->new(%setting);

    $server->prepare(user_files($block->user_files));
    $server->write_config({
        main   => join("\n", map({ "env $_;" } @env), expand($block->main_config, $server)),
        http   => expand($block->http_config, $server),
        server => expand($block->config, $server),
    });
    my $peer = start_peer($block);
    my $failure = $server->start;
    if (defined $block->must_die) {
        Test::More::ok(defined $failure, "$name - nginx does not start");
        check_patterns($block, $server, $name);
        $server->stop;
        stop_peer($peer);
        return;
    }
    if (defined $failure) {
        Test::More::fail("$name - nginx starts");
        Test::More::diag($failure);
    } else {
        for my $round (1 .. $setting{repeat_each}) {
            run_requests($block, $server, $name);
            check_peer($block, $peer, $name);
            Time::HiRes::sleep($block->wait) if defined $block->wait;
            check_patterns($block, $server, $name);
            check_fatal($block, $server, $name);
        }
    }
    $server->stop;
    stop_peer($peer);
    check_fatal($block, $server, "$name - after the end of nginx");
}

sub run_tests () {
    for my $block (Test::Base::blocks()) {
        if (defined $block->SKIP) {
            SKIP: {
                Test::More::skip($block->name . ' (SKIP)', 1);
            }
            next;
        }
        $_->($block) for @preprocessors;
        run_block($block);
    }
    $_->() for @cleanups;
}

1;
