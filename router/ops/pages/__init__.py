"""The dashboard's pages: one module a page, HTML made on the server, nothing from outside."""
