"""Training as a kernel predicts it: decay rates, predicted errors, and kernel regression."""
