"""Questions from a document's parts: definitions, procedures, lists, sections."""
