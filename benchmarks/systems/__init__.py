"""What is measured: the product, other systems, a library in memory, and the resources they take."""
