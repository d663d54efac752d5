/* Meshes from OFF and STL files (text and binary). */

#ifndef MESH_H
#define MESH_H

#include <stddef.h>

typedef struct {
    double (*vertices)[3]; /* in the file's unit */
    size_t vertex_count;
    size_t (*triangles)[3]; /* numbers of vertices */
    size_t triangle_count;
    char fault[200]; /* why the file can't be used, one sentence without its name */
} Mesh;

/* Reads a mesh; 0 when all is well, else the reason stands in mesh->fault. Free it with mesh_free in both cases. */
int mesh_read(const char *path, Mesh *mesh);
/* The same of a file's content in memory; text[size] is a zero, and all of it may be written over. The name's ending says the format. */
int mesh_parse(const char *name, char *text, size_t size, Mesh *mesh);
void mesh_free(Mesh *mesh);

/* For the readers: an empty mesh grows, and what goes wrong is noted; all return 0 when all is well, else -1. */
int mesh_add_vertex(Mesh *mesh, const double point[3]);
int mesh_add_triangle(Mesh *mesh, size_t one, size_t two, size_t three);
int mesh_add_polygon(Mesh *mesh, const size_t *corners, size_t count);
int mesh_fail(Mesh *mesh, const char *fault);
double mesh_number(char *word, char **end); /* as strtod */

int off_parse(Mesh *mesh, char *text, size_t size); /* text[size] is a zero that may be written over */
int stl_parse(Mesh *mesh, char *text, size_t size);

#endif
