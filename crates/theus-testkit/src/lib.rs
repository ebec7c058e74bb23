//! Generators, slow reference models and the crash harness of the Theus tests.
