"""Which files are meshes, by their ending. Each format that can be read is a file in formats/, which says its ENDINGS."""

from voxprune.core.registry import choices

FORMATS = "meshes/formats"
READABLE = {ending: choice for choice in choices(FORMATS).values() for ending in choice.facts["ENDINGS"]}
# Shapes that can't be read. They count as meshes, so that none is left out without a word: reading them says so.
FOREIGN = (".3dm", ".3ds", ".3mf", ".abc", ".amf", ".blend", ".brep", ".c4d", ".catpart", ".catproduct", ".ctm", ".dae", ".drc",
           ".dwg", ".dxf", ".f3d", ".fbx", ".fcstd", ".glb.gz", ".iges", ".igs", ".ipt", ".jt", ".lwo", ".ma", ".max", ".mb",
           ".mesh", ".msh", ".obj.gz", ".off.gz", ".ply.gz", ".sat", ".skp", ".sldasm", ".sldprt", ".step", ".stl.gz", ".stp",
           ".usd", ".usda", ".usdc", ".usdz", ".vrml", ".vtk", ".vtp", ".vtu", ".wrl", ".x3d", ".x_b", ".x_t")  # fmt: skip


def is_mesh(name):
    """Whether a file's name is that of a mesh, of a format that can be read or not: by its ending, and not hidden."""
    return not name.startswith(".") and name.lower().endswith((*READABLE, *FOREIGN))


def is_readable(name):
    """Whether a mesh of this name can be read, by its ending."""
    return name.lower().endswith((*READABLE,))


def format_files(names):
    """The files of code that read meshes of these names, without doubles, sorted."""
    endings = {f".{name.lower().rpartition('.')[2]}" for name in names}
    return sorted({READABLE[ending].path for ending in endings if ending in READABLE})
