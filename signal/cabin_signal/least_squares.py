"""Fitting a handful of parameters to some tens of numbers: damped Gauss-Newton with steps that are bounded.

Levenberg (1944) and Marquardt (1963), the slopes taken numerically; for models of a few parameters whose residuals
are cheap. Priors are residuals of their own, so that a parameter that the data do not show stays where it is likely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cabin_signal.filters import Samples

Residuals = Callable[[Samples], Samples]
"""Parameters -> residuals, each in units of its own standard deviation."""

ROUNDS, TRIALS = 40, 7
ENOUGH = 1e-4
"""A round that lowers the cost by less than this part of it is the last."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the cost is least."""

    at: Samples
    covariance: Samples
    """Of the parameters, shape (n, n), as far as the residuals' own units are true."""
    cost: float
    """Sum of the squared residuals."""


def fitted(residuals: Residuals, start: Samples, nudge: Samples, longest: Samples) -> Fit | None:
    """The least cost near `start`; None where the residuals stop being numbers.

    `nudge` is how far each parameter is moved to take a slope, `longest` how far it may go in one step.
    """
    at, damping = start, 1e-2
    here = residuals(at)
    for round_ in range(ROUNDS):
        slopes = _slopes(residuals, at, here, nudge)
        if not (np.isfinite(slopes).all() and np.isfinite(here).all()):
            return None
        step, after, damping = _step(residuals, at, here, slopes, damping, longest)
        if step is None:
            break
        gained = here @ here - after @ after
        at, here = at + step, after
        if gained < ENOUGH * (here @ here) and round_ > 3:
            break
    slopes = _slopes(residuals, at, here, nudge)
    if not np.isfinite(slopes).all():
        return None
    covariance: Samples = np.asarray(np.linalg.pinv(slopes.T @ slopes), dtype=np.float64)
    return Fit(at, covariance, float(here @ here))


def _slopes(residuals: Residuals, at: Samples, here: Samples, nudge: Samples) -> Samples:
    """Derivative of each residual by each parameter, shape (residuals, parameters)."""
    return np.stack([(residuals(at + moved) - here) / moved.sum() for moved in np.diag(nudge)], axis=1)


def _step(
    residuals: Residuals, at: Samples, here: Samples, slopes: Samples, damping: float, longest: Samples
) -> tuple[Samples | None, Samples, float]:
    """A step that lowers the cost, the residuals after it, and the damping for the next; None where none does."""
    normal, gradient = slopes.T @ slopes, slopes.T @ here
    for _ in range(TRIALS):
        damped = normal + damping * np.diag(np.diag(normal) + 1e-6)
        step = np.clip(-np.linalg.solve(damped, gradient), -longest, longest)
        after = residuals(at + step)
        if after @ after < here @ here:
            return step, after, max(damping / 5, 1e-6)
        damping *= 4
    return None, here, damping


def softened(residuals: Samples, limit: float = 1.5) -> Samples:
    """Huber's loss as residuals: those beyond `limit` count in proportion, no longer in square."""
    size = np.abs(residuals)
    bent = np.sqrt(np.maximum(2 * limit * size - limit * limit, 0))
    return np.asarray(np.sign(residuals) * np.where(size < limit, size, bent))
