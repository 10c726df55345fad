"""Draw the rooms of the package: ``python docs/architecture.py``.

A test compares ``FLOORS`` with the imports of the package.
"""

from pathlib import Path

#: Rooms from the roof down, each with what it is for. A room imports from lower floors.
FLOORS = [
    {"evaluation": "scores a set: sizes, baselines, other estimators, plots"},
    {"estimators": "what a user imports: the story of a fit, the refit"},
    {"solvers": "bring the roles together: pose, start, iterate, round"},
    {"students": "inner problem: train", "optimizers": "minimize over a vector"},
    {"objectives": "outer problem: a loss", "real": "the real rows"},
    {"synthetic": "the small set", "tables": "columns, data frames"},
]
#: The four roles; the other rooms bring them together or serve them.
ROLES = {"students", "objectives", "real", "optimizers"}
#: Stations of an outer iteration, clockwise, each with what it hands to the next.
STATIONS = [
    ("optimizers", "a better set", "synthetic set"),
    ("students", "solve(synthetic)", "params"),
    ("objectives + real", "map_sum(loss and gradient)", "params_grad"),
    ("students", "implicit_vjp(params_grad)", "hypergrad"),
]
ROLE_COLOR, ROOM_COLOR, INK = "#f6d8b8", "#dbe6f0", "#26323d"


def box(ax, x, y, width, height, title, text, color):
    """Draw a room with its name and what it is for."""
    from matplotlib.patches import FancyBboxPatch

    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.015",
            facecolor=color,
            edgecolor=INK,
            linewidth=0.8,
        )
    )
    middle = x + width / 2
    style = {"ha": "center", "va": "center", "color": INK}
    ax.text(middle, y + 0.66 * height, title, weight="bold", fontsize=11, **style)
    ax.text(middle, y + 0.3 * height, text, fontsize=8.5, **style)


def draw_floors(ax):
    """Draw the floors, one above the other."""
    height, gap = 0.12, 0.035
    for level, floor in enumerate(FLOORS):
        width = (1 - 0.02 * (len(floor) - 1)) / len(floor)
        y = 1 - (level + 1) * height - level * gap
        for i, (name, text) in enumerate(floor.items()):
            color = ROLE_COLOR if name in ROLES else ROOM_COLOR
            box(ax, i * (width + 0.02), y, width, height, name, text, color)
    ax.text(0, 0.02, "orange: the four roles", fontsize=8.5, va="center", color=INK)
    ax.set_title("A room imports from lower floors only", fontsize=12, color=INK)


def draw_iteration(ax):
    """Draw an outer iteration as a round trip."""
    width, height = 0.46, 0.13
    centers = [(0.5, 0.88), (0.76, 0.52), (0.5, 0.16), (0.24, 0.52)]
    # Arrows leave and reach the upper and lower boxes a little to the side.
    ends = [
        ((0.63, 0.8), (0.76, 0.6)),
        ((0.76, 0.44), (0.63, 0.24)),
        ((0.37, 0.24), (0.24, 0.44)),
        ((0.24, 0.6), (0.37, 0.8)),
    ]
    for station, (x, y), (tail, head) in zip(STATIONS, centers, ends, strict=True):
        title, text, handed = station
        corner = x - width / 2, y - height / 2
        box(ax, *corner, width, height, title, text, ROLE_COLOR)
        arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", xy=head, xytext=tail, arrowprops=arrow)
        is_right = tail[0] > 0.5
        ax.text(
            (tail[0] + head[0]) / 2 + (0.06 if is_right else -0.06),
            (tail[1] + head[1]) / 2,
            handed,
            ha="left" if is_right else "right",
            va="center",
            fontsize=9,
            style="italic",
            color=INK,
        )
    ax.set_title("One outer iteration", fontsize=12, color=INK)


def main():
    """Save the picture next to this file."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    # The same file each time.
    plt.rcParams["svg.hashsalt"] = "skdistill"
    figure, axes = plt.subplots(
        1, 2, figsize=(11, 5.2), width_ratios=(1.15, 1), layout="constrained"
    )
    for ax, draw in zip(axes, (draw_floors, draw_iteration), strict=True):
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        ax.axis("off")
        draw(ax)
    path = Path(__file__).with_suffix(".svg")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
