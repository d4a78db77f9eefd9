"""Ten colours that can be told apart, by everybody and on both backgrounds."""

import itertools

import numpy as np
import pytest

from dashboard.palette import CLASS_COLOURS, INKS, between, colour, contrast, readable, symbol

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_LMS = np.array([[0.412221, 0.536333, 0.051446], [0.211903, 0.6807, 0.107397], [0.088302, 0.281719, 0.62998]])
TO_OKLAB = np.array([[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]])


def linear(code: str) -> np.ndarray:
    c = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    return TO_OKLAB @ np.cbrt(TO_LMS @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize(("sight", "least"), [("normal", 0.095), *((s, 0.055) for s in list(SIGHT)[1:])])
def test_any_two_classes_can_be_told_apart(sight, least):
    seen = [oklab(np.asarray(SIGHT[sight]) @ linear(code)) for code in CLASS_COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > least


@pytest.mark.parametrize("background", ["#fbfaf7", "#14171d"])
def test_every_class_can_be_seen_on_both_backgrounds(background):
    assert min(contrast(code, background) for code in CLASS_COLOURS) > 1.9


def test_a_hundred_classes_have_a_hundred_signs():
    assert len({(colour(c), symbol(c)) for c in range(100)}) == 100


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known grey just below 4.5


@pytest.mark.parametrize("theme", INKS)
def test_a_number_can_be_read_on_every_ground_of_the_scale(theme):
    ink = INKS[theme]
    grounds = [between(ink.low, ink.high, share) for share in np.linspace(0, 1, 101)]
    assert (grounds[0], grounds[-1]) == (ink.low, ink.high)
    assert min(contrast(readable(ground), ground) for ground in grounds) >= 4.5
