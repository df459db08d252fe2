"""Parts of pages that need no server."""
