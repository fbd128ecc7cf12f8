"""The seven assets that both sides simulate."""
import numpy as np

M, STRIKE = 7, 1.1


def basket(rng):
    """Weights, correlation and volatilities; the basket's deviation over the maturity is 0.2."""
    weights = rng.uniform(1, 10, M)
    weights /= weights.sum()
    gram = rng.uniform(-1, 1, (2 * M, M))
    covariance = gram.T @ gram
    scale = 1 / np.sqrt(np.diag(covariance))
    correlation = covariance * scale[:, None] * scale
    correlation = (correlation + correlation.T) / 2
    np.fill_diagonal(correlation, 1)
    vols = rng.uniform(5, 50, M)
    vols *= 0.2 / np.sqrt((weights * vols) @ correlation @ (weights * vols))
    return weights, correlation, vols
