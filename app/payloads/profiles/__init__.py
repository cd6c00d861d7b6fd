"""What an uploaded table holds, column by column, said before anything is trained on it."""
