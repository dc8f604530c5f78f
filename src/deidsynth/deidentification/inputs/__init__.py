"""What a user gives to be de-identified, read piece by piece: notes, corpora, tables, JSON, standard input."""
