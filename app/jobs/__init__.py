"""Trainings as jobs: the web process queues them, a worker runs each in a process of its own."""
