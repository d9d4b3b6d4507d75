"""Functions of NumPy and SciPy whose own import takes more time than a command needs for all else."""
