"""How fast articles are scored, by hand and by us: `make bench`, explained in docs/benchmark.md."""
