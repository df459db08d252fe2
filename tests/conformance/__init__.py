"""Our reading of other people's languages, held against their documentation and programs."""
