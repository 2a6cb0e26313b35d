"""A parcellation as a linear operator on voxels."""
