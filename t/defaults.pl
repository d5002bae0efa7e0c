# For all *.t: what most of their blocks have in common.

no_long_string();

# Gives each block the sections of %own, and besides these a main_config, http_config and config
# with the module, its configuration and a location that answers calls. A block's own section
# wins; one that is undef in %own is given to none.
sub defaults {
    my %section = (
        main_config => 'load_module $TEST_NGINX_DFF_MODULE;',
        http_config => 'dff_config $TEST_NGINX_DFF_CONFIG;',
        config => 'location /api/v1/ { dff; }',
        @_);
    add_block_preprocessor(sub {
        my $block = shift;
        for my $name (grep { defined $section{$_} } sort keys %section) {
            $block->set_value($name => $section{$name}) unless defined $block->$name;
        }
    });
}

1;
