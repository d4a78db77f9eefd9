"""Adam (the paper) and L-BFGS with a memory for each image, behind one face: one evaluation of the objective a step."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Evaluate = Callable[[], Tensor]  # the objective at the variables' present values, as a scalar with a graph


class Optimiser(Protocol):
    """Moves variables in place. Each step costs exactly one forward and one backward pass."""

    def step(self, evaluate: Evaluate, lr: float) -> None:
        """Evaluate once and move. lr: the step size, where the method has one."""


class Adam:
    """torch's Adam on all the variables together."""

    def __init__(self, variables: list[Tensor], beta2: float) -> None:
        self.variables = variables
        self.adam = torch.optim.Adam(variables, betas=(0.9, beta2))

    def step(self, evaluate: Evaluate, lr: float) -> None:
        for group in self.adam.param_groups:
            group["lr"] = lr
        grads = torch.autograd.grad(evaluate(), self.variables, allow_unused=True)
        for variable, grad in zip(self.variables, grads, strict=True):
            variable.grad = grad
        self.adam.step()


class PerImageLBFGS:
    """L-BFGS whose curvature pairs are kept for each image: block-diagonal, as images meet only in batch statistics.

    variable: (n, …), one block an image. One line search for all: t = 1, halved until Armijo's condition holds. A step
    is an evaluation, so that a budget of steps is a budget of passes (TRIALS.md §2b has the constants and why).
    noisy: the objective is computed in bfloat16. Then the condition is on the largest of the last values (Grippo,
    Lampariello and Lucidi 1986): its rounding alone rejected 75 of 200 steps on a ResNet-20, against 6 so.
    """

    MEMORY, ARMIJO, CURVATURE, SHORTEST = 20, 1e-4, 1e-3, 1e-3
    FIRST_STEP, LONGEST_STEP = 0.05, 0.08  # root mean square over an image's variables
    WINDOW = 8  # values, of a noisy objective

    def __init__(self, variable: Tensor, noisy: bool = False) -> None:
        self.variable = variable
        self.values: deque[float] = deque(maxlen=self.WINDOW if noisy else 1)
        # s (n, d), y (n, d), and (n, 1): 1 / s·y, or 0 where the pair is not used, and s·y / y·y
        self.pairs: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self.at, self.grad = variable.detach().flatten(1).clone(), torch.empty(0)
        self.direction, self.length = torch.empty(0), 1.0

    def step(self, evaluate: Evaluate, lr: float) -> None:
        objective = evaluate()
        (grad,) = torch.autograd.grad(objective, self.variable)
        value, grad, here = float(objective.detach()), grad.flatten(1), self.variable.detach().flatten(1).clone()
        if self.direction.numel():
            slope = float((self.grad * self.direction).sum())
            if value > max(self.values) + self.ARMIJO * self.length * slope and self.length > self.SHORTEST:
                self.length /= 2
                return self._go(self.at + self.length * self.direction)
            self._remember(here - self.at, grad - self.grad)
        self.values.append(value)
        self.at, self.grad, self.length = here, grad, 1.0
        self.direction = self._search_direction(grad)
        return self._go(self.at + self.direction)

    def _go(self, to: Tensor) -> None:
        with torch.no_grad():
            self.variable.copy_(to.view_as(self.variable))

    def _remember(self, s: Tensor, y: Tensor) -> None:
        product = (s * y).sum(1, keepdim=True)
        sound = product > self.CURVATURE * s.norm(dim=1, keepdim=True) * y.norm(dim=1, keepdim=True)
        inverse = torch.where(sound, 1 / product, torch.zeros_like(product))
        scale = 1 / (inverse * (y * y).sum(1, keepdim=True)).clamp_min(1e-12)
        self.pairs = [*self.pairs[-self.MEMORY + 1 :], (s, y, inverse, scale)]

    def _search_direction(self, grad: Tensor) -> Tensor:
        """The two-loop recursion for all images at once, each step cut to its longest length."""
        q, kept = grad.clone(), []
        for s, y, inverse, _ in reversed(self.pairs):
            a = inverse * (s * q).sum(1, keepdim=True)
            q.addcmul_(a, y, value=-1)
            kept.append(a)
        scale = _rms(grad).clamp_min(1e-12).reciprocal() * self.FIRST_STEP  # before there is curvature
        for _, _, inverse, newer in self.pairs:  # the latest sound pair of each image sets its scale
            scale = torch.where(inverse > 0, newer, scale)
        q = q * scale
        for (s, y, inverse, _), a in zip(self.pairs, reversed(kept), strict=True):
            q.addcmul_(a - inverse * (y * q).sum(1, keepdim=True), s)
        downhill = (q * grad).sum(1, keepdim=True) > 0
        q = torch.where(downhill, q, grad * scale)
        return -q * (self.LONGEST_STEP / _rms(q).clamp_min(1e-12)).clamp_max(1.0)


def _rms(x: Tensor) -> Tensor:
    """Root mean square of each row of x (n, d): (n, 1)."""
    return x.square().mean(1, keepdim=True).sqrt()
