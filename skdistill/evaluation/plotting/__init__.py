"""Drawing, one kind of picture in a module; matplotlib is imported when drawing."""
