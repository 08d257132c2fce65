"""`make mutants`: the code is broken in every small way that mutmut knows, and the tests have to notice."""
