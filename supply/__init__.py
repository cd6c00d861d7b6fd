"""What the project takes from others: that it is what was chosen, what is known against it, and under which licence.

`make lint` runs the checks (`python -m supply`), none of which needs a network. `make audit` asks the Python advisory
database, which does.
"""
