"""HTTP: the data plane as plain ASGI, everything else as Litestar handlers."""
