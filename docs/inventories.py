"""Links to the documentation of other projects, without a network.

Intersphinx finds the pages of a project in its inventory, which it would have to
download. The addresses follow a rule, so that inventories of the names that are needed
can be written from the installed packages. They are in the format that Sphinx writes.
"""

import inspect
import pkgutil
import zlib
from importlib import import_module

#: Where the documentation of a project is, and the page of a name in it. Sphinx puts
#: the name in the place of "$".
PAGES = {
    "sklearn": ("https://scikit-learn.org/stable/", "modules/generated/{name}.html#$"),
    "numpy": ("https://numpy.org/doc/stable/", "reference/generated/{name}.html#$"),
    "scipy": ("https://docs.scipy.org/doc/scipy/", "reference/generated/{name}.html#$"),
    "pandas": ("https://pandas.pydata.org/docs/", "reference/api/{name}.html#$"),
    "jax": ("https://docs.jax.dev/en/latest/", "_autosummary/{name}.html#$"),
}
#: Names of packages whose documentation has too many to list them all.
NAMES = {
    "numpy": ("ndarray", "memmap", "random.RandomState", "random.default_rng"),
    "scipy": ("sparse.csr_array", "sparse.csr_matrix"),
    "pandas": ("DataFrame", "Series"),
    "jax": ("Array", "jit", "numpy.array"),
}
#: Modules without pages, or whose import changes what scikit-learn offers.
NO_MODULES = ("conftest", "estimator_checks", "experimental", "externals", "tests")
#: Classes whose page has another name.
ELSEWHERE = {"numpy.random.RandomState": "reference/random/legacy.html#$"}
#: Terms and labels that docstrings inherited from scikit-learn refer to: their kind,
#: their address, and what a link says.
LABELS = {
    "sklearn": {
        "array-like": ("term", "glossary.html#term-array-like", "array-like"),
        "estimator": ("term", "glossary.html#term-estimator", "estimator"),
        "meta-estimator": (
            "term",
            "glossary.html#term-meta-estimator",
            "meta-estimator",
        ),
        "metadata_routing": (
            "label",
            "metadata_routing.html#metadata-routing",
            "Metadata Routing",
        ),
        "df_output_transform": (
            "label",
            "modules/df_output_transform.html#df-output-transform",
            "Pandas/Polars Output for Transformers",
        ),
        "sphx_glr_auto_examples_miscellaneous_plot_set_output.py": (
            "label",
            "auto_examples/miscellaneous/plot_set_output.html",
            "Introducing the set_output API",
        ),
    }
}


def public_modules(package):
    """Yield a package and the public modules in it."""
    yield package
    for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
        if info.name[0] != "_" and info.name not in NO_MODULES:
            yield from public_modules(import_module(f"{package.__name__}.{info.name}"))


def public_names(package):
    """Yield the full name of each public class and function, and the object."""
    for module in public_modules(package):
        name = module.__name__
        for public in getattr(module, "__all__", vars(module)):
            value = vars(module).get(public)
            home = getattr(value, "__module__", None) or ""
            is_here = home == name or home.startswith(f"{name}._")
            if public[0] != "_" and callable(value) and is_here:
                yield f"{name}.{public}", value


def entries(project):
    """Yield the lines of the inventory of a project."""
    page = PAGES[project][1]
    package = import_module(project)
    if project in NAMES:
        named = []
        for end in NAMES[project]:
            module, _, name = f"{project}.{end}".rpartition(".")
            named.append((f"{project}.{end}", getattr(import_module(module), name)))
    else:
        named = public_names(package)
    for name, value in named:
        kind = "class" if inspect.isclass(value) else "function"
        address = ELSEWHERE.get(name, page.format(name=name))
        yield f"{name} py:{kind} 1 {address} -"
    for name, (kind, address, text) in LABELS.get(project, {}).items():
        yield f"{name} std:{kind} -1 {address} {text}"


def write_inventories(folder):
    """Write an inventory for each project; return the setting of intersphinx."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (address, _) in PAGES.items():
        version = import_module(project).__version__
        header = (
            "# Sphinx inventory version 2\n"
            f"# Project: {project}\n"
            f"# Version: {version}\n"
            "# The remainder of this file is compressed using zlib.\n"
        )
        lines = "".join(f"{entry}\n" for entry in entries(project))
        path = folder / f"{project}.inv"
        path.write_bytes(header.encode() + zlib.compress(lines.encode()))
        mapping[project] = (address, str(path))
    return mapping
