"""From a checkpoint to a folder that runs anywhere: C code, ONNX, a model card and a small classifier."""
