/* Preloaded into a server: counts the malloc family in a shared file, so that the count survives any way to exit.
   operator new ends in malloc. The file's path is in REACTORLAB_ALLOC_COUNTER; its first 8 bytes are the count. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own entry points under the public names: no dlsym, which would allocate itself. */
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static uint64_t before_the_file;
static uint64_t* counter = &before_the_file;

static void count(void) { __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }

__attribute__((constructor)) static void open_the_file(void) {
    const char* path = getenv("REACTORLAB_ALLOC_COUNTER");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* page = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED) return;
    *(uint64_t*)page = before_the_file + 1; /* never 0 once loaded: 0 means that the preload had no effect */
    counter = page;
}

void* malloc(size_t size) { count(); return __libc_malloc(size); }
void* calloc(size_t items, size_t size) { count(); return __libc_calloc(items, size); }
void* realloc(void* old, size_t size) { count(); return __libc_realloc(old, size); }
void* memalign(size_t alignment, size_t size) { count(); return __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { count(); return __libc_memalign(alignment, size); }

int posix_memalign(void** result, size_t alignment, size_t size) {
    count();
    void* memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}
