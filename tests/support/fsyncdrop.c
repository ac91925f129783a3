/* Preloaded into a process, records what it does to the files below FSYNCDROP_FOLDER into the file FSYNCDROP_LOG:
 * writes with their bytes, truncations, syncs, renames and removals, in the order they took effect.
 *
 * A record is: kind (1 byte), length of the path (4), offset (8), length of the data (8), path, data; little-endian.
 * Kinds: W write, T truncate to offset, S sync, R rename (data is the new path), U unlink.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -2;
static char folder[PATH_MAX];

static int watching(void) {
    if (log_fd == -2) {
        const char *path = getenv("FSYNCDROP_LOG"), *below = getenv("FSYNCDROP_FOLDER");
        log_fd = -1;
        if (path && below && realpath(below, folder))
            log_fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    return log_fd >= 0;
}

static int ours(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* The path of an open file, if it is one of those watched. */
static int path_of(int fd, char *path) {
    char link[64];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return ours(path);
}

static void record(char kind, const char *path, uint64_t offset, const void *data, uint64_t size) {
    uint32_t length = strlen(path);
    char head[21];
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, length}, {(void *)data, size}};
    head[0] = kind;
    memcpy(head + 1, &length, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &size, 8);
    if (writev(log_fd, parts, 3) != (ssize_t)(sizeof head + length + size))
        abort();
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);

/* Does the call and records it under one lock, so that the log has the order in which the calls took effect. */
#define RECORDED(kind, fd, offset, data, size, call) \
    char path[PATH_MAX]; \
    if (!watching() || !path_of(fd, path)) return call; \
    pthread_mutex_lock(&lock); \
    ssize_t result = call; \
    if (result >= 0) record(kind, path, offset, data, size); \
    pthread_mutex_unlock(&lock); \
    return result;

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64)
    RECORDED('W', fd, offset, data, result, real(fd, data, size, offset))
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite)
    RECORDED('W', fd, offset, data, result, real(fd, data, size, offset))
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write)
    RECORDED('W', fd, lseek(fd, 0, SEEK_CUR) - result, data, result, real(fd, data, size))
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64)
    RECORDED('T', fd, size, "", 0, real(fd, size))
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate)
    RECORDED('T', fd, size, "", 0, real(fd, size))
}

int fsync(int fd) {
    REAL(fsync)
    RECORDED('S', fd, 0, "", 0, real(fd))
}

int fdatasync(int fd) {
    REAL(fdatasync)
    RECORDED('S', fd, 0, "", 0, real(fd))
}

int rename(const char *old, const char *new) {
    REAL(rename)
    if (!watching() || !ours(new)) return real(old, new);
    pthread_mutex_lock(&lock);
    int result = real(old, new);
    if (result >= 0) record('R', old, 0, new, strlen(new));
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) {
    REAL(unlink)
    if (!watching() || !ours(path)) return real(path);
    pthread_mutex_lock(&lock);
    int result = real(path);
    if (result >= 0) record('U', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return result;
}
