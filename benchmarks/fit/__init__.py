"""``python -m benchmarks fit``: fits the numbers of the scheme's calibration.

`registry` lists the fits in order of dependence; each is a module that turns measurements of named audio
lists into new values of fields of `Calibration`.
"""
