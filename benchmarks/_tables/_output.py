"""Output of the summary as text, as a page, and as a picture of regrets."""

import numpy as np
from matplotlib.figure import Figure

from benchmarks._tables._summary import SIZES, regrets, scores, size_names, summarize

#: Limits of the picture. Regrets beyond them are drawn at its edge.
LIMITS = (-1, 3)
BLUE, GREY = "#0072B2", "#767676"


def as_text(lines):
    """Return the summary for a terminal."""
    parts = []
    for title, columns, rows in summarize(lines):
        table = [columns, *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        parts.append(f"\n{title}\n{'-' * len(title)}")
        if rows:
            parts += [_aligned(row, widths) for row in table]
    return "\n".join(parts)


def _aligned(row, widths):
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()


def as_rst(lines):
    """Return the summary as a part of a page in reStructuredText."""
    parts = []
    for title, columns, rows in summarize(lines):
        parts += [title, "-" * len(title), ""]
        if not rows:
            parts += ["None.", ""]
            continue
        parts += [".. list-table::", "   :header-rows: 1", ""]
        for row in (columns, *rows):
            bullets = ("*", *" " * (len(row) - 1))
            for bullet, cell in zip(bullets, row, strict=True):
                parts.append(f"   {bullet} - {cell}")
        parts.append("")
    return "\n".join(parts)


def draw(lines, path):
    """Save box plots of the regrets: a panel for each size, a box for each method."""
    regret = regrets(scores(lines))
    if regret.empty:
        raise SystemExit("No picture: no cell of the file has a regret yet.")
    names = np.array(size_names(regret.index))
    sizes = [name for name in SIZES if name in names]
    methods = [method for method in regret if method != "random"]
    n_rows = -(-len(sizes) // 3)
    figure = Figure(figsize=(10, 2.9 * n_rows + 0.6), layout="constrained")
    axes = figure.subplots(n_rows, 3, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in axes[len(sizes) :]:
        ax.remove()
    for ax, size in zip(axes, sizes, strict=False):
        _draw_panel(ax, regret.loc[names == size, methods])
        ax.set_title(f"{size} ({np.sum(names == size)} cells)")
        ax.tick_params(labelbottom=True)
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    axes[0].set_xlim(*LIMITS)
    figure.supxlabel(
        "regret (0: all rows, 1: random rows; triangles: beyond the edge)", fontsize=10
    )
    figure.savefig(path, dpi=150)


def _draw_panel(ax, regret):
    jitter = np.random.default_rng(0)
    for level, style in ((0, "-"), (1, "--")):
        ax.axvline(level, color="black", linewidth=0.8, linestyle=style)
    for position, method in enumerate(regret):
        values = regret[method].dropna().to_numpy()
        if not len(values):
            continue
        color = BLUE if method == "distill" else GREY
        inside = np.clip(values, *LIMITS)
        height = position + jitter.uniform(-0.25, 0.25, len(values))
        low, high = (values < LIMITS[0]), (values > LIMITS[1])
        for marker, chosen in (("o", ~(low | high)), ("<", low), (">", high)):
            ax.scatter(
                *(inside[chosen], height[chosen]),
                **{
                    "s": 9 if marker == "o" else 25,
                    "alpha": 0.5,
                    "color": color,
                    "marker": marker,
                },
                **{"linewidths": 0, "clip_on": False},
            )
        ax.boxplot(
            inside,
            positions=[position],
            orientation="horizontal",
            widths=0.6,
            showfliers=False,
            manage_ticks=False,
            boxprops={"color": color, "linewidth": 1.4},
            whiskerprops={"color": color},
            capprops={"color": color},
            medianprops={"color": "black", "linewidth": 2},
        )
