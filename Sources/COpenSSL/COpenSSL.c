/* Memory for OpenSSL, of the C library, which is overwritten before it is freed while keys are read. */
#include "COpenSSL.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static __thread int copenssl_wipes;

static void *copenssl_allocate(size_t count, const char *file, int line) {
    (void)file;
    (void)line;
    return malloc(count);
}

static void copenssl_free(void *old, const char *file, int line) {
    (void)file;
    (void)line;
    if (copenssl_wipes && old != NULL) OPENSSL_cleanse(old, malloc_usable_size(old));
    free(old);
}

static void *copenssl_reallocate(void *old, size_t count, const char *file, int line) {
    if (!copenssl_wipes || old == NULL) return realloc(old, count);
    void *moved = count > 0 ? malloc(count) : NULL;
    if (count > 0 && moved == NULL) return NULL;
    size_t had = malloc_usable_size(old);
    if (moved != NULL) memcpy(moved, old, had < count ? had : count);
    copenssl_free(old, file, line);
    return moved;
}

int copenssl_install_wiping(void) {
    return CRYPTO_set_mem_functions(copenssl_allocate, copenssl_reallocate, copenssl_free);
}

void copenssl_wipe_frees(int on) { copenssl_wipes = on; }
