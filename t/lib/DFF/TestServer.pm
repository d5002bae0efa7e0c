package DFF::TestServer;

# The nginx of a test block: its configuration in t/servroot, start and stop, and
# what it has written into error.log since the block began.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

sub new {
    my ($class, %options) = @_;
    my $root = abs_path('t') . '/servroot';
    return bless {
        root   => $root,
        port   => $ENV{TEST_NGINX_SERVER_PORT} || 1984,
        binary => $ENV{TEST_NGINX_BINARY} || 'nginx',
        %options,
    }, $class;
}

sub html_dir  { return $_[0]{root} . '/html' }
sub log_path  { return $_[0]{root} . '/logs/error.log' }
sub conf_path { return $_[0]{root} . '/conf/nginx.conf' }

# A new folder for each block: nothing of the block before is left.
sub prepare {
    my ($self, $files) = @_;

    remove_tree($self->{root});
    make_path(map { "$self->{root}/$_" } qw(conf logs html));
    write_file($self->html_dir . '/index.html', 'It works!<br>');
    for my $name (sort keys %$files) {
        my $path = $self->html_dir . "/$name";
        my ($folder) = $path =~ m{^(.*)/};
        make_path($folder);
        write_file($path, $files->{$name});
    }
}

sub write_file {
    my ($path, $content) = @_;
    open my $out, '>:raw', $path or die "cannot write $path: $!";
    print {$out} $content;
    close $out or die "cannot write $path: $!";
}

# $part: the sections main_config, http_config and config, already expanded.
sub write_config {
    my ($self, $part) = @_;
    my $master = $self->{master} ? 'on' : 'off';
    my $user = $> == 0 ? 'user root root;' : '';
    my $root_location = $self->{root_location}
        ? "location / { root $self->{root}/html; index index.html index.htm; }" : '';

    write_file($self->conf_path, <<"END");
worker_processes  $self->{workers};
daemon on;
master_process $master;
$user
error_log  logs/error.log $self->{log_level};
pid        logs/nginx.pid;
$part->{main}

events {
    worker_connections  $self->{worker_connections};
}

http {
    access_log  logs/access.log;
    default_type  text/plain;
    keepalive_timeout  68;
    client_body_temp_path  client_body_temp;
    proxy_temp_path  proxy_temp;
    fastcgi_temp_path  fastcgi_temp;
    uwsgi_temp_path  uwsgi_temp;
    scgi_temp_path  scgi_temp;
$part->{http}

    server {
        listen       $self->{port};
        server_name  localhost;
        client_max_body_size  30M;
$part->{server}
        $root_location
    }
}
END
}

# Returns nothing on success, else what nginx said.
sub start {
    my ($self) = @_;
    my $status = $self->run_nginx;
    if ($status != 0) {
        return "nginx did not start (exit status $status): " . join('', $self->log_lines);
    }
    my $up = wait_until(10, sub { $self->pid && $self->connects });
    return $up ? undef : 'nginx does not accept connections: ' . read_file($self->log_path);
}

sub run_nginx {
    my ($self) = @_;
    my $output = "$self->{root}/logs/start.out";
    my $child = fork;
    die "fork: $!" unless defined $child;
    if ($child == 0) {
        open STDIN, '<', '/dev/null' or die $!;
        open STDOUT, '>', $output or die $!;
        open STDERR, '>&', \*STDOUT or die $!;
        exec $self->{binary}, '-p', "$self->{root}/", '-c', $self->conf_path or die "exec: $!";
    }
    waitpid $child, 0;
    return $? >> 8 || $?;
}

sub connects {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 1);
    return defined $socket;
}

sub pid {
    my ($self) = @_;
    my ($pid) = read_file("$self->{root}/logs/nginx.pid") =~ /^(\d+)/;
    return $pid;
}

sub stop {
    my ($self) = @_;
    my $pid = $self->pid or return;

    for my $step (['QUIT', 5], ['TERM', 3], ['KILL', 3]) {
        my ($signal, $seconds) = @$step;
        kill $signal, $pid or last;
        last if wait_until($seconds, sub { !is_alive($pid) });
    }
    unlink "$self->{root}/logs/nginx.pid";
}

# A daemon that has ended may stay a zombie until its new parent looks.
sub is_alive {
    my ($pid) = @_;
    return 0 unless kill 0, $pid;
    return read_file("/proc/$pid/stat") !~ /\) Z /;
}

# With what nginx said before it had its log.
sub log_lines {
    my ($self) = @_;
    return split /(?<=\n)/, read_file("$self->{root}/logs/start.out") . read_file($self->log_path);
}

sub read_file {
    my ($path) = @_;
    open my $in, '<:raw', $path or return '';
    local $/;
    my $content = <$in>;
    return defined $content ? $content : '';
}

sub wait_until {
    my ($seconds, $condition) = @_;
    my $deadline = time + $seconds;
    until ($condition->()) {
        return 0 if time > $deadline;
        sleep 0.01;
    }
    return 1;
}

1;
