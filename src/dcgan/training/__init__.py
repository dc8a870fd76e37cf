"""The two networks teach each other: batches go in, one StepReport a step comes out."""
