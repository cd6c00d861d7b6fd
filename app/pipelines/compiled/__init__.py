"""Compiled pipelines: operations on arrays that answer as a fitted pipeline does, without the library that fitted it.

`stored` is how they are kept. `app.pipelines.compiling` makes them.
"""
