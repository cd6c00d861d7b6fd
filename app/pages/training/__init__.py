"""What the page that starts a training shows: the data, the choices, and the parameters that they make."""
