# For the *.t that look at what callers are told of bad requests.

# The start of an error document with this message, as a pattern.
sub bad_request {
    my ($message) = @_;
    $message =~ s/"/\\"/g;
    my $start = '{"ok":false,"error":400.43,"reason":"EClientBadRequest","message":"';
    return qr/\A\Q$start$message"\E,"reqDump":/;
}

1;
