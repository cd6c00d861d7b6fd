"""What an operator sees of the service: lines of the log, numbers and traces. It knows nothing of what it tells."""
