"""The decoder as its caller sees it: starts the sandboxed worker, checks what it answers."""
