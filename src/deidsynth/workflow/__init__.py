"""The workflow: plans, the artifact store, executors and run folders."""
