/* Names the class of meshes: classify [--json] [--bench] [--voxels] MESH ... */

#if !defined(_WIN32)
#define _POSIX_C_SOURCE 199309L
#endif

#include "mesh.h"
#include "model.h"
#include "voxels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CELLS ((size_t)MODEL_RESOLUTION * MODEL_RESOLUTION * MODEL_RESOLUTION)
#define BENCH_CALLS 200

typedef struct {
    int json, bench, voxels, count; /* count: of results printed so far */
} Options;

typedef struct {
    float *voxels, *scratch, logits[MODEL_CLASSES];
} Memory;

static double milliseconds(void)
{
#if defined(_WIN32)
    return 1000.0 * (double)clock() / CLOCKS_PER_SEC;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1000.0 * (double)now.tv_sec + (double)now.tv_nsec / 1e6;
#endif
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') printf("\\%c", *text);
        else if ((unsigned char)*text < ' ') printf("\\u%04x", (unsigned)*text);
        else putchar(*text);
    }
    putchar('"');
}

static int best_class(const float *logits, double *percent)
{
    int best = 0;
    double sum = 0;
    for (int n = 1; n < MODEL_CLASSES; n++)
        if (logits[n] > logits[best]) best = n;
    for (int n = 0; n < MODEL_CLASSES; n++) sum += exp((double)logits[n] - (double)logits[best]);
    *percent = 100 / sum;
    return best;
}

static int ascending(const void *one, const void *other)
{
    const double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

/* Times of BENCH_CALLS runs of the network, sorted. */
static void bench(Memory *memory, double *times)
{
    for (int n = -BENCH_CALLS / 10; n < BENCH_CALLS; n++) {
        const double started = milliseconds();
        model_run(memory->voxels, memory->logits, memory->scratch);
        if (n >= 0) times[n] = milliseconds() - started;
    }
    qsort(times, BENCH_CALLS, sizeof *times, ascending);
}

/* Bytes of this process resident at most, in JSON: null where the system doesn't say (Linux does). */
static void print_peak_memory(void)
{
    char line[256];
    unsigned long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lu", &kilobytes) == 1) break;
    if (file) fclose(file);
    if (kilobytes) printf("%lu", kilobytes * 1024);
    else printf("null");
}

/* The keys of a row in the file that bench_device.py writes. times: sorted. */
static void print_bench(const double *times)
{
    printf(", \"bench\": {\"origin\": %s, \"engine\": \"c\", \"precision\": \"float32\", \"threads\": 1, \"batch_size\": 1, \"calls\": %d, ",
           MODEL_ORIGIN, BENCH_CALLS);
    printf("\"latency_ms\": {\"min\": %.6f, \"p25\": %.6f, \"p50\": %.6f, \"p75\": %.6f}, \"ratio\": null, \"peak_memory_bytes\": ", times[0],
           times[BENCH_CALLS / 4], times[BENCH_CALLS / 2], times[3 * BENCH_CALLS / 4]);
    print_peak_memory();
    printf(", \"accuracy_change_points\": null}");
}

static void print_voxels(const float *voxels)
{
    for (size_t n = 0; n < CELLS; n++) putchar(voxels[n] > 0 ? '1' : '0');
    putchar('\n');
}

static void print_result(Options *options, const char *path, Memory *memory, const double *at)
{
    double percent, times[BENCH_CALLS];
    const int best = best_class(memory->logits, &percent);
    if (options->bench) bench(memory, times);
    if (options->json) {
        printf("%s{\"file\": ", options->count ? ",\n " : "");
        print_json_text(path);
        printf(", \"class\": ");
        print_json_text(model_labels[best]);
        printf(", \"confidence_percent\": %.6f, \"read_ms\": %.4f, \"voxelize_ms\": %.4f, \"network_ms\": %.4f", percent, at[1] - at[0],
               at[2] - at[1], at[3] - at[2]);
        if (options->bench) print_bench(times);
        putchar('}');
    } else {
        printf("%s: %s (%.1f %%), read %.2f ms, voxelize %.2f ms, network %.3f ms\n", path, model_labels[best], percent, at[1] - at[0],
               at[2] - at[1], at[3] - at[2]);
        if (options->bench)
            printf("  network alone, %d calls: min %.4f ms, median %.4f ms, half of them within %.4f ms\n", BENCH_CALLS, times[0],
                   times[BENCH_CALLS / 2], times[3 * BENCH_CALLS / 4] - times[BENCH_CALLS / 4]);
    }
    options->count++;
}

static int classify(Options *options, const char *path, Memory *memory)
{
    Mesh mesh;
    double at[4] = {milliseconds(), 0, 0, 0};
    int wrong = mesh_read(path, &mesh);
    at[1] = milliseconds();
    if (!wrong) wrong = voxelize(&mesh, memory->voxels);
    at[2] = milliseconds();
    mesh_free(&mesh); /* before the network takes its memory */
    if (wrong) {
        fprintf(stderr, "classify: %s: %s\n", path, mesh.fault);
    } else if (options->voxels) {
        print_voxels(memory->voxels);
    } else {
        model_run(memory->voxels, memory->logits, memory->scratch);
        at[3] = milliseconds();
        print_result(options, path, memory, at);
    }
    return wrong;
}

int main(int count, char **words)
{
    Options options = {0, 0, 0, 0};
    int first = 1, wrong = 0;
    for (; first < count && !strncmp(words[first], "--", 2); first++) {
        options.json |= !strcmp(words[first], "--json");
        options.bench |= !strcmp(words[first], "--bench");
        options.voxels |= !strcmp(words[first], "--voxels");
        if (!strcmp(words[first], "--")) {
            first++;
            break;
        }
        if (strcmp(words[first], "--json") && strcmp(words[first], "--bench") && strcmp(words[first], "--voxels")) first = count;
    }
    if (first >= count) {
        fprintf(stderr, "usage: classify [--json] [--bench] [--voxels] MESH ...   (MESH: .off or .stl)\n");
        return 2;
    }
    Memory memory = {malloc(CELLS * sizeof(float)), malloc(MODEL_SCRATCH * sizeof(float)), {0}};
    if (!memory.voxels || !memory.scratch) {
        fprintf(stderr, "classify: the network doesn't fit into this machine's memory\n");
        wrong = 1;
    }
    if (options.json) putchar('[');
    for (; first < count && memory.voxels && memory.scratch; first++) wrong |= classify(&options, words[first], &memory) != 0;
    if (options.json) puts("]");
    free(memory.voxels);
    free(memory.scratch);
    return wrong ? 1 : 0;
}
