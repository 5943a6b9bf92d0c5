"""opgen: turns the op rows of core/ops/*.toml into C++ tables, builders, Python stubs and docs."""
