/* What page.html calls, built as WebAssembly together with the readers of meshes, the voxelizer and model.c. */

#include "mesh.h"
#include "model.h"
#include "voxels.h"

#include <stdlib.h>

float page_voxels[MODEL_RESOLUTION * MODEL_RESOLUTION * MODEL_RESOLUTION], page_logits[MODEL_CLASSES];
static float scratch[MODEL_SCRATCH + 1]; /* one more, because C has no empty arrays */
static Mesh mesh;

/* Memory for bytes that the page puts there, with a zero behind them; NULL where there is none. */
char *page_memory(size_t size)
{
    char *memory = size + 1 ? malloc(size + 1) : NULL;
    if (memory) memory[size] = 0;
    return memory;
}

/* Reads a file's content, which is freed. Returns NULL when all is well, else the reason, one sentence without the file's name. */
const char *page_read(const char *name, char *text, size_t size)
{
    mesh_free(&mesh);
    const int wrong = mesh_parse(name, text, size, &mesh);
    free(text);
    return wrong ? mesh.fault : NULL;
}

/* Fills page_voxels from the mesh that was read last, once for each reading; returns as page_read does. */
const char *page_voxelize(void)
{
    return voxelize(&mesh, page_voxels) ? mesh.fault : NULL;
}

/* Runs the network so many times: page_voxels to page_logits. */
void page_run(int calls)
{
    for (; calls > 0; calls--) model_run(page_voxels, page_logits, scratch);
}
