"""python -m dashboard.umap_child GIVEN MADE: the UMAP of projections.py, in a process that can be ended."""

import sys

import numpy as np


def project(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fit on the reference, transform the rest, the synthetic ones and the draws. Bit-identical from run to run."""
    import umap

    neighbours, min_dist, seed = given["settings"]
    reference = given["reference"]
    model = umap.UMAP(
        n_neighbors=int(min(neighbours, len(reference) - 1)),
        min_dist=float(min_dist),
        init="pca",
        random_state=int(seed),
        n_jobs=1,
    )
    real = np.zeros((len(reference) + len(given["rest"]), 2), np.float32)
    real[given["reference_rows"]] = model.fit_transform(reference)
    if len(given["rest"]):
        real[given["rest_rows"]] = model.transform(given["rest"])
    synthetic = model.transform(given["synthetic"]) if len(given["synthetic"]) else np.zeros((0, 2), np.float32)
    classes, count, k = given["draws"].shape
    drawn = model.transform(given["draws"].reshape(-1, k)).reshape(classes, count, 2)
    return {
        "real": real,
        "synthetic": synthetic,
        "mean": drawn.mean(1),
        "covariance": np.stack([np.cov(cloud.T) for cloud in drawn]).reshape(classes, 2, 2),
    }


if __name__ == "__main__":
    with np.load(sys.argv[1], allow_pickle=False) as arrays:
        made = project({name: arrays[name] for name in arrays.files})
    np.savez(sys.argv[2], allow_pickle=False, **{name: array.astype(np.float32) for name, array in made.items()})
