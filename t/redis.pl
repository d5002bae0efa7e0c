# For the *.t that put something into Redis themselves.

use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);

# Gives commands (lists of words) to Redis; each must be answered without an error.
sub redis {
    my $socket = IO::Socket::UNIX->new(Peer => $ENV{TEST_NGINX_REDIS_SOCKET},
        Type => SOCK_STREAM) or die "Redis: $!";
    for my $words (['AUTH', $ENV{TEST_NGINX_REDIS_PASSWORD}], ['SELECT', 5], @_) {
        print {$socket} '*' . @$words . "\r\n",
            map { '$' . length($_) . "\r\n$_\r\n" } @$words;
        $socket->flush;
        my $answer = <$socket>;
        die "Redis: $words->[0]: $answer" if $answer =~ /^-/;
    }
}

1;
