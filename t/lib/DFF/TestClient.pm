package DFF::TestClient;

# The HTTP client of the tests: sends bytes, reads an answer within a time limit,
# takes it apart. Nothing is corrected on the way, so that broken requests can be sent.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

# The bytes of a request given as in a test's section: a first line, then the body.
sub build_request {
    my ($text, $more_headers, $connection) = @_;

    my ($line, $body) = $text =~ /\A[ \t\n]*([^\n]*)(?:\n(.*))?\z/s;
    $body = '' unless defined $body;
    $body =~ s/\n\z//;
    $line =~ s/\s+\z//;
    $line .= ' HTTP/1.1' unless $line =~ m{ HTTP/\d\.\d\z};

    my $headers = '';
    for my $header (grep { /\S/ } split /\n/, $more_headers) {
        $header =~ s/\r\z//;
        $headers .= "$header\r\n";
    }
    my $out = "$line\r\n";
    $out .= "Host: localhost\r\n" unless $headers =~ /^Host:/mi;
    $out .= "Connection: $connection\r\n" unless $headers =~ /^Connection:/mi;
    $out .= $headers;
    if (length $body && $headers !~ /^(?:Content-Length|Transfer-Encoding):/mi) {
        $out .= 'Content-Length: ' . length($body) . "\r\n";
    }
    return "$out\r\n$body";
}

# Sends the pieces (with a pause between them) and reads $count answers, or less when
# the server closes or the time is over. Returns { answers, timed_out, error }.
sub exchange {
    my (%option) = @_;
    my $deadline = time + $option{timeout};
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $option{port}, Timeout => $option{timeout})
        or return { answers => [], error => "connect: $!" };
    binmode $socket;

    local $SIG{PIPE} = 'IGNORE';
    my $first = 1;
    for my $piece (@{ $option{pieces} }) {
        sleep $option{delay} if $option{delay} && !$first;
        $first = 0;
        send_all($socket, $piece) or last;    # an early answer is still to be read
    }
    my ($bytes, $timed_out, @answers) = ('', 0);
    my @methods = @{ $option{methods} };
    while (@answers < @methods) {
        my $answer = take_answer(\$bytes, 0, $methods[@answers]);
        if ($answer) {
            push @answers, $answer;
            next;
        }
        my $more = read_some($socket, $deadline);
        if (!defined $more) {
            $timed_out = 1;
            last;
        }
        if ($more eq '') {
            my $last = take_answer(\$bytes, 1, $methods[@answers]);
            push @answers, $last if $last;
            last;
        }
        $bytes .= $more;
    }
    close $socket;
    return { answers => \@answers, timed_out => $timed_out, rest => $bytes };
}

sub send_all {
    my ($socket, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $sent = syswrite $socket, $bytes, length($bytes) - $at, $at;
        return 0 unless defined $sent;
        $at += $sent;
    }
    return 1;
}

# undef: the time is over; '': closed.
sub read_some {
    my ($socket, $deadline) = @_;
    my $left = $deadline - time;
    return undef if $left <= 0 || !IO::Select->new($socket)->can_read($left);
    my $got = sysread $socket, my $piece, 65536;
    return $got ? $piece : '';
}

# Cuts one whole answer off the front of the bytes; nothing when it is not whole.
sub take_answer {
    my ($bytes, $closed, $method) = @_;

    $$bytes =~ /\A(.*?\r?\n)\r?\n/s or return;
    my ($head, $body_at) = ($1, $+[0]);
    my ($code, $message) = $head =~ m{\AHTTP/\d\.\d (\d+) ?([^\r\n]*)};
    return { raw => $$bytes, head => $head, code => 0, headers => [], body => '' }
        unless defined $code;

    my @headers;
    my @lines = split /\r?\n/, $head;
    shift @lines;
    for my $line (@lines) {
        push @headers, [$1, $2] if $line =~ /\A([^:]+):[ \t]*(.*?)[ \t]*\z/s;
    }
    my $answer = { head => $head, code => $code, message => $message, headers => \@headers };
    my $value = sub {
        my ($name) = @_;
        my ($found) = grep { lc $_->[0] eq lc $name } @headers;
        return $found ? $found->[1] : '';
    };

    if ($method eq 'HEAD' || $code == 204 || $code == 304 || $code =~ /^1/) {
        $answer->{body} = '';
        substr $$bytes, 0, $body_at, '';
    } elsif ($value->('Transfer-Encoding') =~ /chunked/i) {
        my ($body, $end) = decode_chunks($$bytes, $body_at);
        return unless defined $end || $closed;
        $answer->{body} = $body;
        $answer->{truncated} = !defined $end;
        substr $$bytes, 0, defined $end ? $end : length $$bytes, '';
    } elsif ($value->('Content-Length') =~ /^(\d+)$/) {
        my $size = $1;
        return if length($$bytes) - $body_at < $size && !$closed;
        $answer->{body} = substr $$bytes, $body_at, $size;
        $answer->{truncated} = length $answer->{body} < $size;
        substr $$bytes, 0, $body_at + length $answer->{body}, '';
    } else {
        return unless $closed;
        $answer->{body} = substr $$bytes, $body_at;
        $$bytes = '';
    }
    return $answer;
}

sub decode_chunks {
    my ($bytes, $at) = @_;
    my $body = '';
    while (substr($bytes, $at) =~ /\A([0-9A-Fa-f]+)[^\r\n]*\r\n/) {
        my ($size, $begin) = (hex $1, $at + $+[0]);
        if ($size == 0) {
            return ($body, $begin + $+[0]) if substr($bytes, $begin) =~ /\A(?:[^\r\n]+\r\n)*\r\n/;
            return ($body, undef);
        }
        return ($body, undef) if length($bytes) < $begin + $size + 2;
        $body .= substr $bytes, $begin, $size;
        $at = $begin + $size + 2;
    }
    return ($body, undef);
}

1;
