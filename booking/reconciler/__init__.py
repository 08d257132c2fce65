"""The reconciler: compares what partners and card processor have with what we have, and puts right what is safe."""
