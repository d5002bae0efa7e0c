# For the *.t that need other settings.

# The configuration with the settings of %new and of a text of "KEY: value" lines, which wins,
# in a file of that name beside it; the directive that names it.
sub config_with {
    my ($name, $text, %new) = @_;
    my $path = $ENV{TEST_NGINX_DFF_CONFIG};
    open my $in, '<', $path or die "$path: $!";
    my @lines = <$in>;
    close $in;
    $new{$1} = $2 while $text =~ /^(\w+): (.*)$/mg;
    @lines = grep { !/^(\w+):/ || !exists $new{$1} } @lines;
    $path =~ s{[^/]+\z}{$name.yaml};
    open my $out, '>', $path or die "$path: $!";
    print {$out} @lines, map { "$_: $new{$_}\n" } sort keys %new;
    close $out or die "$path: $!";
    return "dff_config $path;";
}

1;
