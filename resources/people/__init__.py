"""People and rights: who may use the console, and what each may do."""
