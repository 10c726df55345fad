"""Rooms import from lower floors only, as the picture in the documentation says."""

import ast
import runpy
from pathlib import Path

import skdistill

PACKAGE = Path(skdistill.__file__).parent
PICTURE = Path(__file__).parents[1] / "docs" / "architecture.py"


def drawn_floors():
    return [list(floor) for floor in runpy.run_path(str(PICTURE))["FLOORS"]]


def imports():
    """Return pairs of a file and a room that it imports from, anywhere in the file."""
    for path in PACKAGE.rglob("*.py"):
        file = path.relative_to(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                package, *rooms = name.split(".")
                if package == "skdistill" and rooms:
                    yield file, rooms[0]


def test_every_room_is_drawn():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {room for floor in drawn_floors() for room in floor}


def test_rooms_import_from_lower_floors():
    height = {
        room: -level for level, floor in enumerate(drawn_floors()) for room in floor
    }
    upwards = {
        f"{file} imports from {room}"
        for file, room in imports()
        if len(file.parts) > 1 and room in height and room != file.parts[0]
        if height[room] >= height[file.parts[0]]
    }
    assert not upwards


def test_modules_outside_the_rooms_import_from_none():
    rooms = {room for floor in drawn_floors() for room in floor}
    served = {
        f"{file} imports from {room}"
        for file, room in imports()
        if len(file.parts) == 1 and file.name != "__init__.py" and room in rooms
    }
    assert not served
