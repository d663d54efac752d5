/* A mesh in memory: read, grown, checked, its polygons cut into triangles. */

#include "mesh.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CORNERS 1000 /* of a polygon that isn't convex: ear clipping takes the cube of them */

int mesh_fail(Mesh *mesh, const char *fault)
{
    snprintf(mesh->fault, sizeof mesh->fault, "%s", fault);
    return -1;
}

void mesh_free(Mesh *mesh)
{
    free(mesh->vertices);
    free(mesh->triangles);
    mesh->vertices = NULL;
    mesh->triangles = NULL;
}

/* Whether an array of `count` things is full: it grows at the powers of two. */
static int full(size_t count)
{
    return (count & (count - 1)) == 0;
}

static void *grown(void *array, size_t count, size_t size)
{
    const size_t wanted = count ? 2 * count : 1;
    return wanted < count || wanted > (size_t)-1 / size ? NULL : realloc(array, wanted * size);
}

int mesh_add_vertex(Mesh *mesh, const double point[3])
{
    if (full(mesh->vertex_count)) {
        void *more = grown(mesh->vertices, mesh->vertex_count, sizeof *mesh->vertices);
        if (!more) return mesh_fail(mesh, "it doesn't fit into this machine's memory");
        mesh->vertices = more;
    }
    memcpy(mesh->vertices[mesh->vertex_count++], point, sizeof *mesh->vertices);
    return 0;
}

int mesh_add_triangle(Mesh *mesh, size_t one, size_t two, size_t three)
{
    if (full(mesh->triangle_count)) {
        void *more = grown(mesh->triangles, mesh->triangle_count, sizeof *mesh->triangles);
        if (!more) return mesh_fail(mesh, "it doesn't fit into this machine's memory");
        mesh->triangles = more;
    }
    size_t *triangle = mesh->triangles[mesh->triangle_count++];
    triangle[0] = one, triangle[1] = two, triangle[2] = three;
    return 0;
}

/* Faster than strtod for decimals of up to 15 digits with a small exponent: these and the power of ten are exact, so the result is
 * rounded once, as it should be. */
double mesh_number(char *word, char **end)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const int negative = *word == '-';
    long long digits = 0;
    int count = 0, power = 0, point = 0;
    char *at = word + negative;
    for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = 1;
        } else if (count++ < 15) {
            digits = digits * 10 + (*at - '0');
            power -= point;
        }
    }
    if (count && (*at == 'e' || *at == 'E')) {
        const int below = at[1] == '-', sign = below || at[1] == '+';
        int exponent = 0, places = 0;
        for (at += 1 + sign; isdigit((unsigned char)*at) && places < 4; at++, places++) exponent = exponent * 10 + (*at - '0');
        if (!places) return strtod(word, end);
        power += below ? -exponent : exponent;
    }
    if (*at || !count || count > 15 || power < -15 || power > 15 || FLT_EVAL_METHOD != 0) return strtod(word, end);
    *end = at;
    return (negative ? -1 : 1) * (power < 0 ? (double)digits / tens[-power] : (double)digits * tens[power]);
}

/* ---- polygons to triangles: a fan where they are convex, ear clipping where not ---- */

static void cross(const double a[3], const double b[3], double result[3])
{
    for (int n = 0; n < 3; n++) result[n] = a[(n + 1) % 3] * b[(n + 2) % 3] - a[(n + 2) % 3] * b[(n + 1) % 3];
}

static void apart(const double a[3], const double b[3], double result[3])
{
    for (int n = 0; n < 3; n++) result[n] = a[n] - b[n];
}

/* Newell's normal, from the first corner. */
static void polygon_normal(const Mesh *mesh, const size_t *corners, size_t count, double normal[3])
{
    normal[0] = normal[1] = normal[2] = 0;
    for (size_t n = 0; n < count; n++) {
        double one[3], two[3], part[3];
        apart(mesh->vertices[corners[n]], mesh->vertices[corners[0]], one);
        apart(mesh->vertices[corners[(n + 1) % count]], mesh->vertices[corners[0]], two);
        cross(one, two, part);
        for (int axis = 0; axis < 3; axis++) normal[axis] += part[axis];
    }
}

/* Whether a polygon turns the same way at every corner, seen along its normal. */
static int convex(const Mesh *mesh, const size_t *corners, size_t count, const double normal[3])
{
    for (size_t n = 0; n < count; n++) {
        double one[3], two[3], turn[3];
        apart(mesh->vertices[corners[(n + 1) % count]], mesh->vertices[corners[n]], one);
        apart(mesh->vertices[corners[(n + 2) % count]], mesh->vertices[corners[(n + 1) % count]], two);
        cross(one, two, turn);
        if (!(turn[0] * normal[0] + turn[1] * normal[1] + turn[2] * normal[2] >= 0)) return 0;
    }
    return 1;
}

static double turn(const double one[2], const double two[2], const double three[2])
{
    return (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0]);
}

/* Whether no other corner lies in the triangle of corner n of those left. */
static int is_ear(double (*points)[2], const size_t *left, size_t count, size_t n, double sign)
{
    const double *one = points[left[(n + count - 1) % count]], *two = points[left[n]], *three = points[left[(n + 1) % count]];
    if (sign * turn(one, two, three) <= 0) return 0;
    for (size_t other = 0; other < count; other++) {
        const double *point = points[left[other]];
        if (other == n || other == (n + 1) % count || other == (n + count - 1) % count) continue;
        if ((point[0] == one[0] && point[1] == one[1]) || (point[0] == three[0] && point[1] == three[1])) continue;
        if (sign * turn(one, two, point) >= 0 && sign * turn(two, three, point) >= 0 && sign * turn(three, one, point) >= 0)
            return 0;
    }
    return 1;
}

/* The corner to cut: the first ear, or where there is none (it crosses itself) the one that turns most. */
static size_t next_ear(double (*points)[2], const size_t *left, size_t count, double sign)
{
    size_t best = 0;
    double most = -HUGE_VAL;
    for (size_t n = 0; n < count; n++)
        if (is_ear(points, left, count, n, sign)) return n;
    for (size_t n = 0; n < count; n++) {
        const double one = sign * turn(points[left[(n + count - 1) % count]], points[left[n]], points[left[(n + 1) % count]]);
        if (one > most) most = one, best = n;
    }
    return best;
}

static int clip_ears(Mesh *mesh, const size_t *corners, size_t count, const double normal[3])
{
    static const int seen[3][2] = {{1, 2}, {0, 2}, {0, 1}}; /* the axes left without the normal's largest */
    double points[MOST_CORNERS][2], area = 0;
    size_t left[MOST_CORNERS];
    int along = 0;
    for (int axis = 1; axis < 3; axis++)
        if (fabs(normal[axis]) > fabs(normal[along])) along = axis;
    for (size_t n = 0; n < count; n++) {
        left[n] = n;
        for (int axis = 0; axis < 2; axis++) points[n][axis] = mesh->vertices[corners[n]][seen[along][axis]];
    }
    for (size_t n = 0; n < count; n++) {
        const double *one = points[n], *two = points[(n + 1) % count];
        area += one[0] * two[1] - one[1] * two[0];
    }
    const double sign = area > 0 ? 1 : -1;
    for (; count > 3 && area != 0; count--) {
        const size_t n = next_ear(points, left, count, sign);
        const size_t before = left[(n + count - 1) % count], after = left[(n + 1) % count];
        if (mesh_add_triangle(mesh, corners[before], corners[left[n]], corners[after])) return -1;
        memmove(left + n, left + n + 1, (count - n - 1) * sizeof *left);
    }
    for (size_t n = 1; n + 1 < count; n++) /* the last triangle; all of a polygon without area, whose lines still count */
        if (mesh_add_triangle(mesh, corners[left[0]], corners[left[n]], corners[left[n + 1]])) return -1;
    return 0;
}

int mesh_add_polygon(Mesh *mesh, const size_t *corners, size_t count)
{
    double normal[3];
    if (count > 3) {
        polygon_normal(mesh, corners, count, normal);
        if (!convex(mesh, corners, count, normal)) {
            if (count > MOST_CORNERS) return mesh_fail(mesh, "a face that isn't convex has more than 1000 corners; cut it into triangles");
            return clip_ears(mesh, corners, count, normal);
        }
    }
    for (size_t n = 1; n + 1 < count; n++)
        if (mesh_add_triangle(mesh, corners[0], corners[n], corners[n + 1])) return -1;
    return 0;
}

/* ---- from a file ---- */

static char *content(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    size_t space = 1 << 16, read;
    char *text = file ? malloc(space) : NULL;
    *size = 0;
    while (text && (read = fread(text + *size, 1, space - *size - 1, file)) > 0) {
        *size += read;
        if (*size + 1 < space) continue;
        char *more = space > (size_t)-1 / 2 ? NULL : realloc(text, space *= 2);
        if (!more) free(text);
        text = more;
    }
    if (text && ferror(file)) free(text), text = NULL;
    if (file) fclose(file);
    if (text) text[*size] = 0;
    return text;
}

static int ends_with(const char *path, const char *ending)
{
    const size_t length = strlen(path), wanted = strlen(ending);
    if (length < wanted) return 0;
    for (size_t n = 0; n < wanted; n++) {
        const char letter = path[length - wanted + n];
        if ((letter >= 'A' && letter <= 'Z' ? letter + 'a' - 'A' : letter) != ending[n]) return 0;
    }
    return 1;
}

static int check(Mesh *mesh)
{
    if (!mesh->triangle_count) return mesh_fail(mesh, "it has no faces");
    int extended = 0;
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++) {
            if (!(fabs(mesh->vertices[n][axis]) <= FLT_MAX)) return mesh_fail(mesh, "a coordinate is not a finite number");
            extended |= mesh->vertices[n][axis] != mesh->vertices[0][axis];
        }
    return extended ? 0 : mesh_fail(mesh, "all its vertices coincide");
}

int mesh_parse(const char *name, char *text, size_t size, Mesh *mesh)
{
    memset(mesh, 0, sizeof *mesh);
    const int off = ends_with(name, ".off");
    if (!off && !ends_with(name, ".stl")) return mesh_fail(mesh, "only .off and .stl can be read here; convert it, or use classify.py");
    const int wrong = off ? off_parse(mesh, text, size) : stl_parse(mesh, text, size);
    return wrong ? wrong : check(mesh);
}

int mesh_read(const char *path, Mesh *mesh)
{
    size_t size;
    char *text = content(path, &size);
    memset(mesh, 0, sizeof *mesh);
    if (!text) return mesh_fail(mesh, "it can't be opened and read");
    const int wrong = mesh_parse(path, text, size, mesh);
    free(text);
    return wrong;
}
