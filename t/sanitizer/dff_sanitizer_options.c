/*
 * Options of the sanitizers, compiled into the programs of `make asan` only:
 * the zygote and the workers are started with an empty environment, so that
 * ASAN_OPTIONS would not reach them.
 */

const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=1:detect_stack_use_after_return=1:"
           "check_initialization_order=1:allocator_may_return_null=1";
}

const char *
__ubsan_default_options(void)
{
    return "print_stacktrace=1";
}

/* Others' code only: what CPython keeps until the process ends. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libpython3\n";
}
