"""From a corpus and a configuration to artifacts: plan, store, executors, run folders."""
