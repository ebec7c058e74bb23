"""Tasks of the sessions that are killed."""

from theus import process


@process(parallel=True, inputs=["heavy"], crash_retries=100)
def distinct(ctx, name):
    """The values that an array holds, each once."""
    import numpy as np

    return [int(value) for value in np.unique(ctx.heavy[name])]
