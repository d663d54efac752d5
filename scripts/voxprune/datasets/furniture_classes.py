"""The ten classes of furniture: each function draws one object's parts from a random generator."""

import numpy as np

from voxprune.datasets.furniture_parts import box, clutter, drawers, lean, legs, sheet, tube, turn


def bathtub(rng):
    length, width, height = rng.uniform(1.3, 2.0), rng.uniform(0.65, 1.0), rng.uniform(0.38, 0.75)
    wall, parts = rng.uniform(0.05, 0.12), []
    if rng.random() < 0.5:  # oval
        radius, inner = width / 2, 1 - 2 * wall / width
        foot = rng.uniform(0.6, 1.0)
        parts.append(
            tube(0, 0, 0, [radius * foot, radius, radius * inner, radius * foot * inner * 0.9],
                 [0, height, height, wall], sides=28, stretch=length / width)
        )  # fmt: skip
        parts = turn(parts, 90)
    else:
        parts.append(box(0, 0, 0, length, width, wall))
        for side in (-1, 1):
            parts.append(box(side * (length - wall) / 2, 0, 0, wall, width, height))
            parts.append(box(0, side * (width - wall) / 2, 0, length, wall, height))
    if rng.random() < 0.35:  # on feet
        foot = rng.uniform(0.06, 0.15)
        parts = [(vertices + (0, 0, foot), faces) for vertices, faces in parts]
        parts += legs(rng, length * 0.8, width * 0.7, foot + 0.02, 0.08)
        height += foot
    if rng.random() < 0.4:  # built into a deck
        deck = rng.uniform(0.1, 0.3)
        for side in (-1, 1):
            parts.append(box(side * (length + deck) / 2, 0, 0, deck, width + 2 * deck, height * 0.95))
            parts.append(box(0, side * (width + deck) / 2, 0, length, deck, height * 0.95))
    if rng.random() < 0.5:  # tap
        end = rng.choice([-1, 1]) * (length / 2 - wall / 2)
        tall = rng.uniform(0.1, 0.3)
        parts.append(box(end, 0, height, 0.05, 0.05, tall))
        parts.append(box(end * 0.88, 0, height + tall - 0.04, 0.2, 0.05, 0.04))
    if rng.random() < 0.12:  # shower screen
        parts.append(box(0.2 * length, -width / 2, height, 0.5 * length, 0.03, rng.uniform(0.5, 0.9)))
    return parts


def bed(rng):
    width, length = rng.choice([0.9, 1.2, 1.6, 1.9]) * rng.uniform(0.9, 1.1), rng.uniform(1.9, 2.2)
    base, mattress = rng.uniform(0.08, 0.4), rng.uniform(0.12, 0.35)
    top = base + mattress
    parts = [box(0, 0, base, width, length, mattress)]
    if rng.random() < 0.6:
        parts.append(box(0, 0, base * 0.4, width * 1.05, length * 1.03, base * 0.6))
        parts += legs(rng, width, length, base * 0.5, rng.uniform(0.06, 0.14))
    else:
        parts.append(box(0, 0, 0, width * rng.uniform(0.9, 1.05), length, base))
    head = top + rng.uniform(0.15, 0.8)
    if rng.random() < 0.85:
        parts.append(box(0, length / 2, 0, width * rng.uniform(1.0, 1.15), 0.08, head))
    if rng.random() < 0.4:
        parts.append(box(0, -length / 2, 0, width * 1.05, 0.08, top + rng.uniform(-0.05, 0.4)))
    for x in [0.0] if width < 1.1 else [-width / 4, width / 4]:
        if rng.random() < 0.8:
            parts.append(box(x, length * 0.38, top, 0.5, 0.35, rng.uniform(0.08, 0.16)))
    if rng.random() < 0.12:  # canopy
        for x in (-1, 1):
            for y in (-1, 1):
                parts.append(box(x * width / 2, y * length / 2, 0, 0.07, 0.07, 2.0))
        parts.append(box(0, 0, 2.0, width, length, 0.05))
    elif rng.random() < 0.15:  # bunk
        parts = parts + [(vertices + (0, 0, 1.1), faces) for vertices, faces in parts]
    elif rng.random() < 0.25:  # night stands beside it
        for side in (-1, 1):
            parts.append(box(side * (width / 2 + 0.3), length * 0.4, 0, 0.4, 0.4, rng.uniform(0.4, 0.6)))
    return parts


def chair(rng):
    width, depth = rng.uniform(0.4, 0.62), rng.uniform(0.4, 0.62)
    seat, thick = rng.uniform(0.35, 0.55), rng.uniform(0.03, 0.14)
    style = rng.choice(["legs", "pedestal", "sled", "solid"], p=[0.55, 0.2, 0.13, 0.12])
    parts = [box(0, 0, seat - thick, width, depth, thick)]
    if rng.random() < 0.15:
        parts = [tube(0, 0, seat - thick, [width / 2, width / 2], [0, thick], stretch=depth / width)]
    if style == "legs":
        parts += legs(rng, width, depth, seat - thick, rng.uniform(0.03, 0.07))
    elif style == "pedestal":
        parts.append(tube(0, 0, 0.06, [0.04, 0.03], [0, seat - thick - 0.06], sides=8))
        spokes = rng.integers(4, 6)
        for spoke in range(spokes):
            parts += turn([box(width * 0.25, 0, 0, width * 0.5, 0.05, 0.06)], 360 * spoke / spokes)
    elif style == "sled":
        for side in (-1, 1):
            parts.append(box(side * width * 0.46, 0, 0, 0.04, depth, 0.04))
            for end in (-1, 1):
                parts.append(box(side * width * 0.46, end * depth * 0.45, 0, 0.04, 0.04, seat - thick))
    else:
        parts.append(box(0, 0, 0, width * rng.uniform(0.8, 1.0), depth * rng.uniform(0.8, 1.0), seat - thick))
    tall = rng.uniform(0.25, 0.65)
    back = []
    if rng.random() < 0.92:
        if rng.random() < 0.5:
            back.append(box(0, depth / 2, seat, width * rng.uniform(0.8, 1.0), rng.uniform(0.03, 0.1), tall))
        else:
            for x in np.linspace(-0.45, 0.45, rng.integers(2, 6)):
                back.append(box(x * width, depth / 2, seat, 0.04, 0.04, tall))
            back.append(box(0, depth / 2, seat + tall * 0.85, width, 0.05, tall * 0.2))
        parts += lean(back, rng.uniform(0, 18), depth / 2, seat)
    if rng.random() < 0.4:
        arm = rng.uniform(0.15, 0.28)
        for side in (-1, 1):
            parts.append(box(side * width / 2, 0, seat + arm, 0.06, depth * rng.uniform(0.6, 1.0), 0.05))
            parts.append(box(side * width / 2, -depth * 0.3, seat, 0.05, 0.05, arm))
    return parts


def desk(rng):
    width, depth, height = rng.uniform(0.95, 1.9), rng.uniform(0.5, 0.95), rng.uniform(0.66, 0.85)
    thick, parts = rng.uniform(0.02, 0.07), []
    parts.append(box(0, 0, height - thick, width, depth, thick))
    under, style = height - thick, rng.choice(["legs", "panels", "one", "two"], p=[0.22, 0.22, 0.33, 0.23])
    pedestal = rng.uniform(0.25, 0.38) * width
    sides = {"legs": [], "panels": [], "one": [rng.choice([-1, 1])], "two": [-1, 1]}[style]
    if style == "legs":
        parts += legs(rng, width, depth, under, rng.uniform(0.04, 0.09))
    for side in sides:
        body = [box(0, 0, 0, pedestal, depth * 0.95, under)]
        body += drawers(rng, pedestal, depth * 0.95, 0.05, under - 0.05, 1, rng.integers(2, 5), rng.random() < 0.5)
        parts += [(vertices + (side * (width - pedestal) / 2, 0, 0), faces) for vertices, faces in body]
    for side in (-1, 1):
        if style in ("panels", "one") and side not in sides:
            parts.append(box(side * (width / 2 - 0.03), 0, 0, 0.05, depth * 0.9, under))
    if rng.random() < (0.6 if style == "legs" else 0.5):  # a wide drawer or a modesty panel
        low = rng.uniform(0.08, 0.2)
        parts.append(box(0, -depth * 0.1, under - low, width * 0.5, depth * 0.7, low))
    if rng.random() < 0.5:
        parts.append(sheet([(-width / 2, depth * 0.4, 0.2), (width / 2, depth * 0.4, 0.2),
                            (width / 2, depth * 0.4, under), (-width / 2, depth * 0.4, under)]))  # fmt: skip
    if rng.random() < 0.22:  # hutch
        hutch = rng.uniform(0.25, 0.6)
        parts.append(box(0, depth * 0.42, height, width, 0.04, hutch))
        parts.append(box(0, depth * 0.3, height + hutch, width, depth * 0.35, 0.04))
    elif rng.random() < 0.2:  # return wing
        wing = rng.uniform(0.3, 0.6)
        side = rng.choice([-1, 1])
        parts.append(box(side * (width / 2 - wing / 2), -depth * 0.9, height - thick, wing, depth, thick))
        parts.append(box(side * (width / 2 - wing / 2), -depth * 1.35, 0, wing, 0.05, under))
    return parts + clutter(rng, width, depth, height, 3)


def chest(rng, width, depth, height, columns, rows):
    """A body with drawers on a plinth or legs: what dresser and night stand share."""
    foot = rng.choice([0.0, rng.uniform(0.03, 0.2)]) * height
    parts = [box(0, 0, foot, width, depth, height - foot)]
    if foot:
        parts += legs(rng, width, depth, foot, rng.uniform(0.04, 0.08) * max(width, height))
    parts += drawers(rng, width * 0.97, depth, foot, height - foot, columns, rows, rng.random() < 0.6)
    if rng.random() < 0.5:
        parts.append(box(0, 0, height, width * 1.06, depth * 1.06, 0.03 * height))
    return parts


def dresser(rng):
    wide = rng.random() < 0.6
    width = rng.uniform(0.95, 1.7) if wide else rng.uniform(0.5, 0.9)
    height = rng.uniform(0.6, 1.0) if wide else rng.uniform(0.85, 1.5)
    depth = rng.uniform(0.38, 0.6)
    columns = rng.integers(2, 4) if wide else 1
    parts = chest(rng, width, depth, height, columns, rng.integers(2, 6))
    if rng.random() < 0.15:  # mirror
        parts.append(box(0, depth * 0.45, height, width * rng.uniform(0.5, 0.9), 0.03, rng.uniform(0.3, 0.8)))
    return parts + clutter(rng, width, depth, height * 1.03, 2)


def night_stand(rng):
    width, depth, height = rng.uniform(0.38, 0.75), rng.uniform(0.34, 0.55), rng.uniform(0.42, 0.85)
    if rng.random() < 0.6:
        parts = chest(rng, width, depth, height, 1, rng.integers(1, 4))
    else:  # open: a drawer on legs or side panels, perhaps a shelf
        box_height = height * rng.uniform(0.25, 0.5)
        parts = [box(0, 0, height - box_height, width, depth, box_height)]
        parts += drawers(rng, width, depth, height - box_height, box_height, 1, 1, rng.random() < 0.7)
        if rng.random() < 0.6:
            parts += legs(rng, width, depth, height - box_height, rng.uniform(0.03, 0.07))
        else:
            for side in (-1, 1):
                parts.append(box(side * width * 0.47, 0, 0, 0.04, depth, height))
        if rng.random() < 0.6:
            parts.append(box(0, 0, height * rng.uniform(0.08, 0.25), width, depth, 0.03))
    return parts + clutter(rng, width, depth, height * 1.03, 2)


def monitor(rng):
    width = rng.uniform(0.35, 0.75)
    height = width * rng.choice([0.56, 0.62, 0.75, 1.3], p=[0.4, 0.25, 0.25, 0.1]) * rng.uniform(0.9, 1.1)
    thick, stand = rng.uniform(0.02, 0.09), rng.uniform(0.04, 0.22)
    screen = [box(0, 0, stand, width, thick, height)]
    if rng.random() < 0.2:  # tube
        screen.append(tube(0, 0, 0, [height * 0.48, height * 0.25], [0, width * rng.uniform(0.4, 0.8)], sides=4))
        vertices, faces = screen.pop()
        screen.append((vertices[:, [0, 2, 1]] + (0, thick / 2, stand + height / 2), faces))
    elif rng.random() < 0.5:
        screen.append(box(0, thick * 0.7, stand + height * 0.2, width * 0.6, thick, height * 0.6))
    if rng.random() < 0.3:  # raised frame
        for side in (-1, 1):
            screen.append(box(side * width * 0.48, -thick * 0.6, stand, width * 0.05, thick * 0.4, height))
    parts = lean(screen, rng.uniform(-3, 14), 0, stand)
    style = rng.choice(["foot", "round", "two", "none"], p=[0.45, 0.3, 0.15, 0.1])
    if style in ("foot", "round"):
        parts.append(box(0, thick * 0.8, 0, rng.uniform(0.04, 0.12), 0.04, stand + height * 0.3))
        spread = rng.uniform(0.2, 0.6) * width
        deep = rng.uniform(0.12, 0.28)
        if style == "foot":
            parts.append(box(0, 0, 0, spread, deep, 0.02))
        else:
            parts.append(tube(0, 0, 0, [spread / 2, spread / 2.2], [0, 0.025], stretch=deep / spread))
    elif style == "two":
        for side in (-1, 1):
            parts.append(box(side * width * 0.35, 0, 0, 0.04, rng.uniform(0.12, 0.25), 0.02))
            parts.append(box(side * width * 0.35, 0, 0, 0.03, 0.03, stand))
    if rng.random() < 0.15:  # speakers
        for side in (-1, 1):
            parts.append(box(side * (width / 2 + 0.08), 0, 0, 0.08, 0.1, rng.uniform(0.15, 0.3)))
    return parts


def sofa(rng):
    seats = rng.integers(1, 5)
    width, depth = seats * rng.uniform(0.5, 0.7) + 0.25, rng.uniform(0.7, 1.0)
    base, seat = rng.uniform(0.0, 0.15), rng.uniform(0.34, 0.48)
    arm, back = rng.uniform(0.08, 0.28), rng.uniform(0.25, 0.55)
    parts = [box(0, 0, base, width, depth, seat - base)]
    parts += lean([box(0, depth * 0.45, seat - 0.1, width, rng.uniform(0.12, 0.28), back + 0.1)],
                  rng.uniform(0, 12), depth * 0.4, seat)  # fmt: skip
    if base > 0.04:
        parts += legs(rng, width, depth, base, 0.06)
    arm_height = seat + rng.uniform(0.08, 0.3)
    arms = [[-1, 1], [-1], [1], []][rng.choice(4, p=[0.78, 0.06, 0.06, 0.1])]
    for side in arms:
        if rng.random() < 0.25:
            vertices, faces = tube(0, 0, 0, [arm * 0.7, arm * 0.7], [0, depth], sides=12)
            parts.append((vertices[:, [0, 2, 1]] + (side * width / 2, -depth / 2, arm_height - arm * 0.7), faces))
        parts.append(box(side * (width / 2), 0, base, arm, depth, arm_height - base))
    if rng.random() < 0.6:
        for number in range(seats):
            x = (number + 0.5) * width / seats - width / 2
            parts.append(box(x, -depth * 0.08, seat, width / seats * 0.94, depth * 0.75, rng.uniform(0.06, 0.15)))
    if seats > 1 and rng.random() < 0.18:  # chaise
        side = rng.choice([-1, 1])
        parts.append(box(side * (width / 2 - 0.35), -depth * 0.8, base, 0.7, depth * 0.8, seat - base))
    return parts


def table(rng):
    width, depth = rng.uniform(0.7, 2.0), rng.uniform(0.6, 1.05)
    height = rng.choice([rng.uniform(0.62, 0.85), rng.uniform(0.35, 0.55)], p=[0.75, 0.25])
    thick, parts = rng.uniform(0.02, 0.09), []
    under = height - thick
    is_round = rng.random() < 0.3
    if is_round:
        parts.append(tube(0, 0, under, [width / 2, width / 2], [0, thick], sides=28,
                          stretch=rng.choice([1.0, depth / width])))  # fmt: skip
    else:
        parts.append(box(0, 0, under, width, depth, thick))
    style = rng.choice(["legs", "pedestal", "trestle", "panels"], p=[0.56, 0.2, 0.12, 0.12])
    inner = 0.72 if is_round else 1.0
    if style == "legs":
        parts += legs(rng, width * inner, depth * inner, under, rng.uniform(0.04, 0.12))
    elif style == "pedestal":
        radius = rng.uniform(0.04, 0.12)
        parts.append(tube(0, 0, 0, [rng.uniform(0.2, 0.4), radius, radius], [0, 0.06, under], sides=16))
    elif style == "trestle":
        for side in (-1, 1):
            parts.append(box(side * width * 0.35, 0, 0, 0.07, depth * 0.7, 0.06))
            parts.append(box(side * width * 0.35, 0, 0, 0.08, 0.1, under))
        parts.append(box(0, 0, under * 0.4, width * 0.7, 0.05, 0.08))
    else:
        for side in (-1, 1):
            parts.append(box(side * width * 0.45, 0, 0, 0.05, depth * 0.9, under))
    if rng.random() < 0.35 and not is_round:  # apron
        low = rng.uniform(0.06, 0.15)
        parts.append(box(0, 0, under - low, width * 0.9, depth * 0.85, low))
    if rng.random() < 0.15:  # shelf
        parts.append(box(0, 0, under * rng.uniform(0.15, 0.4), width * 0.8 * inner, depth * 0.8 * inner, 0.03))
    return parts + clutter(rng, width * inner, depth * inner, height, 3)


def toilet(rng):
    bowl, height = rng.uniform(0.17, 0.23), rng.uniform(0.34, 0.46)
    stretch = rng.uniform(1.1, 1.45)
    hung = rng.random() < 0.15
    foot = height * rng.uniform(0.4, 0.6) if hung else 0.0
    parts = [
        tube(0, 0, foot, [bowl * rng.uniform(0.5, 0.8), bowl * 0.7, bowl, bowl * 0.72, bowl * 0.4],
             [0, (height - foot) * 0.5, height - foot, height - foot, (height - foot) * 0.6], stretch=stretch)
    ]  # fmt: skip
    rear = bowl * stretch
    tank = rng.random() < 0.82
    if tank:
        tall, deep = rng.uniform(0.25, 0.42), rng.uniform(0.14, 0.22)
        wide = rng.uniform(0.34, 0.5)
        bottom = height - rng.uniform(0.0, 0.08)
        parts.append(box(0, rear + deep / 2 - 0.03, bottom, wide, deep, tall))
        parts.append(box(0, rear + deep / 2 - 0.03, bottom + tall, wide * 1.06, deep * 1.1, 0.03))
        if rng.random() < 0.6:
            parts.append(box(0, rear + deep / 2, 0, bowl * rng.uniform(0.8, 1.6), deep, height))
    if not hung:
        parts.append(box(0, rear * 0.6, 0, bowl * rng.uniform(0.9, 1.5), rear, height * 0.7))
    lid = tube(0, 0, height, [bowl * 1.05, bowl * 1.05], [0, 0.03], stretch=stretch)
    state = rng.random()
    if state < 0.45:
        parts.append(lid)
    elif state < 0.8:  # lid up
        parts += lean([lid], -rng.uniform(80, 100), rear, height)
    if rng.random() < 0.15:
        side = rng.choice([-1, 1])
        parts.append(box(side * 0.4, rear, 0, 0.14, 0.14, rng.uniform(0.3, 0.7)))
    return parts


MAKERS = {maker.__name__: maker for maker in (bathtub, bed, chair, desk, dresser, monitor, night_stand, sofa, table, toilet)}
