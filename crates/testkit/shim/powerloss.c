/*
 * Remembers what a process wrote and did not sync, so that a test can take it back: what a disk would
 * have lost with its power.
 *
 * Loaded with LD_PRELOAD. POWERLOSS_DIR names the folder that is watched, POWERLOSS_JOURNAL the file
 * that takes an entry before every change: how to undo it. A sync adds an entry that makes all earlier
 * ones of that file void. Entries are written before the change, so kill -9 loses none. While a file
 * with the journal's name and ".full" is there, every change is refused as on a full disk.
 *
 * Entry: one byte (W: bytes overwritten, T: file cut or grown, S: synced), path length (u32), path,
 * size of the file before (u64), offset (u64), length (u64), the bytes that stood there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char folder[PATH_MAX];
static char full[PATH_MAX];

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("POWERLOSS_JOURNAL"), *dir = getenv("POWERLOSS_DIR");
    if (!path || !dir || !realpath(dir, folder)) return;
    snprintf(full, sizeof full, "%s.full", path);
    journal = open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
}

/* The path of a watched file, or nothing. The index of the WAL is no data: SQLite makes it anew. */
static int watched(int fd, char *path) {
    char link[64];
    if (journal < 0 || fd == journal) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) || path[prefix] != '/') return 0;
    return length < 4 || strcmp(path + length - 4, "-shm");
}

static int is_full(void) {
    if (access(full, F_OK)) return 0;
    errno = ENOSPC;
    return 1;
}

static void entry(char kind, const char *path, uint64_t size, uint64_t offset, uint64_t length,
                  const char *bytes) {
    uint32_t name = (uint32_t)strlen(path);
    size_t total = 1 + 4 + name + 24 + length;
    char *record = malloc(total), *at = record;
    if (!record) abort();
    *at++ = kind;
    memcpy(at, &name, 4), at += 4;
    memcpy(at, path, name), at += name;
    memcpy(at, &size, 8), at += 8;
    memcpy(at, &offset, 8), at += 8;
    memcpy(at, &length, 8), at += 8;
    if (length) memcpy(at, bytes, length);
    if (real_write(journal, record, total) != (ssize_t)total) abort();
    free(record);
}

/* Notes the bytes that a change at `offset` replaces. */
static void remember(char kind, int fd, const char *path, off_t offset, size_t length) {
    struct stat before;
    if (fstat(fd, &before)) return;
    size_t there = 0;
    if (offset < before.st_size) {
        there = (size_t)(before.st_size - offset);
        if (there > length) there = length;
    }
    char *old = there ? malloc(there) : NULL;
    /* The file may be open for writing only: read through a descriptor of our own. */
    int reader = there ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (there && (!old || reader < 0 || pread(reader, old, there, offset) != (ssize_t)there)) abort();
    if (reader >= 0) close(reader);
    entry(kind, path, (uint64_t)before.st_size, (uint64_t)offset, there, old);
    free(old);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return real_write(fd, bytes, length);
    if (is_full()) return -1;
    pthread_mutex_lock(&lock);
    remember('W', fd, path, lseek(fd, 0, SEEK_CUR), length);
    ssize_t result = real_write(fd, bytes, length);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return real_pwrite(fd, bytes, length, offset);
    if (is_full()) return -1;
    pthread_mutex_lock(&lock);
    remember('W', fd, path, offset, length);
    ssize_t result = real_pwrite(fd, bytes, length, offset);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite(fd, bytes, length, offset);
}

int ftruncate(int fd, off_t size) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return real_ftruncate(fd, size);
    if (is_full()) return -1;
    pthread_mutex_lock(&lock);
    remember('T', fd, path, size, SIZE_MAX);
    int result = real_ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

static int sync_with(int (*real)(int), int fd) {
    char path[PATH_MAX];
    if (!watched(fd, path)) return real(fd);
    if (is_full()) return -1;
    pthread_mutex_lock(&lock);
    int result = real(fd);
    if (!result) entry('S', path, 0, 0, 0, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }
