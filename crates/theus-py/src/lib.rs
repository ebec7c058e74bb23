//! The Python package of Theus: the PyO3 module theus._native.
