"""From files to passages: documents, chunks, the library, the index, search and citations."""
