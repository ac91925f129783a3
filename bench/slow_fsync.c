/* Makes every fsync of a process SYNCD_BENCH_FSYNC_US microseconds longer, as on a slower disk. Preloaded by the intake
   measurement. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_longer(void)
{
    const char *text = getenv("SYNCD_BENCH_FSYNC_US");
    if (text)
        usleep((useconds_t)atoi(text));
}

int fsync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return real(file);
}

int fdatasync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return real(file);
}
