"""Functions that are written out into the file that trains a version again, see `code`.

They do what the service does to data that it has accepted, in few lines: no errors of ours, no limits. They import
nothing of this service, or it would be written out as well.
"""
