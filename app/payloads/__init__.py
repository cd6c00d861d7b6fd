"""What comes in: uploads into frames, labels and parameters. Every answer about bad input is raised in here."""
