/* What this processor can do, for floor.py: multiply-adds in registers, and Adam's pass over its arrays.
 *
 * Each function does its work on the calling thread and returns its seconds; floor.py compiles this file with
 * -O3 -march=native -ffp-contract=fast, so that the widest vectors here are used, and calls them on several
 * threads at once.
 */
#define _GNU_SOURCE
#include <math.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
typedef float vector __attribute__((vector_size(4 * WIDTH)));

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

int float32_width(void) { return WIDTH; }

/* Multiply-adds of one call of float32_multiply_adds: 12 vectors each, more than latency times throughput. */
long float32_count(long repeats) { return repeats * 12 * WIDTH; }

/* Variables of their own, not an array: an array would live in memory. KEEP makes each step happen. */
#define EACH(do) do(s0) do(s1) do(s2) do(s3) do(s4) do(s5) do(s6) do(s7) do(s8) do(s9) do(s10) do(s11)
#if defined(__x86_64__)
#define KEEP(s) __asm__ volatile("" : "+v"(s));
#else
#define KEEP(s) __asm__ volatile("" : "+w"(s));
#endif

double float32_multiply_adds(long repeats) {
    vector a, b;
    for (int i = 0; i < WIDTH; i++) a[i] = 0.999f, b[i] = 0.001f;
#define START(s) vector s = a;
#define STEP(s) s = s * a + b;
    EACH(START)
    double start = seconds_now();
    for (long r = 0; r < repeats; r++) {
        EACH(STEP)
        EACH(KEEP)
    }
    return seconds_now() - start;
#undef START
#undef STEP
}

/* bfloat16: tiles where there are any, else vectors, else none (a count of 0). */
#if defined(__AMX_BF16__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILE_DATA 18

const char *bfloat16_unit(void) { return "AMX tiles"; }

long bfloat16_count(long repeats) { return repeats * 4 * 16 * 16 * 32; }

double bfloat16_multiply_adds(long repeats) {
    struct {
        unsigned char palette, start, reserved[14];
        unsigned short columns[16];
        unsigned char rows[16];
    } __attribute__((aligned(64))) shape = {.palette = 1};
    unsigned char zeros[1024] __attribute__((aligned(64)));
    if (syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA)) return -1;
    for (int t = 0; t < 8; t++) shape.columns[t] = 64, shape.rows[t] = 16;
    memset(zeros, 0, sizeof zeros);
    _tile_loadconfig(&shape);
    /* These intrinsics are macros of whole statements. */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, zeros, 64);
    _tile_loadd(5, zeros, 64);
    _tile_loadd(6, zeros, 64);
    _tile_loadd(7, zeros, 64);
    double start = seconds_now();
    for (long r = 0; r < repeats; r++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    double seconds = seconds_now() - start;
    _tile_release();
    return seconds;
}
#elif defined(__AVX512BF16__)
#include <immintrin.h>

const char *bfloat16_unit(void) { return "AVX-512 vectors"; }

long bfloat16_count(long repeats) { return repeats * 12 * 32; }

double bfloat16_multiply_adds(long repeats) {
    __m512bh a;
    memset(&a, 0, sizeof a);
#define START(s) __m512 s = _mm512_setzero_ps();
#define STEP(s) s = _mm512_dpbf16_ps(s, a, a);
    EACH(START)
    double start = seconds_now();
    for (long r = 0; r < repeats; r++) {
        EACH(STEP)
        EACH(KEEP)
    }
    return seconds_now() - start;
#undef START
#undef STEP
}
#else
const char *bfloat16_unit(void) { return ""; }

long bfloat16_count(long repeats) { return 0 * repeats; }

double bfloat16_multiply_adds(long repeats) { return 0 * repeats; }
#endif

/* Adam over n weights, `repeats` times: reads and writes w, m and v, which is all the traffic that a step needs
 * where the gradient is in registers; the gradient here is made of the weight. */
double adam_passes(float *restrict w, float *restrict m, float *restrict v, long n, long repeats) {
    double start = seconds_now();
    for (long r = 0; r < repeats; r++) {
        for (long i = 0; i < n; i++) {
            float g = 1e-3f * w[i];
            m[i] = 0.9f * m[i] + 0.1f * g;
            v[i] = 0.999f * v[i] + 0.001f * (g * g);
            w[i] -= 1e-6f * m[i] / (sqrtf(v[i]) + 1e-8f);
        }
        __asm__ volatile("" ::: "memory");
    }
    return seconds_now() - start;
}
