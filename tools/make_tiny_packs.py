#!/usr/bin/env python3
"""Writes tests/tiny/packs.zip: the packs of the tiny world, in which people are drawn (tests/tiny/tiny_world.h).

  make_tiny_packs.py tests/tiny/packs.zip

A detector `mtcnn` and an embedder `tiny`, real networks of little content. Their first layers are set by hand, by
colour: skin is redder than blue, eyes are bluer than red, hair is neither. The last layers are fitted here to drawn
pictures: those of the detector by gradient descent, that of the embedder by linear discriminants. Seeded; a minute
of one core. Needs numpy. The weights are mostly zeros, so that 2 MB of networks are few KB in the archive.
"""
import hashlib
import io
import json
import pathlib
import sys
import zipfile

import numpy as np

from protobuf_writer import message

rng = np.random.default_rng(14)


# --- The drawn world; tests/tiny/tiny_world.cpp draws the same ------------------------------------------------------
def ellipse(picture, x, y, rx, ry, colour):
    """Filled, its edge one pixel soft."""
    height, width = picture.shape[:2]
    left, right = max(0, int(x - rx - 1)), min(width, int(x + rx + 2))
    top, bottom = max(0, int(y - ry - 1)), min(height, int(y + ry + 2))
    if left >= right or top >= bottom:
        return
    dx = (np.arange(left, right) + 0.5 - x) / rx
    dy = (np.arange(top, bottom) + 0.5 - y) / ry
    inside = np.clip(0.5 - (np.sqrt(dx[None] ** 2 + dy[:, None] ** 2) - 1) * min(rx, ry), 0, 1)[..., None]
    part = picture[top:bottom, left:right]
    part += (np.asarray(colour) - part) * inside


def person():
    red, grey = rng.uniform(180, 250), rng.uniform(20, 235)
    blue, mouth = rng.uniform(150, 240), rng.uniform(20, 200, 3)
    return {"skin": (red, rng.uniform(60, 225), red - rng.uniform(125, 150)), "hair": (grey, rng.uniform(10, 245), grey),
            "eyes": (blue - 150, rng.uniform(0, 200), blue), "mouth": mouth, "aspect": rng.uniform(0.75, 0.92)}


def draw_face(picture, who, x, y, h, light=1.0, eyes=True):
    """The face's box is h high and aspect * h wide about (x, y). Gives box and landmarks."""
    shade = {k: np.clip(np.asarray(who[k]) * light, 0, 255) for k in ("skin", "hair", "eyes", "mouth")}
    w = h * who["aspect"]
    ellipse(picture, x, y - 0.03 * h, 0.8 * w, 0.75 * h, shade["hair"])
    ellipse(picture, x, y, 0.5 * w, 0.5 * h, shade["skin"])
    if eyes:
        for side in (-1, 1):
            ellipse(picture, x + side * 0.21 * w, y - 0.1 * h, 0.1 * h, 0.08 * h, shade["eyes"])
    ellipse(picture, x, y + 0.08 * h, 0.05 * h, 0.08 * h, shade["skin"] * 0.85)
    ellipse(picture, x, y + 0.27 * h, 0.2 * w, 0.06 * h, shade["mouth"])
    points = [(-0.21 * w, -0.1 * h), (0.21 * w, -0.1 * h), (0, 0.1 * h), (-0.2 * w, 0.27 * h), (0.2 * w, 0.27 * h)]
    return (np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]), np.array(points) + (x, y))


def any_colour():
    return rng.uniform(0, 255, 3)


def picture_of(faces, width=200, height=150):
    """A busy background and `faces` faces. Gives pixels, and each face's box and landmarks."""
    top, bottom = [any_colour() if rng.random() < 0.8 else np.array(person()["skin"]) for _ in range(2)]
    picture = top + (bottom - top) * np.linspace(0, 1, height)[:, None, None] + np.zeros((height, width, 3))
    for _ in range(rng.integers(0, 8)):
        ellipse(picture, rng.uniform(0, width), rng.uniform(0, height), *rng.uniform(2, 45, 2), any_colour())
    for _ in range(rng.integers(0, 4)):  # Skin that is no face: an arm, a hand, one with something blue on it.
        x, y, (rx, ry) = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(4, 40, 2)
        ellipse(picture, x, y, rx, ry, person()["skin"])
        if rng.random() < 0.5:
            ellipse(picture, x + rng.uniform(-rx, rx), y + rng.uniform(-ry, ry), *rng.uniform(2, 15, 2), person()["eyes"])
    if rng.random() < 0.3:
        draw_face(picture, person(), rng.uniform(0, width), rng.uniform(0, height), rng.uniform(20, 100), eyes=False)
    found = []
    for _ in range(faces):
        h = rng.uniform(20, 110)
        x, y = rng.uniform(0.4 * h, width - 0.4 * h), rng.uniform(0.4 * h, height - 0.4 * h)
        if all(np.hypot(*(b[:2] / 2 + b[2:] / 2 - (x, y))) > (b[3] - b[1] + h) * 0.62 for b, _ in found):
            found.append(draw_face(picture, person(), x, y, h, rng.uniform(0.9, 1.1)))
    picture += rng.normal(0, rng.uniform(0, 6), picture.shape)
    return np.clip(np.rint(picture), 0, 255), found


def area_weights(start, length, pixels, size):
    """Share of each of `pixels` in each of `size` parts of [start, start + length)."""
    edges = start + length * np.arange(size + 1) / size
    at = np.arange(pixels)
    low, high = np.maximum(edges[:-1, None], at[None]), np.minimum(edges[1:, None], at[None] + 1)
    return np.maximum(high - low, 0) / (length / size)


def window(picture, left, top, side, size):
    rows = area_weights(top, side, picture.shape[0], size)
    columns = area_weights(left, side, picture.shape[1], size)
    return (np.einsum("ry,yxc,ox->roc", rows, picture, columns, optimize=True) - 127.5) / 128


# --- Layers ----------------------------------------------------------------------------------------------------------
def conv(a, kernel, bias, slope):
    """a: n, rows, columns, in. kernel: rows, columns, in, out. A PReLU of one slope behind it."""
    rows, columns = a.shape[1] - kernel.shape[0] + 1, a.shape[2] - kernel.shape[1] + 1
    y = np.zeros((*a.shape[:1], rows, columns, kernel.shape[3])) + bias
    for r, c in np.ndindex(kernel.shape[:2]):
        if kernel[r, c].any():
            y += a[:, r:r + rows, c:c + columns] @ kernel[r, c]
    return np.where(y > 0, y, y * slope)


def pool(a, size, cut):
    """Max pooling of stride 2; with `cut` the last window may reach beyond the edge."""
    count = (a.shape[1] + 1) // 2 if cut else (a.shape[1] - size) // 2 + 1
    reach = (count - 1) * 2 + size
    if reach > a.shape[1]:
        a = np.pad(a, [(0, 0)] + [(0, reach - a.shape[1])] * 2 + [(0, 0)], constant_values=-np.inf)
    parts = [a[:, r:r + 2 * count - 1:2, c:c + 2 * count - 1:2] for r, c in np.ndindex(size, size)]
    return np.maximum.reduce(parts)


SIGNALS = 3  # Skin, not skin, eye; each is the difference of two ReLUs, which pooling leaves one.


def colour_layer(out):
    """3x3 kernel with its middle set: 1 where R - B is above 80 (skin), below 40 (not skin), below -80 (eye)."""
    kernel, bias = np.zeros((3, 3, 3, out)), np.zeros(out)
    for channel, (sign, start) in enumerate([(1, 40), (1, 80), (-1, -80), (-1, -40), (-1, 40), (-1, 80)]):
        kernel[1, 1, 0, channel], kernel[1, 1, 2, channel] = sign * 128 / 40, -sign * 128 / 40
        bias[channel] = -start / 40
    return kernel, bias


def signal_taps(kernel, out, signal, taps):
    for (y, x), weight in taps.items():
        kernel[y, x, 2 * signal, out], kernel[y, x, 2 * signal + 1, out] = weight, -weight


BLUR = {(y, x): 1 / 9 for y in range(3) for x in range(3)}


def second_layer(out):
    """For R-Net and O-Net: each signal, each signal blurred, and skin's slopes to the four sides."""
    kernel = np.zeros((3, 3, 6, out))
    for signal in range(SIGNALS):
        signal_taps(kernel, signal, signal, {(1, 1): 1})
        signal_taps(kernel, SIGNALS + signal, signal, BLUR)
    for side, (y, x) in enumerate([(1, 0), (-1, 0), (0, 1), (0, -1)]):
        taps = {(r, c): (y * (r - 1) + x * (c - 1)) / 6 for r in range(3) for c in range(3)}
        signal_taps(kernel, 2 * SIGNALS + side, 0, taps)
    return kernel


SECOND = 2 * SIGNALS + 4


def corner_taps(features, channels_in, out):
    """2x2 kernel: channel 4 f + 2 y + x is feature f at tap (y, x)."""
    kernel = np.zeros((2, 2, channels_in, out))
    for f in range(features):
        for y in range(2):
            for x in range(2):
                kernel[y, x, f, 4 * f + 2 * y + x] = 1
    return kernel


def spread(weights, features, channels):
    """From [4 x 4 cells x features][hidden] to the dense layer's [x][y][channel][hidden] behind corner_taps()."""
    cells = weights.reshape(4, 4, features, -1)
    dense = np.zeros((3, 3, channels, cells.shape[-1]))
    for y in range(4):
        for x in range(4):
            py, px = min(y, 2), min(x, 2)
            dense[px, py, 2 * (y - py) + (x - px):4 * features:4] = cells[y, x]
    return dense.reshape(9 * channels, -1)


# The fixed part of each network: standardised windows to the features that the fitted part sees.
def pnet_kernels():
    second = np.zeros((3, 3, 6, 12))
    for signal in range(SIGNALS):
        for corner, tap in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
            signal_taps(second, 4 * signal + corner, signal, {tap: 1})
    return second


def pnet_front(a):
    return conv(pool(conv(a, *colour_layer(6), 0), 2, False), pnet_kernels(), 0, 1).reshape(len(a), -1)


def rnet_front(a):
    a = pool(conv(a, *colour_layer(6), 0), 3, True)
    return pool(conv(a, second_layer(SECOND), 0, 0), 3, False).reshape(len(a), -1)


THIRD = SECOND + SIGNALS


def third_layer(channels_in, out):
    kernel = np.zeros((3, 3, channels_in, out))
    for f in range(SECOND):
        kernel[:, :, f, f] = 1 / 9
    for signal in range(SIGNALS):
        kernel[1, 1, signal, SECOND + signal] = 1
    return kernel


def onet_front(a):
    a = pool(conv(a, *colour_layer(6), 0), 3, True)
    a = pool(conv(a, second_layer(SECOND), 0, 0), 3, False)
    return pool(conv(a, third_layer(SECOND, THIRD), 0, 0), 2, True).reshape(len(a), -1)


# --- Fitting ---------------------------------------------------------------------------------------------------------
AROUND = 1.15  # Side of the window that suits a face, in heights of the face.


def square_about(box):
    centre, side = (box[:2] + box[2:]) / 2, (box[3] - box[1]) * AROUND
    return np.concatenate([centre - side / 2, centre + side / 2])


def overlap(a, b):
    common = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)


def samples(size, front, pictures, shift, scale, exact):
    """Features, whether a face (1, 0, or -1: neither), and where: box (of the face or its window), landmarks."""
    xs, labels, places, pixels = [], [], [], []
    for _ in range(pictures):
        picture, faces = picture_of(rng.integers(0, 4))
        squares = [square_about(box) for box, _ in faces]
        tries = []
        for q in squares:
            side = q[2] - q[0]
            for _ in range(12):
                s = side * np.exp(rng.uniform(-scale, scale))
                tries.append(np.append((q[:2] + q[2:]) / 2 - s / 2 + rng.uniform(-shift, shift, 2) * side, s))
            for _ in range(5):
                s = side * np.exp(rng.uniform(-1.2, 1.2))
                tries.append(np.append((q[:2] + q[2:]) / 2 - s / 2 + rng.uniform(-0.7, 0.7, 2) * side, s))
        for _ in range(8):
            s = rng.uniform(14, 120)
            tries.append(np.append(rng.uniform((-10, -10), (190, 140)) - s / 4, s))
        for left, top, s in tries:
            left, top, s = (left, top, s) if size == 12 else np.trunc([left, top, s])
            box = np.array([left, top, left + s, top + s])
            shares = [overlap(box, q) for q in squares]
            best = int(np.argmax(shares)) if shares else -1
            share = shares[best] if shares else 0
            labels.append(1 if share > 0.6 else 0 if share < 0.42 else -1)
            place = np.full(14, np.nan)
            if share > 0.42:
                target = faces[best][0] if exact else squares[best]
                place[:4] = (target - box) / s
                place[4:] = ((faces[best][1] - (left, top)) / s).T.ravel()
            places.append(place)
            pixels.append(window(picture, left, top, s, size))
    for i in range(0, len(pixels), 128):
        xs.append(front(np.array(pixels[i:i + 128])))
    return np.concatenate(xs), np.array(labels), np.array(places)


SLOPE = 0.1  # Of the hidden layer's PReLU.


def fit(x, labels, places, hidden, outputs, steps=3000, batch=256):
    """A hidden layer and heads: [0] logit of a face, then regressions. Adam on cross entropy plus squares."""
    mean, dev = x.mean(0), x.std(0) + 1e-2
    x = (x - mean) / dev
    parts = [rng.normal(0, 1 / np.sqrt(x.shape[1]), (x.shape[1], hidden)), np.zeros(hidden),
             rng.normal(0, 1 / np.sqrt(hidden), (hidden, 1 + outputs)), np.zeros(1 + outputs)]
    first, second = [np.zeros_like(p) for p in parts], [np.zeros_like(p) for p in parts]
    scored, placed = labels >= 0, ~np.isnan(places[:, 0])
    for step in range(1, steps + 1):
        at = rng.integers(0, len(x), batch)
        z = x[at] @ parts[0] + parts[1]
        h = np.where(z > 0, z, SLOPE * z)
        y = h @ parts[2] + parts[3]
        g = np.zeros_like(y)
        g[:, 0] = np.where(scored[at], 1 / (1 + np.exp(-np.clip(y[:, 0], -30, 30))) - np.maximum(labels[at], 0), 0)
        g[:, 1:] = np.where(placed[at, None], 20 * (y[:, 1:] - np.nan_to_num(places[at, :outputs])), 0)
        g /= batch
        gh = g @ parts[2].T * np.where(z > 0, 1, SLOPE)
        gradients = [x[at].T @ gh, gh.sum(0), h.T @ g, g.sum(0)]
        rate = 0.01 * 0.5 * (1 + np.cos(np.pi * step / steps))
        for p, m, v, d in zip(parts, first, second, gradients):
            m += 0.1 * (d - m)
            v += 0.01 * (d * d - v)
            p -= rate * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.99 ** step)) + 1e-8)
    z = x @ parts[0] + parts[1]
    y = np.where(z > 0, z, SLOPE * z) @ parts[2] + parts[3]
    right = ((y[:, 0] > 1) == (labels == 1))[scored].mean()
    error = np.sqrt(((y[:, 1:] - places[:, :outputs])[placed & (labels == 1)] ** 2).mean())
    print(f"{x.shape[0]} windows, {x.shape[1]} features: right {right:.4f}, regression error {error:.4f}")
    weights = parts[0] / dev[:, None]
    return [short(weights), short(parts[1] - mean @ short(weights)), short(parts[2]), short(parts[3])]


def short(a):
    """Eight bits of mantissa: half as large in the archive."""
    bits = np.asarray(a, "f4").view("u4")
    return ((bits + 0x4000) & 0xFFFF8000).astype("u4").view("f4").astype("f8")


# --- Files -----------------------------------------------------------------------------------------------------------
def initializer(name, a):
    a = np.ascontiguousarray(a, "f4")
    return (5, message(*[(1, d) for d in a.shape], (2, 1), (8, name), (9, a.tobytes())))


def onnx_file(*graph):
    return message((1, 8), (7, message((2, "tiny"), *graph)), (8, message((1, ""), (2, 13))))


def constants_file(constants):
    return onnx_file(*[initializer(name, a) for name, a in constants.items()])


def padded(a, shape):
    result = np.zeros(shape)
    result[tuple(slice(n) for n in a.shape)] = a
    return result


def convolution(name, slope_name, kernel, bias, slope, shape):
    """As the detector's files have it: [out][in][x][y], for the networks see transposed pictures."""
    out = shape[0]
    return {f"{name}/kernel:0": padded(kernel.transpose(3, 2, 1, 0), shape),
            f"{name}/bias:0": padded(np.broadcast_to(bias, kernel.shape[3]), (out,)),
            slope_name: np.full((1, out, 1, 1), slope)}


def score_head(weights):
    return np.stack([np.zeros_like(weights), weights], -1)


def pnet(weights, bias, heads, head_bias):
    third = weights.reshape(3, 3, 12, -1)
    return (convolution("conv2d", "p_re_lu_initializer_8", *colour_layer(10), 0, (10, 3, 3, 3))
            | convolution("conv2d_1", "p_re_lu_1_initializer_6", pnet_kernels(), 0, 1, (16, 10, 3, 3))
            | convolution("conv2d_2", "p_re_lu_2_initializer_3", third, bias, SLOPE, (32, 16, 3, 3))
            | {"conv2d_3/kernel:0": padded(score_head(heads[:, 0]).T[..., None, None], (2, 32, 1, 1)),
               "conv2d_3/bias:0": score_head(head_bias[0]),
               "conv2d_4/kernel:0": padded(heads[:, 1:5].T[..., None, None], (4, 32, 1, 1)), "conv2d_4/bias:0": head_bias[1:5]})


def dense_part(number, features, channels, hidden, weights, bias, heads, head_bias):
    """The hidden layer, dense_NUMBER, and the heads behind it, numbered on."""
    def name(n):
        return f"dense_{n}" if n else "dense"
    part = {f"{name(number)}/kernel:0": padded(spread(weights, features, channels), (9 * channels, hidden)),
            f"{name(number)}/bias:0": padded(bias, (hidden,)), "slope": np.full(hidden, SLOPE),
            f"{name(number + 1)}/kernel:0": padded(score_head(heads[:, 0]), (hidden, 2)),
            f"{name(number + 1)}/bias:0": score_head(head_bias[0])}
    for n, (first, last) in enumerate([(1, 5), (5, 15)][:1 if heads.shape[1] == 5 else 2]):
        part |= {f"{name(number + 2 + n)}/kernel:0": padded(heads[:, first:last], (hidden, last - first)),
                 f"{name(number + 2 + n)}/bias:0": head_bias[first:last]}
    return part


def rnet(*fitted):
    return (convolution("conv2d_5", "p_re_lu_3_initializer_14", *colour_layer(28), 0, (28, 3, 3, 3))
            | convolution("conv2d_6", "p_re_lu_4_initializer_12", second_layer(48), 0, 0, (48, 28, 3, 3))
            | convolution("conv2d_7", "p_re_lu_5_initializer_10", corner_taps(SECOND, 48, 64), 0, 0, (64, 48, 2, 2))
            | dense_part(0, SECOND, 64, 128, *fitted))


def onet(*fitted):
    return (convolution("conv2d_8", "p_re_lu_7_initializer_22", *colour_layer(32), 0, (32, 3, 3, 3))
            | convolution("conv2d_9", "p_re_lu_8_initializer_20", second_layer(64), 0, 0, (64, 32, 3, 3))
            | convolution("conv2d_10", "p_re_lu_9_initializer_18", third_layer(64, 64), 0, 0, (64, 64, 3, 3))
            | convolution("conv2d_11", "p_re_lu_10_initializer_16", corner_taps(THIRD, 64, 128), 0, 0, (128, 64, 2, 2))
            | dense_part(3, THIRD, 128, 256, *fitted))


# --- The embedder ----------------------------------------------------------------------------------------------------
CHIP, GROW, DIMENSION = 32, 1.1, 12
LANES = 16  # Our kernels take layers whose outputs are a multiple of this; what is missing is zeros.


def filled(count):
    return -(-count // LANES) * LANES


def embedder_features(chips, kernels):
    y = (chips - 127.5) / 128
    for kernel, bias in kernels:
        y = conv(y, kernel, bias, 0)[:, ::2, ::2]
    return y.mean((1, 2))


def drawn_chips(people, each):
    chips = []
    for _ in range(people):
        who = person()
        for _ in range(each):
            background = np.full((150, 150, 3), any_colour())
            ellipse(background, *rng.uniform(0, 150, 2), *rng.uniform(10, 60, 2), any_colour())
            h = rng.uniform(40, 100)
            (left, top, right, bottom), _ = draw_face(background, who, 75, 75, h, rng.uniform(0.93, 1.07))
            pixels = np.clip(background + rng.normal(0, rng.uniform(0, 5), background.shape), 0, 255)
            grow = GROW + rng.normal(0, 0.03)
            w, t = (right - left) * grow, (bottom - top) * grow
            x, y = 75 + rng.normal(0, 0.02, 2) * h
            rows, columns = area_weights(y - t / 2, t, 150, CHIP), area_weights(x - w / 2, w, 150, CHIP)
            chips.append(np.rint(np.einsum("ry,yxc,ox->roc", rows, pixels, columns, optimize=True)))
    return np.array(chips)


def fit_embedder():
    kernels = [(short(rng.normal(0, 0.35, (3, 3, 3, 24))), short(rng.normal(0, 0.5, 24))),
               (short(rng.normal(0, 0.12, (3, 3, 24, 48))), short(rng.normal(0, 0.3, 48)))]
    people, each = 300, 6
    chips = drawn_chips(people, each)
    x = embedder_features(chips, kernels)
    grouped = x.reshape(people, each, -1)
    means = grouped.mean(1)
    within = np.cov((grouped - means[:, None]).reshape(people * each, -1).T)
    within += np.eye(len(within)) * np.trace(within) / len(within) * 0.003
    root = np.linalg.inv(np.linalg.cholesky(within))
    centred = (means - means.mean(0)) @ root.T
    values, vectors = np.linalg.eigh(centred.T @ centred / people)
    # Whitened between people too, so that no colour decides alone; directions that tell little are damped.
    best = vectors[:, ::-1][:, :DIMENSION] / np.sqrt(values[::-1][:DIMENSION] + 10)
    dense = short(root.T @ best)
    bias = short(-means.mean(0) @ dense)
    return kernels, dense, bias


def measured_thresholds(kernels, dense, bias, people=200, each=2):
    """Of people that the fit has not seen: the cosine that so many pairs of two people reach."""
    e = embedder_features(drawn_chips(people, each), kernels) @ dense + bias
    e = (e / np.linalg.norm(e, axis=1, keepdims=True)).reshape(people, each, -1)
    same = np.einsum("pd,pd->p", e[:, 0], e[:, 1])
    other = np.einsum("pid,qjd->pqij", e, e)[np.triu_indices(people, 1)].ravel()
    print(f"cosine of one person {same.mean():.3f}, lowest percent {np.quantile(same, 0.01):.3f}; "
          f"of two {other.mean():.3f}, highest percent {np.quantile(other, 0.99):.3f}")
    origin = f"{len(other):,} pairs of two of {people} people drawn by tools/make_tiny_packs.py"
    return [{"cosine": round(float(np.quantile(other, 1 - rate)), 4), "false_match_rate": rate, "precision": "f32",
             "origin": origin} for rate in (0.1, 0.01, 0.001)]


class Ir:
    """A network as OpenVINO's intermediate representation, version 11: an .xml of layers, and a .bin of constants."""

    def __init__(self, name):
        self.name, self.layers, self.edges, self.output, self.bin = name, [], [], {}, b""

    def layer(self, op, name, sides, inputs=(), opset=1, precision="FP32", **attributes):
        """`inputs` are (number, sides) of earlier layers. Gives the same of this one."""
        number = len(self.layers)
        ports = ""
        for port, (source, source_sides) in enumerate(inputs):
            ports += self.port(port, source_sides)
            self.edges.append(f'<edge from-layer="{source}" from-port="{self.output[source]}" '
                              f'to-layer="{number}" to-port="{port}"/>')
        ports = f"<input>{ports}</input>" if inputs else ""
        if op != "Result":
            ports += f"<output>{self.port(len(inputs), sides, precision)}</output>"
        self.output[number] = len(inputs)
        data = "".join(f' {key}="{value}"' for key, value in attributes.items())
        self.layers.append(f'<layer id="{number}" name="{name}" type="{op}" version="opset{opset}">'
                           f'{f"<data{data}/>" if data else ""}{ports}</layer>')
        return number, sides

    @staticmethod
    def port(number, sides, precision=None):
        kind = f' precision="{precision}"' if precision else ""
        return f'<port id="{number}"{kind}>{"".join(f"<dim>{n}</dim>" for n in sides)}</port>'

    def constant(self, name, a):
        whole = np.asarray(a).dtype.kind == "i"
        a = np.ascontiguousarray(a, "<i8" if whole else "<f4")
        offset, self.bin = len(self.bin), self.bin + a.tobytes()
        return self.layer("Const", name, a.shape, precision="I64" if whole else "FP32",
                          element_type="i64" if whole else "f32", shape=",".join(map(str, a.shape)), offset=offset,
                          size=a.nbytes)

    def xml(self):
        lines = ['<?xml version="1.0"?>', f'<net name="{self.name}" version="11">', "<layers>", *self.layers, "</layers>",
                 "<edges>", *self.edges, "</edges>", "</net>", ""]
        return "\n".join(lines).encode()


def embedder_files(kernels, dense, bias):
    ir, side, channels = Ir("tiny"), CHIP, 3
    value = ir.layer("Parameter", "input", (-1, side, side, 3), element_type="f32", shape=f"?,{side},{side},3")
    value = ir.layer("Transpose", "planes", (-1, 3, side, side), [value, ir.constant("order", np.array([0, 3, 1, 2]))])
    for n, (kernel, shift) in enumerate(kernels, 1):
        side, out = (side - 3) // 2 + 1, filled(kernel.shape[3])
        kernel, shift = padded(kernel, (3, 3, channels, out)), padded(shift, (out,))
        channels = out
        weights = ir.constant(f"kernel{n}", kernel.transpose(3, 2, 0, 1))
        value = ir.layer("Convolution", f"conv{n}", (-1, out, side, side), [value, weights], strides="2,2",
                         dilations="1,1", pads_begin="0,0", pads_end="0,0", auto_pad="explicit")
        shift = ir.constant(f"bias{n}", shift.reshape(1, out, 1, 1))
        value = ir.layer("Add", f"shifted{n}", value[1], [value, shift], auto_broadcast="numpy")
        value = ir.layer("ReLU", f"relu{n}", value[1], [value])
    dense, bias = padded(dense, (channels, filled(DIMENSION))), padded(bias, (filled(DIMENSION),))
    value = ir.layer("ReduceMean", "pooled", (-1, channels), [value, ir.constant("sides", np.array([2, 3]))], keep_dims="false")
    value = ir.layer("MatMul", "dense", (-1, len(bias)), [value, ir.constant("weights", dense)], transpose_a="false",
                     transpose_b="false")
    value = ir.layer("Add", "embedding", value[1], [value, ir.constant("bias", bias.reshape(1, -1))], auto_broadcast="numpy")
    ir.layer("Result", "result", value[1], [value])
    return ir.xml(), ir.bin


def npz(**arrays):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, a in arrays.items():
            member = io.BytesIO()
            np.save(member, a)
            archive.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), member.getvalue())
    return out.getvalue()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def pack(archive, folder, kind, files, **rest):
    listed = [{"name": n, "bytes": len(b), "sha256": digest(b)} for n, b in files.items()]
    model = {"format": "likeness model pack", "version": 1, "kind": kind, **rest, "files": listed}
    files = {"model.json": (json.dumps(model, indent=2) + "\n").encode(), **files}
    for file, data in files.items():
        entry = zipfile.ZipInfo(f"{folder}/{file}", (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, data, compresslevel=9)


WORDS = {"source": "fitted to drawn faces by tools/make_tiny_packs.py", "licence": "MIT"}


def main():
    detector = {}
    for name, build, front, size, pictures, shift, scale, hidden in (
            ("pnet", pnet, pnet_front, 12, 400, 0.18, 0.3, 32),
            ("rnet", rnet, rnet_front, 24, 400, 0.12, 0.2, 24),
            ("onet", onet, onet_front, 48, 400, 0.1, 0.15, 24)):
        outputs = 14 if name == "onet" else 4
        x, labels, places = samples(size, front, pictures, shift, scale, exact=name == "onet")
        detector[name + ".onnx"] = constants_file(build(*fit(x, labels, places, hidden, outputs)))
    kernels, dense, bias = fit_embedder()
    network, weights = embedder_files(kernels, dense, bias)
    chip = drawn_chips(1, 1)
    embedding = padded((embedder_features(chip, kernels) @ dense + bias)[0], (filled(DIMENSION),))
    self_test = npz(chip=chip[0].astype("u1"), embedding=(embedding / np.linalg.norm(embedding)).astype("f4"))
    contract = {"name": "tiny", **WORDS, "network": "tiny.xml", "sha256": digest(network),
                "input": {"channels": "rgb", "standardization": "fixed", "mean": 127.5, "scale": 128.0},
                "crop": {"profile": "margin", "filter": "bilinear", "width": CHIP, "height": CHIP, "grow": GROW,
                         "square": False, "upright": False},
                "dimension": filled(DIMENSION), "unit_length": False, "detector": "mtcnn", "metric": "cosine",
                "thresholds": measured_thresholds(kernels, dense, bias)}
    out = pathlib.Path(sys.argv[1])
    with zipfile.ZipFile(out, "w") as archive:
        pack(archive, "mtcnn", "mtcnn", detector, name="tiny mtcnn", **WORDS)
        pack(archive, "tiny", "embedder", {"tiny.xml": network, "tiny.bin": weights, "selftest.npz": self_test}, contract=contract,
             self_test="selftest.npz")
    print(out.name, out.stat().st_size)


if __name__ == "__main__":
    main()
