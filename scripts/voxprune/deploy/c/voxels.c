/* Meshes to voxels. Every sum and product stands in the order of voxprune's rasterize.py, so that the cells are the same.
 *
 * A triangle and a cube are apart if and only if they are along one of 13 axes (Akenine-Moeller, Fast 3D Triangle-Box Overlap
 * Testing, 2001). */

#include "voxels.h"
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define R MODEL_RESOLUTION
#define LARGEST 9223372036854775808.0 /* coordinates beyond can't be numbers of cells */
#define NO_AREA 1e-10 /* sine of an angle below which a triangle is a line */
#define MOST_ROUNDING 1e-5 /* of the longest side */

typedef struct {
    unsigned char *occupied; /* side cubed */
    long side;
    double origin[3], size; /* where the cells begin, and how large they are */
} Cells;

static double least(double a, double b) { return b < a ? b : a; }
static double most(double a, double b) { return b > a ? b : a; }

/* Whether an edge parts triangle and cell, both projected onto axes u and v, with the cell's centre as origin. */
static int apart(double edge_u, double edge_v, double end_u, double end_v, double opposite_u, double opposite_v, double half)
{
    const double one = edge_v * end_u - edge_u * end_v, other = edge_v * opposite_u - edge_u * opposite_v;
    const double reach = half * (fabs(edge_u) + fabs(edge_v));
    return least(one, other) > reach || most(one, other) < -reach;
}

/* Whether an edge parts them, seen along the axis that is neither u nor v. corners: about the cell's centre. */
static int parted(double (*edges)[3], double (*corners)[3], int u, int v, double half)
{
    for (int n = 0; n < 3; n++) {
        const double *end = corners[n], *opposite = corners[(n + 2) % 3];
        if (apart(edges[n][u], edges[n][v], end[u], end[v], opposite[u], opposite[v], half)) return 1;
    }
    return 0;
}

/* The cells of a triangle's bounding box; 0 where there are none. */
static int bounds(const Cells *cells, double (*points)[3], long low[3], long high[3])
{
    for (int axis = 0; axis < 3; axis++) {
        const double begin = least(least(points[0][axis], points[1][axis]), points[2][axis]);
        const double end = most(most(points[0][axis], points[1][axis]), points[2][axis]);
        const double first = ceil((begin - cells->origin[axis]) / cells->size);
        const double last = floor((end - cells->origin[axis]) / cells->size);
        if (!(fabs(first) < LARGEST && fabs(last) < LARGEST)) return 0;
        if (first - 1 > cells->side - 1 || last < 0) return 0;
        low[axis] = first - 1 < 0 ? 0 : (long)first - 1;
        high[axis] = last > cells->side - 1 ? cells->side - 1 : (long)last;
    }
    return 1;
}

static void mark_triangle(Cells *cells, double (*points)[3])
{
    const double half = cells->size / 2;
    double edges[3][3], normal[3], corners[3][3];
    long low[3], high[3];
    if (!bounds(cells, points, low, high)) return;
    for (int n = 0; n < 3; n++)
        for (int axis = 0; axis < 3; axis++) edges[n][axis] = points[(n + 1) % 3][axis] - points[n][axis];
    for (int n = 0; n < 3; n++) normal[n] = edges[0][(n + 1) % 3] * edges[1][(n + 2) % 3] - edges[0][(n + 2) % 3] * edges[1][(n + 1) % 3];
    double area = fabs(normal[0]) + fabs(normal[1]) + fabs(normal[2]);
    const double sides = (fabs(edges[0][0]) + fabs(edges[0][1]) + fabs(edges[0][2])) * (fabs(edges[1][0]) + fabs(edges[1][1]) + fabs(edges[1][2]));
    if (area <= NO_AREA * sides) normal[0] = normal[1] = normal[2] = area = 0; /* a line has no normal */
    const double reach = half * area;
    for (long i = low[0]; i <= high[0]; i++) {
        const double x = cells->origin[0] + half + (double)i * cells->size;
        for (int n = 0; n < 3; n++) corners[n][0] = points[n][0] - x;
        for (long j = low[1]; j <= high[1]; j++) {
            const double y = cells->origin[1] + half + (double)j * cells->size;
            for (int n = 0; n < 3; n++) corners[n][1] = points[n][1] - y;
            if (parted(edges, corners, 0, 1, half)) continue;
            for (long k = low[2]; k <= high[2]; k++) {
                unsigned char *cell = cells->occupied + (i * cells->side + j) * cells->side + k;
                if (*cell) continue;
                const double z = cells->origin[2] + half + (double)k * cells->size;
                for (int n = 0; n < 3; n++) corners[n][2] = points[n][2] - z;
                if (fabs(normal[0] * corners[0][0] + normal[1] * corners[0][1] + normal[2] * corners[0][2]) > reach) continue;
                *cell = !parted(edges, corners, 1, 2, half) && !parted(edges, corners, 2, 0, half);
            }
        }
    }
}

static void mark(Cells *cells, const Mesh *mesh)
{
    for (size_t n = 0; n < mesh->triangle_count; n++) {
        double points[3][3];
        for (int corner = 0; corner < 3; corner++)
            memcpy(points[corner], mesh->vertices[mesh->triangles[n][corner]], sizeof points[corner]);
        mark_triangle(cells, points);
    }
}

/* Turns a mesh so that its axis MODEL_UP points along z. */
static void turn_upright(Mesh *mesh)
{
    for (size_t n = 0; n < mesh->vertex_count; n++) {
        double *v = mesh->vertices[n];
        const double x = v[0], y = v[1], z = v[2];
        if (MODEL_UP == 'y') v[1] = -z, v[2] = y;
        if (MODEL_UP == 'x') v[0] = -z, v[2] = x;
    }
}

static void extent(const Mesh *mesh, double low[3], double high[3])
{
    for (int axis = 0; axis < 3; axis++) {
        low[axis] = high[axis] = mesh->vertices[0][axis];
        for (size_t n = 1; n < mesh->vertex_count; n++) {
            low[axis] = least(low[axis], mesh->vertices[n][axis]);
            high[axis] = most(high[axis], mesh->vertices[n][axis]);
        }
    }
}

/* The extent of the vertices that are a corner of a triangle. */
static void drawn_extent(const Mesh *mesh, double low[3], double high[3])
{
    for (int axis = 0; axis < 3; axis++) {
        low[axis] = high[axis] = mesh->vertices[mesh->triangles[0][0]][axis];
        for (size_t n = 0; n < mesh->triangle_count; n++)
            for (int corner = 0; corner < 3; corner++) {
                low[axis] = least(low[axis], mesh->vertices[mesh->triangles[n][corner]][axis]);
                high[axis] = most(high[axis], mesh->vertices[mesh->triangles[n][corner]][axis]);
            }
    }
}

/* As Open3D reads OFF and STL, in single precision; far from the origin the vertices stay as they are. */
static void round_to_single(Mesh *mesh)
{
    double low[3], high[3], moved = 0;
    extent(mesh, low, high);
    const double longest = most(most(high[0] - low[0], high[1] - low[1]), high[2] - low[2]);
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++)
            moved = most(moved, fabs((double)(float)mesh->vertices[n][axis] - mesh->vertices[n][axis]));
    if (!(moved <= MOST_ROUNDING * longest)) return;
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++) mesh->vertices[n][axis] = (double)(float)mesh->vertices[n][axis];
}

/* The middle of the bounding box of what is drawn goes to the middle of the grid. */
static int place_centred(Mesh *mesh, Cells *cells)
{
    double low[3], high[3];
    drawn_extent(mesh, low, high);
    const double longest = most(most(high[0] - low[0], high[1] - low[1]), high[2] - low[2]), scale = MODEL_SCALE;
    if (scale > 0 && longest > scale) {
        snprintf(mesh->fault, sizeof mesh->fault, "its longest side is %.6g, more than the %.6g that fill the grid; scale it down", longest, scale);
        return -1;
    }
    const double factor = (double)(R - 2 * MODEL_PADDING) / (scale > 0 ? scale : longest) * (1 - 1e-6);
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++)
            mesh->vertices[n][axis] = (mesh->vertices[n][axis] - (low[axis] + high[axis]) / 2) * factor + (double)R / 2;
    cells->side = R, cells->size = 1;
    return 0;
}

/* As the original study did: scaled to a longest side of 1, cells counted from half a cell before the mesh's minimum. */
static void place_in_corner(Mesh *mesh, Cells *cells)
{
    double low[3], high[3], sum[3] = {0, 0, 0};
    extent(mesh, low, high);
    const double longest = most(most(high[0] - low[0], high[1] - low[1]), high[2] - low[2]);
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++) sum[axis] += mesh->vertices[n][axis];
    for (size_t n = 0; n < mesh->vertex_count; n++)
        for (int axis = 0; axis < 3; axis++)
            mesh->vertices[n][axis] = (mesh->vertices[n][axis] - sum[axis] / (double)mesh->vertex_count) / longest;
    extent(mesh, low, high);
    cells->side = R + 1, cells->size = 1.0 / R;
    for (int axis = 0; axis < 3; axis++) cells->origin[axis] = low[axis] - cells->size / 2;
}

/* Marks the cells hidden inside too: seen from them, the surface lies on both sides along all three axes. sides: memory of a byte
 * a cell. */
static void fill(float *voxels, unsigned char *sides)
{
    static const long steps[3] = {(long)R * R, R, 1};
    const long count = (long)R * R * R;
    memset(sides, 0, (size_t)count);
    for (int axis = 0; axis < 3; axis++)
        for (long start = 0; start < count; start++) {
            const long step = steps[axis], end = start + (R - 1) * step;
            int before = 0, behind = 0;
            if (start / step % R) continue; /* no line begins here */
            for (long n = start; n <= end; n += step) sides[n] = (unsigned char)(sides[n] + (before |= voxels[n] > 0));
            for (long n = end; n >= start; n -= step) sides[n] = (unsigned char)(sides[n] + (behind |= voxels[n] > 0));
        }
    for (long n = 0; n < count; n++) voxels[n] = sides[n] == 6;
}

int voxelize(Mesh *mesh, float *voxels)
{
    Cells cells = {NULL, 0, {0, 0, 0}, 0};
    long count = 0;
    if (!MODEL_CENTRED) round_to_single(mesh);
    turn_upright(mesh);
    if (MODEL_CENTRED ? place_centred(mesh, &cells) : (place_in_corner(mesh, &cells), 0)) return -1;
    cells.occupied = calloc((size_t)(cells.side * cells.side * cells.side), 1);
    if (!cells.occupied) return mesh_fail(mesh, "its voxels don't fit into this machine's memory");
    mark(&cells, mesh);
    memset(voxels, 0, (size_t)R * R * R * sizeof *voxels);
    for (long i = 0; i < cells.side; i++)
        for (long j = 0; j < cells.side; j++)
            for (long k = 0; k < cells.side; k++) {
                if (!cells.occupied[(i * cells.side + j) * cells.side + k]) continue;
                const long x = i < R ? i : R - 1, y = j < R ? j : R - 1, z = k < R ? k : R - 1;
                voxels[(x * R + y) * R + z] = 1, count++;
            }
    if (MODEL_SOLID) fill(voxels, cells.occupied);
    free(cells.occupied);
    return count ? 0 : mesh_fail(mesh, "its longest side is too small or too large to compute with; give it in another unit");
}
