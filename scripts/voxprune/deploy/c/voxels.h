/* Meshes to voxels: the cells of voxprune's own voxelizer, to the bit, if compiled without fused multiply-add. */

#ifndef VOXELS_H
#define VOXELS_H

#include "mesh.h"

/* Fills voxels, resolution cubed floats, 1 where occupied, z running fastest; settings as in model.h.
 * Changes the mesh's vertices. Returns 0 when all is well, else the reason stands in mesh->fault. */
int voxelize(Mesh *mesh, float *voxels);

#endif
