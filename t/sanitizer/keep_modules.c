/*
 * Preloaded before nginx for `t/run.sh --asan`: nginx unloads its modules at
 * its end, and the leak check that comes after could not name their functions.
 */
#include <dlfcn.h>

int
dlclose(void *handle)
{
    (void) handle;
    return 0;
}
