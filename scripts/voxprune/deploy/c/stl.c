/* The STL format, in text and binary: triangles with corners of their own. */

#include "mesh.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 84 /* bytes before the first triangle: a comment, and how many follow */
#define FACET 50 /* bytes of a triangle: normal, three corners, an attribute */

static uint32_t little_endian(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int binary(Mesh *mesh, const unsigned char *bytes, size_t size)
{
    const size_t count = little_endian(bytes + 80);
    if ((size - HEAD) / FACET < count) return mesh_fail(mesh, "it is cut short: triangles are missing");
    for (size_t n = 0; n < 3 * count; n++) {
        double point[3];
        for (size_t axis = 0; axis < 3; axis++) {
            const uint32_t bits = little_endian(bytes + HEAD + n / 3 * FACET + 12 + n % 3 * 12 + 4 * axis);
            float one;
            memcpy(&one, &bits, sizeof one);
            point[axis] = one;
        }
        if (mesh_add_vertex(mesh, point)) return -1;
        if (n % 3 == 2 && mesh_add_triangle(mesh, n - 2, n - 1, n)) return -1;
    }
    return 0;
}

/* The next word, in small letters and ended by a zero; NULL at the end. */
static char *next_word(char **at)
{
    char *word = *at;
    while (isspace((unsigned char)*word)) word++;
    if (!*word) return NULL;
    char *end = word;
    for (; *end && !isspace((unsigned char)*end); end++) *end = (char)tolower((unsigned char)*end);
    *at = *end ? end + 1 : end;
    if (*end == '\n' || *end == '\r') (*at)[-1] = 0;
    *end = 0;
    return word;
}

static int is_next(char **at, const char *wanted)
{
    char *word = next_word(at);
    return word && !strcmp(word, wanted);
}

static int numbers(char **at, double point[3])
{
    for (int axis = 0; axis < 3; axis++) {
        char *end, *word = next_word(at);
        if (!word) return 0;
        point[axis] = mesh_number(word, &end);
        if (*end || strpbrk(word, "xX")) return 0;
    }
    return 1;
}

/* One facet, after its first word. */
static int facet(Mesh *mesh, char **at)
{
    double point[3];
    const char *fault = "a facet isn't made of a normal and a loop of three vertices";
    if (!is_next(at, "normal") || !numbers(at, point) || !is_next(at, "outer") || !is_next(at, "loop")) return mesh_fail(mesh, fault);
    for (int n = 0; n < 3; n++) {
        if (!is_next(at, "vertex") || !numbers(at, point)) return mesh_fail(mesh, fault);
        if (mesh_add_vertex(mesh, point)) return -1;
    }
    if (!is_next(at, "endloop") || !is_next(at, "endfacet")) return mesh_fail(mesh, fault);
    const size_t count = mesh->vertex_count;
    return mesh_add_triangle(mesh, count - 3, count - 2, count - 1);
}

/* Solids one after the other; a name stands behind `solid` and `endsolid`, up to the end of the line. */
static int in_text(Mesh *mesh, char *at)
{
    int open = 0;
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        const int begins = !open && (!strncmp(at, "solid", 5) || !strncmp(at, "SOLID", 5));
        const int ends = open && (!strncmp(at, "endsolid", 8) || !strncmp(at, "ENDSOLID", 8));
        if (!*at) return open ? mesh_fail(mesh, "it is cut short: endsolid is missing") : 0;
        if (begins || ends) {
            open = begins;
            at += strcspn(at, "\r\n");
        } else if (!open || !is_next(&at, "facet")) {
            return mesh_fail(mesh, "a word stands where solid, facet or endsolid should");
        } else if (facet(mesh, &at)) {
            return -1;
        }
    }
}

int stl_parse(Mesh *mesh, char *text, size_t size)
{
    size_t start = 0;
    while (start < size && isspace((unsigned char)text[start])) start++;
    if (start == size) return mesh_fail(mesh, "it is empty");
    const int named = size - start >= 5 && (!strncmp(text + start, "solid", 5) || !strncmp(text + start, "SOLID", 5));
    const int exact = size >= HEAD && HEAD + (uint64_t)FACET * little_endian((unsigned char *)text + 80) == size;
    if (named && !exact && !memchr(text, 0, size)) return in_text(mesh, text + start);
    if (size < HEAD) return mesh_fail(mesh, "it is too short for an STL");
    return binary(mesh, (unsigned char *)text, size);
}
