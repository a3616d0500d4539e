"""How well the router routes, measured on recorded outcomes of public models; docs/quality.md explains the figures."""
