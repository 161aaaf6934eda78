"""From paths to documents: `walk` finds the files, `loader` has them parsed by a child process that may die safely."""
