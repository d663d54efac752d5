/* The OFF format in text: one vertex or face a line, as voxprune's Python reader takes it. */

#include "mesh.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Without byte-order mark, comments and the line ends of other systems; returns the new size. */
static size_t plain(char *text, size_t size)
{
    size_t from = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0, to = 0;
    for (; from < size; from++) {
        if (text[from] == '#')
            while (from + 1 < size && text[from + 1] != '\n' && text[from + 1] != '\r') from++;
        else if (text[from] == '\r')
            text[to++] = '\n', from += from + 1 < size && text[from + 1] == '\n';
        else
            text[to++] = text[from];
    }
    text[to] = 0;
    return to;
}

static char *blanks(char *at, int lines)
{
    while (*at == ' ' || *at == '\t' || (lines && isspace((unsigned char)*at))) at++;
    return at;
}

/* A number of digits alone; returns what follows it, or NULL. */
static char *counted(char *at, size_t *count)
{
    if (!isdigit((unsigned char)*at)) return NULL;
    for (*count = 0; isdigit((unsigned char)*at); at++) {
        if (*count > ((size_t)-1 - 9) / 10) return NULL;
        *count = *count * 10 + (size_t)(*at - '0');
    }
    return at;
}

/* The header, OFF3514 3546 0 on one line too; returns what follows it, or NULL. */
static char *header(char *at, size_t *vertices, size_t *faces)
{
    size_t edges;
    at = blanks(at, 1);
    while (strncmp(at, "OFF", 3)) {
        if (!strncmp(at, "ST", 2)) at += 2;
        else if (*at == 'C' || *at == 'N') at++;
        else return NULL;
    }
    if (!(at = counted(blanks(at + 3, 1), vertices)) || (*at != ' ' && *at != '\t')) return NULL;
    if (!(at = counted(blanks(at, 0), faces))) return NULL;
    if ((*at == ' ' || *at == '\t') && isdigit((unsigned char)*blanks(at, 0)) && !(at = counted(blanks(at, 0), &edges))) return NULL;
    at = blanks(at, 0);
    return *at == '\n' || !*at ? at : NULL;
}

/* The next line that isn't blank, ended by a zero; NULL at the end of the text. */
static char *next_line(char **at)
{
    char *line = blanks(*at, 1);
    if (!*line) return NULL;
    char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    if (end) *end = 0;
    return line;
}

/* The next word of a line, ended by a zero; NULL where there is none. */
static char *next_word(char **at)
{
    char *word = blanks(*at, 1), *end = word;
    if (!*word) return NULL;
    while (*end && !isspace((unsigned char)*end)) end++;
    *at = *end ? end + 1 : end;
    *end = 0;
    return word;
}

/* A vertex's line: three numbers, and as many words as every other one has. */
static int vertex(Mesh *mesh, char *line, size_t *width)
{
    double point[3];
    size_t words = 0;
    for (char *word, *end; (word = next_word(&line)); words++) {
        if (words > 2) continue;
        point[words] = mesh_number(word, &end);
        if (*end || strpbrk(word, "xX")) return mesh_fail(mesh, "a coordinate is not a number");
    }
    if (words < 3 || (*width && words != *width)) return mesh_fail(mesh, "its vertices don't all have as many numbers, three or more");
    *width = words;
    return mesh_add_vertex(mesh, point);
}

/* A face: how many corners, their vertices, on this line or the next ones, and perhaps a colour. Faces of one or two corners have
 * no surface. */
static int face(Mesh *mesh, char *line, char **at, size_t **corners, size_t *space)
{
    char *end, *word = next_word(&line);
    const long size = strtol(word, &end, 10);
    if (*end) return mesh_fail(mesh, "a face's line is not of whole numbers");
    if (size < 1 || ((size_t)size > strlen(line) && (size_t)size > strlen(line) + strlen(*at))) return mesh_fail(mesh, "a face's line doesn't hold what it says");
    if ((size_t)size > *space) {
        size_t *more = realloc(*corners, (size_t)size * sizeof **corners);
        if (!more) return mesh_fail(mesh, "it doesn't fit into this machine's memory");
        *corners = more, *space = (size_t)size;
    }
    for (long n = 0; n < size; n++) {
        while (!(word = next_word(&line)))
            if (!(line = next_line(at))) return mesh_fail(mesh, "a face's line doesn't hold what it says");
        const long long corner = strtoll(word, &end, 10);
        if (*end) return mesh_fail(mesh, "a face's line is not of whole numbers");
        if (size < 3) continue;
        if (corner < 0 || (size_t)corner >= mesh->vertex_count) return mesh_fail(mesh, "a face names a vertex that isn't there");
        (*corners)[n] = (size_t)corner;
    }
    return size < 3 ? 0 : mesh_add_polygon(mesh, *corners, (size_t)size);
}

int off_parse(Mesh *mesh, char *text, size_t size)
{
    size_t vertices, faces, width = 0, space = 0, *corners = NULL;
    size = plain(text, size);
    char *at = text, *line;
    int wrong = 0;
    if (!size) return mesh_fail(mesh, "it is empty");
    if (memchr(text, 0, size)) return mesh_fail(mesh, "it holds bytes that no text has; only OFF in text can be read");
    if (!(at = header(at, &vertices, &faces))) return mesh_fail(mesh, "it doesn't begin with OFF and the numbers of vertices and faces");
    if (!vertices || !faces) return mesh_fail(mesh, "its header says that it has no vertices or no faces, so there is no surface");
    for (size_t n = 0; n < vertices && !wrong; n++)
        wrong = (line = next_line(&at)) ? vertex(mesh, line, &width) : mesh_fail(mesh, "it is cut short: vertices are missing");
    for (size_t n = 0; n < faces && !wrong; n++)
        wrong = (line = next_line(&at)) ? face(mesh, line, &at, &corners, &space) : mesh_fail(mesh, "it is cut short: faces are missing");
    if (!wrong && next_line(&at)) wrong = mesh_fail(mesh, "it goes on after what its header announces");
    free(corners);
    return wrong;
}
