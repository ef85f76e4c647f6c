"""Experiments, runs and registered models; the one room that imports mlflow.

`registry` finds bundles and needs mlflow alone; `run` records a training run and needs all that trains.
"""
