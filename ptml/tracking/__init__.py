"""Logging trainings and evaluations to an MLflow tracking server, for those who compare runs there.

MLflow is the extra ``mlflow`` and is loaded only when it is asked for. What is logged is what lies in the
model's folder and the report's; a run is found again by the model's fingerprint, so that logging the same
twice changes nothing, and an evaluation joins the training it belongs to.
"""

from __future__ import annotations

from ptml.tracking.server import LOGGED, Tracker, is_installed, tracker_for
from ptml.tracking.values import parameters

__all__ = ["LOGGED", "Tracker", "is_installed", "parameters", "tracker_for"]
