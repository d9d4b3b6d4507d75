"""Files of public datasets that are known by a digest of their bytes.

A *file list* is one file that holds the published digests of the files of some datasets, and their paths
there. `file_list` reads one, `write_file_list` writes one, `known_files` looks digests up in several. The
package ships `published.files`, which ``python -m benchmarks known-files`` makes.
"""
